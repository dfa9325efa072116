"""Which column of a table is what, by its name and by what else the table holds."""

import csv
import re

import numpy as np
import pytest

from ziggy_async import BarStore
from ziggy_async.reading.columns import read_bars
from ziggy_async.reading.options import Rules
from ziggy_async.reading.spellings import PRICE_COLUMNS, PRICES, role_of


def table(**changes):
    columns = {"timestamp": np.array(["2020-01-01", "2020-01-02"], "M8[D]"), "volume": [10.0, 0.0]}
    columns |= {"open": [1.0, 2.0], "high": [3.0, 4.0], "low": [0.5, 1.5], "close": [2.0, 3.0]}
    return columns | changes


@pytest.mark.parametrize(
    "names",
    [
        "Datum,Otevření,Maximum,Minimum,Zavření,Objem",
        "Dátum,Nyitó,Max,Min,Záró,Mennyiség",
        "Data,Deschidere,Maxim,Minim,Închidere,Volum",
        "Päivämäärä,Avaus,Ylin,Alin,Päätös,Volyymi",
        "Dato,Åpning,Høyest,Lavest,Slutt,Volum",
        "Dato,Åbning,Højeste,Laveste,Lukkekurs,Volumen",
        "Ngày,Mở,Cao,Thấp,Đóng,KL",
        "TARİH,AÇILIŞ,YÜKSEK,DÜŞÜK,KAPANIŞ,HACİM",
        "Tanggal,Pembukaan,Tertinggi,Terendah,Terakhir,Vol.",
        "วันที่,เปิด,สูงสุด,ต่ำสุด,ปิด,ปริมาณ",
        "Ημερομηνία,Άνοιγμα,Υψηλό,Χαμηλό,Κλείσιμο,Όγκος",
        "Ημερομηνία,Άνοιγμα,Υψηλό,Χαμηλό,Τελευταία,Όγκ.",
        "日期,開市,高,低,收市,成交量",
        "วันเดือนปี,เปิด,สูง,ต่ำ,ล่าสุด,ปริมาณ",
        "תאריך,פתיחה,גבוה,נמוך,סגירה,נפח",
        "Fecha,Apertura,Maximo,Minimo,Cierre,Volumen",
        "Datum,Oppning,Hogsta,Lagsta,Stangning,Volym",
    ],
)
def test_names_of_other_languages(names) -> None:
    assert [role_of(name) for name in names.split(",")] == ["timestamp", *PRICE_COLUMNS]


@pytest.mark.parametrize(
    ("role", "name"),
    [
        ("close", "Close (USD)"),
        ("close", "Close [€]"),
        ("close", "Close ($)"),
        ("close", "Close (in USD per share)"),
        ("close", "收盘价\uff08元\uff09"),
        ("volume", "Volume (shares)"),
        ("volume", "成交量(股)"),
        ("timestamp", "Date (UTC)"),
        ("timestamp", "Exchange Date (UTC)"),
        ("timestamp", "Time (UTC+0)"),
        ("timestamp", "Time (Z)"),
        ("timestamp", "Date (YYYY-MM-DD)"),
        *(("timestamp", name) for name in ("Time (ms)", "Timestamp [s]", "Date (Unix ms)", "Time (UTC, seconds)")),
        ("timestamp", "Date [dd.mm.yyyy hh:mm:ss]"),
        ("timestamp", "Trade Date (yyyymmdd)"),
    ],
)
def test_a_remark_that_names_a_currency_or_a_unit(role, name) -> None:
    columns = table()
    columns[name] = columns.pop(role)
    assert getattr(read_bars(columns, "A"), role).tolist() == getattr(read_bars(table(), "A"), role).tolist()


@pytest.mark.parametrize(
    ("role", "name"),
    [
        *(("close", f"Close {remark}") for remark in ("(adj)", "[adjusted]", "(prev)", "(5d avg)", "(%)", "%")),
        *(("close", name) for name in ("Close Price (Adj.)", "Close (dividend adjusted)", "Close (USD, adj)")),
        ("high", "High (52W)"),
        *(("volume", f"Volume {remark}") for remark in ("(M)", "('000)", "(in millions)", "(x1000)", "[k]", "(lots)")),
        *(("volume", f"Volume {remark}") for remark in ("(USD)", "($)", "(quote)", "(shares, thousands)")),
        *(("volume", name) for name in ("Vol(Cr)", "成交量(手)")),
        *(("timestamp", f"Date ({remark})") for remark in ("EST", "EST, ms", "UTC+1", "local", "yyyy", "mm/mm/yyyy")),
    ],
)
def test_a_remark_that_makes_another_figure_of_a_column(role, name) -> None:
    columns = table()
    columns[name] = columns.pop(role)
    with pytest.raises(
        ValueError, match=f"no column for {role}: .*; {re.escape(repr(name))}: the remark says"
    ) as error:
        read_bars(columns, "A")
    assert f"{role!r}: NAME" in str(error.value)
    assert len(read_bars(columns, "A", Rules(columns={role: name})).close) == 2


@pytest.mark.parametrize("remark", ["(pence)", "(cents)", "(GBX)", "[GBp]", "(in pence)", "(US cents)", "(¢)", "(p)"])
def test_prices_in_hundredths_of_a_currency_need_a_scale(remark) -> None:
    columns = {f"{name.title()} {remark}" if name in PRICES else name: column for name, column in table().items()}
    said = rf"no column for open, high, low, close: .*'Close {re.escape(remark)}': the remark says .*price_scale=0\.01"
    with pytest.raises(ValueError, match=said):
        read_bars(columns, "A")
    chosen = {name: f"{name.title()} {remark}" for name in PRICES}
    assert read_bars(columns, "A", Rules(columns=chosen, price_scale=0.01)).close.tolist() == [0.02, 0.03]


def test_a_column_without_a_remark_is_taken_before_one_with() -> None:
    bars = read_bars(table(**{"Close (prev)": [9.0, 9.0], "Close (adj)": [8.0, 8.0], "Volume (USD)": [7.0, 7.0]}), "A")
    assert bars.close.tolist() == [2.0, 3.0]
    assert bars.volume.tolist() == [10.0, 0.0]


def test_prices_of_several_currencies() -> None:
    columns = table()
    columns |= {"Open (EUR)": columns.pop("open"), "Close (USD)": columns.pop("close")}
    with pytest.raises(ValueError, match=r"prices of several currencies: 'Open \(EUR\)', 'Close \(USD\)'"):
        read_bars(columns, "A")


METATRADER = [(1577836800, 1.0, 3.0, 0.5, 2.0, 10, 1, 700), (1577923200, 2.0, 4.0, 1.5, 3.0, 20, 1, 0)]
RATES = [("time", "i8"), *((name, "f8") for name in ("open", "high", "low", "close"))]
RATES += [("tick_volume", "u8"), ("spread", "i4"), ("real_volume", "u8")]


def test_the_volume_that_was_traded_goes_before_that_of_ticks_where_it_is_known() -> None:
    rates = np.array(METATRADER, RATES)
    assert read_bars(rates, "A").volume.tolist() == [700.0, 0.0]
    assert read_bars({name: rates[name] for name in rates.dtype.names}, "A").volume.tolist() == [700.0, 0.0]
    assert read_bars(rates, "A", Rules(columns={"volume": "tick_volume"})).volume.tolist() == [10.0, 20.0]
    rates["real_volume"] = 0
    assert read_bars(rates, "A").volume.tolist() == [10.0, 20.0]
    columns = table(timestamp=table()["timestamp"].astype("M8[ns]").astype("i8").view("M8[ns]"))
    columns |= {"tick_volume": columns.pop("volume"), "real_volume": np.array([5.0, 6.0])}
    assert read_bars({name: np.asarray(column) for name, column in columns.items()}, "A").volume.tolist() == [5.0, 6.0]


@pytest.mark.parametrize(("traded", "volume"), [("700", 700.0), ("0", 33.0)])
def test_the_volumes_of_metatrader_in_a_file(traded, volume, tmp_path) -> None:
    names = "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>"
    row = f"2024.01.12\t00:00:00\t2\t4\t1\t3\t33\t{traded}\t2"
    for text in (f"{names}\n{row}\n", f"{row}\n"):
        (tmp_path / "abc.csv").write_text(text)
        assert BarStore.read(tmp_path).bars("ABC")["volume"].tolist() == [volume]


@pytest.mark.parametrize(
    "names",
    [
        "Dates,Open,High,Low,Close,Volume",
        "time_period_start,price_open,price_high,price_low,price_close,volume_traded,time_open,time_close",
        "日期,開盤價,最高價,最低價,收盤價,成交股數",
        "Datum,Open,Hoog,Laag,Slot,Volume",
        "ticks,open,high,low,close,volume",
        "timeOpen,open,high,low,close,volume,timeClose,timestamp",
        "Exchange Date,Open,High,Low,Close,Volume",
        "time_key,open,high,low,close,volume",
        "snapshotTimeUTC,open,high,low,close,volume,snapshotTime",
        "bob,open,high,low,close,volume,eob",
        "startedAt,open,high,low,close,baseTokenVolume",
        "date,px_open,px_high,px_low,px_close,px_volume",
        "d,op,hi,lo,cl,qty",
        "Session Date,Opening,Highest,Lowest,Closing,Shares",
        "Data,Kurs otwarcia,Kurs max,Kurs min,Kurs zamknięcia,Wolumen",
        "Datum,Öppen,Högst,Lägst,Senaste,Vol.",
        "Dato,Åpning,Høy,Lav,Siste,Volum",
        "日時,始値,高値,安値,終値,売買高(株)",
        "Date,OPEN,HIGH,LOW,LTP*,Volume(Nos)",
        "Data,Abertura,Máxima,Mínima,Fechamento,Quantidade",
    ],
)
def test_names_of_vendors(names) -> None:
    moment, day = np.array(["2020-01-02"], "M8[D]"), np.timedelta64(1, "D")
    columns = [moment, [1.0], [3.0], [0.5], [2.0], [7.0], moment + day, moment + 2 * day]
    bars = read_bars(dict(zip(names.split(","), columns, strict=False)), "A")
    assert [bars.timestamp.tolist(), *(getattr(bars, name).tolist() for name in PRICE_COLUMNS)] == [
        [1577923200 * 10**9], [1.0], [3.0], [0.5], [2.0], [7.0],
    ]  # fmt: skip


@pytest.mark.parametrize(
    "written",
    [
        *("[{}]", "({})", "{{{}}}", "<{}>", "'{}'", '"{}"', "`{}`", "*{}*", "#{}", "{}:", "_{}_", "({}.)", " {} "),
        *("{at}. {}", "{at}.{}", "{at}) {}", "({at}) {}", "[{at}] {}", "#{at} {}", "{at}: {}", "{at} - {}", "{at}_{}"),
        *(
            "{at}] {}",
            "{at}) ({})",
            "Column {at}: {}",
            "a) {}",
            "iv) {}",
            "|{}|",
            "{};",
            "{}\t",
            "\u201c{}\u201d",
            "\u00ab{}\u00bb",
        ),
        *("0{at} {}", "0{at}. {}", "{at}a. {}", "{at} {}", "No. {at} {}", "{at}. [{}]", "({at}) <{}>", "1.{at} {}"),
        *(
            "{}.1",
            "{} (column 3)",
            "[({})]",
            "\uff08{}\uff09",
            "\u3010{}\u3011",
            "\ufeff{}",
            "{}\u00a0",
            "{at}\u20e3 {}",
        ),
    ],
)
@pytest.mark.parametrize("case", [str.lower, str.upper, str.title])
def test_names_are_compared_without_brackets_and_numbering(written, case, tmp_path) -> None:
    names = [written.format(case(name), at=at) for at, name in enumerate(("date", *PRICE_COLUMNS), start=1)]
    row = ["2020-01-02", 1.0, 3.0, 0.5, 2.0, 7.0]
    for name, role in zip(names, ("timestamp", *PRICE_COLUMNS), strict=True):
        assert role_of(name) == role
    bars = read_bars({name: [value] for name, value in zip(names, row, strict=True)}, "A")
    assert [getattr(bars, name).tolist() for name in PRICE_COLUMNS] == [[value] for value in row[1:]]
    with (tmp_path / "abc.csv").open("w", newline="") as file:
        csv.writer(file).writerows([names, row])
    store = BarStore.read(tmp_path / "abc.csv")
    assert store.symbols() == ["ABC"]
    assert [store.bars("ABC")[name].tolist() for name in PRICE_COLUMNS] == [[value] for value in row[1:]]


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("[Open] (USD)", "open"),
        ("(USD) Close", "close"),
        ("[Close (USD)]", "close"),
        ("4b. close (USD)", "close"),
        ("[Volume] [shares]", "volume"),
        ("(Date) (UTC)", "timestamp"),
        ("1. [Close] ($)", "close"),
        *((name, None) for name in ("[Close] (adj)", "(Adj) [Close]", "[Adj] Close", "[Close] %", "(Volume) ($)")),
        *(
            (name, None)
            for name in ("5 min", "1 day", "10-day high", "52 week low", "5d close", "20240102", "1.5", "()")
        ),
        *((name, None) for name in ("open1min", "close_1", "[1]", "#", "1")),
    ],
)
def test_remarks_and_lengths_beside_brackets_and_numbering(name, role) -> None:
    assert role_of(name) == role
