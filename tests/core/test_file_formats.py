"""CSV files as their vendors write them, what they may be packed in, and many files at once."""

import gzip
import io
import logging
import os
import threading
import zipfile

import duckdb
import numpy as np
import pandas as pd
import pytest
from reference.bars import FIELDS, walk
from reference.tables import assert_bars

from ziggy_async import BarStore, duckdb_thread
from ziggy_async.reading import files, paths
from ziggy_async.reading.options import Rules
from ziggy_async.reading.paths import DataFile

BARS = walk(30)
DAYS = [str(stamp)[:10] for stamp in BARS.timestamp.astype("M8[ns]")]
SECONDS = (BARS.timestamp // 10**9).tolist()
FIGURES = [tuple(map(repr, row)) for row in zip(*(c.tolist() for c in BARS.columns().values()), strict=True)]
NAMES = "date,open,high,low,close,volume"
LINES = [",".join([day, *row]) for day, row in zip(DAYS, FIGURES, strict=True)]
PLAIN = "\n".join([NAMES, *LINES]) + "\n"
FRAME = pd.DataFrame(BARS.columns(), index=pd.DatetimeIndex(BARS.timestamp.astype("M8[ns]"), name="Date"))


def rows(*columns, sep=","):
    return "".join(f"{sep.join(map(str, row))}\n" for row in zip(*columns, strict=True))


def dollars(column):
    return [f"${figure}" for figure in column]


OHLCV = list(zip(*FIGURES, strict=True))
O, H, L, C, V = OHLCV  # noqa: E741 - as everybody calls them
MINUS = [day.replace("-", "") for day in DAYS]
DOTS = [day.replace("-", ".") for day in DAYS]
ZERO = ["0"] * len(DAYS)

FILES = {
    "plain": PLAIN,
    "a sentence before": f"Historical prices of ABC\n\n{PLAIN}",
    "lines before with commas": f"Symbol:,ABC\nExported,2024-01-01,by me\n{PLAIN}",
    "comments": f"# from a vendor\n{PLAIN}# the end\n",
    "names in a comment": "#" + PLAIN,
    "sep": "sep=;\n" + PLAIN.replace(",", ";"),
    "stooq": "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n"
    + rows(["ABC"] * 30, ["D"] * 30, MINUS, ["000000"] * 30, O, H, L, C, V, ZERO),
    "Binance": rows([s * 1000 for s in SECONDS], *OHLCV, [s * 1000 + 59 for s in SECONDS], *[ZERO] * 5),
    "Kraken": rows(SECONDS, *OHLCV, ZERO),
    "MetaTrader": rows(DOTS, ["00:00"] * 30, *OHLCV),
    "MetaTrader with names": "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"
    + rows(DOTS, ["00:00:00"] * 30, *OHLCV, ZERO, ZERO, sep="\t"),
    "HistData": rows([f"{day} 000000" for day in MINUS], *OHLCV, sep=";"),
    "days without names": rows(MINUS, *OHLCV),
    "pandas with a nameless index": FRAME.rename_axis(None).to_csv(),
    "pandas, two levels": pd.concat({"ABC": FRAME}, axis=1, names=["Ticker", "Price"]).swaplevel(axis=1).to_csv(),
    "pandas, two levels, nameless": pd.concat({"ABC": FRAME.rename_axis(None)}, axis=1).swaplevel(axis=1).to_csv(),
    "Investing.com": "\ufeff" + '"Date","Price","Open","High","Low","Vol.","Change %"\n'
    + rows([f'"{d[5:7]}/{d[8:]}/{d[:4]}"' for d in DAYS], C, O, H, L, V, ZERO),
    "Nasdaq": "Date,Close/Last,Volume,Open,High,Low\n"
    + rows([f"{d[5:7]}/{d[8:]}/{d[:4]}" for d in DAYS], dollars(C), V, dollars(O), dollars(H), dollars(L)),
    "decimal commas": "Datum;Eröffnung;Hoch;Tief;Schlusskurs;Volumen\n"
    + rows([f"{d[8:]}.{d[5:7]}.{d[:4]}" for d in DAYS], *([x.replace(".", ",") for x in c] for c in OHLCV), sep=";"),
    "Dukascopy": "Gmt time,Open,High,Low,Close,Volume\n"
    + rows([f"{d[8:]}.{d[5:7]}.{d[:4]} 00:00:00.000" for d in DAYS], *OHLCV),
    "Polygon": "ticker,volume,open,close,high,low,window_start,transactions\n"
    + rows(["ABC"] * 30, V, O, C, H, L, [s * 10**9 for s in SECONDS], ZERO),
    "Alpha Vantage": "timestamp,1. open,2. high,3. low,4. close,5. volume\n"
    + rows(DAYS[::-1], *(column[::-1] for column in OHLCV)),
    "spaces": PLAIN.replace(",", ", "),
    "bhavcopy": "TradDt,BizDt,TckrSymb,SctySrs,OpnPric,HghPric,LwPric,ClsPric,LastPric,PrvsClsgPric,TtlTradgVol\n"
    + rows(DAYS, DAYS, ["ABC"] * 30, ["EQ"] * 30, *OHLCV[:4], ZERO, ZERO, V),
    "bhavdata": "SYMBOL, SERIES, DATE1, OPEN_PRICE, HIGH_PRICE, LOW_PRICE, LAST_PRICE, CLOSE_PRICE, TTL_TRD_QNTY\n"
    + rows(["ABC"] * 30, ["EQ"] * 30, DAYS, O, H, L, ZERO, C, V),
    "a turnover beside the shares": "Datum;Erster;Hoch;Tief;Schlusskurs;Stuecke;Volumen\n"
    + rows(DAYS, *OHLCV, ZERO, sep=";"),
    "Boursorama": "date\touv\thaut\tbas\tclot\tvol\tdevise\t\n" + rows(DAYS, *OHLCV, ["EUR\t"] * 30, sep="\t"),
    "an offset that stands apart": NAMES + "\n" + rows([f"{day} 02:00:00 +02:00" for day in DAYS], *OHLCV),
    "Bloomberg": "Security,ABC US Equity\nStart Date,1/1/2020\n\nDate,PX_OPEN,PX_HIGH,PX_LOW,PX_LAST,PX_VOLUME\n"
    + rows(DAYS, *OHLCV),
    "Barchart": "Symbol,Time,Open,High,Low,Last,Change,%Chg,Volume\n"
    + rows(["ABC"] * 30, DAYS, *OHLCV[:4], ZERO, ZERO, V)
    + '"Downloaded from Barchart.com as of 01-31-2024 05:00pm CST"\n',
    "Sierra Chart": "Date, Time, Open, High, Low, Last, Volume, NumberOfTrades, BidVolume, AskVolume\n"
    + rows([day.replace("-", "/") for day in DAYS], ["00:00:00"] * 30, *OHLCV, ZERO, ZERO, ZERO, sep=", "),
    "Excel, with rows without values": f"{NAMES}\n{rows(DAYS, *OHLCV)},,,,,\n,,,,,\n\n",
    "tabs, with rows without values": NAMES.replace(",", "\t") + f"\n{rows(DAYS, *OHLCV, sep=chr(9))}\t\t\t\t\t\n",
    "CryptoDataDownload": "https://www.CryptoDataDownload.com\n"
    "unix,date,symbol,open,high,low,close,Volume XBT,Volume USD\n"
    + rows(SECONDS, DAYS, ["ABC"] * 30, *OHLCV, ZERO),
    "Coinbase": "start,low,high,open,close,volume\n" + rows(SECONDS, L, H, O, C, V),
    "CRSP": "PERMNO,DlyCalDt,Ticker,DlyOpen,DlyHigh,DlyLow,DlyClose,DlyPrc,DlyVol,DlyRet\n"
    + rows(ZERO, DAYS, ["ABC"] * 30, *OHLCV[:4], ZERO, V, ZERO),
    "CRSP of before": "PERMNO,date,TICKER,BIDLO,ASKHI,PRC,VOL,RET,OPENPRC\n"
    + rows(ZERO, [day.replace("-", "") for day in DAYS], ["ABC"] * 30, L, H, C, V, ZERO, O),
    "Compustat": "gvkey,iid,datadate,tic,cshtrd,prccd,prchd,prcld,prcod\n"
    + rows(ZERO, ZERO, DAYS, ["ABC"] * 30, V, C, H, L, O),
    "Refinitiv": "Date,OPEN_PRC,HIGH_1,LOW_1,TRDPRC_1,ACVOL_UNS\n" + rows(DAYS, *OHLCV),
    "ASX": rows(["ABC"] * 30, [day.replace("-", "") for day in DAYS], *OHLCV),
    "a symbol, a date and a time": rows(["ABC"] * 30, DAYS, ["00:00"] * 30, *OHLCV),
    "names of the days": NAMES + "\n" + rows(
        [f"{pd.Timestamp(day):%A %B} {int(day[8:])} {day[:4]}" for day in DAYS], *OHLCV
    ),
    "Dukascopy, local": "Local time,Open,High,Low,Close,Volume\n"
    + rows([f"{d[8:]}.{d[5:7]}.{d[:4]} 02:00:00.000 GMT+0200" for d in DAYS], *OHLCV),
    "OKX": "instrument_name,open,high,low,close,vol,vol_ccy,vol_quote,open_time,confirm\n"
    + rows(["ABC"] * 30, *OHLCV, ZERO, ZERO, [s * 1000 for s in SECONDS], ZERO),
    "OKX without names": rows([s * 1000 for s in SECONDS], *OHLCV, ZERO, ZERO, ["1"] * 30),
    "Eastmoney": "时间,开盘价,收盘价,最高价,最低价,成交量,成交额\n" + rows(DAYS, O, C, H, L, V, ZERO),
    "Investing.com, Chinese": "日期,收盘,开盘,高,低,交易量,涨跌幅\n" + rows(DAYS, C, O, H, L, V, ZERO),
    "Investing.com, Japanese": "日付け,終値,始値,高値,安値,出来高,変化率 %\n" + rows(DAYS, C, O, H, L, V, ZERO),
    "Investing.com, Polish": "Data,Ostatnio,Otwarcie,Max.,Min.,Wol.,Zmiana%\n" + rows(DAYS, C, O, H, L, V, ZERO),
    "Investing.com, Turkish": "Tarih,Şimdi,Açılış,Yüksek,Düşük,Hac.,Fark %\n" + rows(DAYS, C, O, H, L, V, ZERO),
    "Yahoo, Japanese": "日付,始値,高値,安値,終値,出来高,調整後終値*\n"
    + rows([f"{d[:4]}年{int(d[5:7])}月{int(d[8:])}日" for d in DAYS], *OHLCV, ZERO),
    "KRX": "일자,종가,시가,고가,저가,거래량\n" + rows([f"{d[:4]}년 {d[5:7]}월 {d[8:]}일" for d in DAYS], C, O, H, L, V),
    "Yahoo's page": "Date,Open,High,Low,Close Close price adjusted for splits.,Adj Close Adjusted close,Volume\n"
    + rows([f'"{pd.Timestamp(d):%b} {int(d[8:])}, {d[:4]}"' for d in DAYS], *OHLCV[:4], ZERO, V),
    "Frankfurt": "Datum;Eröffnung;Schlusskurs;Tageshoch;Tagestief;Umsatz Stück\n" + rows(DAYS, O, C, H, L, V, sep=";"),
    "B3": "Data;Abertura;Máximo;Mínimo;Fechamento;Volume\n"
    + rows(DAYS, *([f"R$ {x.replace('.', ',')}" for x in c] for c in OHLCV), sep=";"),
    "BSE": "SC_CODE,SC_NAME,OPEN,HIGH,LOW,CLOSE,LAST,NO_OF_SHRS,TRADING_DATE\n"
    + rows(["ABC"] * 30, ZERO, *OHLCV[:4], ZERO, V, DAYS),
    "quotes": "".join(f'"{line}"\n'.replace(",", '","') for line in PLAIN.splitlines()),
}  # fmt: skip


@pytest.mark.parametrize("kind", FILES)
def test_files_of_vendors(kind, tmp_path):
    path = tmp_path / "abc_x.csv"
    path.write_text(FILES[kind], encoding="utf-8")
    store = BarStore.read(path)
    assert store.symbols() == ["ABC"]
    assert_bars(store, "ABC", BARS)


def test_a_fault_of_tickers_side_by_side_is_named_by_its_line(tmp_path):
    names = ["Open", "High", "Low", "Close", "Volume"]
    bars = {"A": [1, 2, 1, 2, 5], "B": [3, 4, 3, 4, 5]}
    header = [",".join(["Price", *(name for name in names for _ in bars)]), ",".join(["Ticker", *["A", "B"] * 5])]
    rows = [[day, *(bars[ticker][at] for at in range(5) for ticker in bars)] for day in DAYS[:3]]
    rows[2][4] = 2.5  # the high of B
    (tmp_path / "many.csv").write_text("\n".join([*header, "Date" + "," * 10, *(",".join(map(str, r)) for r in rows)]))
    with pytest.raises(ValueError, match=r"many\.csv: B, line 6: high 2\.5 is below"):
        BarStore.read(tmp_path / "many.csv")


def test_blanks_around_a_symbol_are_none_of_its_own(tmp_path):
    lines = [f"{symbol},{line}" for symbol, line in zip(["A", " A", "A ", "B"], LINES, strict=False)]
    (tmp_path / "a.csv").write_text("\n".join([f"symbol,{NAMES}", *lines]))
    store = BarStore.read(tmp_path / "a.csv")
    assert store.symbols() == ["A", "B"]
    assert len(store.bars("A")["close"]) == 3


def test_a_last_row_that_was_cut_off_is_no_note(tmp_path):
    (tmp_path / "a.csv").write_text(f"{PLAIN}Tuesday, January 30 2029 16:00:00")
    with pytest.raises(ValueError, match=r"a\.csv: line 32 has 2 values for 6 names of columns"):
        BarStore.read(tmp_path / "a.csv")


@pytest.mark.parametrize("name", ["Volume BTC", "volume_eth", "VOLUME XBT", "Volume (BTC)", "Volume (No. of shares)"])
def test_a_volume_may_name_its_asset(name: str, tmp_path):
    (tmp_path / "a.csv").write_text(f"{NAMES.replace('volume', name)}\n{rows(DAYS, *OHLCV)}")
    assert BarStore.read(tmp_path / "a.csv").bars("A")["volume"].tolist() == [float(volume) for volume in V]


@pytest.mark.parametrize("name", ["Volume MA", "volume_ma20", "Volume ADV", "Volume SMA", "Volume USDT"])
def test_a_figure_of_the_volume_is_no_volume(name: str, tmp_path):
    (tmp_path / "a.csv").write_text(f"{NAMES.replace('volume', name)}\n{rows(DAYS, *OHLCV)}")
    with pytest.raises(ValueError, match=f"no column for volume: columns=.*; columns found: .*, {name}$"):
        BarStore.read(tmp_path / "a.csv")


def test_two_volumes_of_no_money_are_refused(tmp_path):
    names = NAMES.replace("volume", "Volume ETH,Volume BTC")
    (tmp_path / "a.csv").write_text(f"{names}\n{rows(DAYS, *OHLCV, ZERO)}")
    with pytest.raises(ValueError, match=r"no column for volume: columns=.*, Volume ETH, Volume BTC$"):
        BarStore.read(tmp_path / "a.csv")


LARGE = [
    f"{moment},100.25,100.25,100.25,100.25,1" for moment in np.datetime64("2024-01-01T00:00", "m") + np.arange(220_000)
]
A_PIECE = 8_000_000 // (len(LARGE[0]) + 1) + 1
"""Rows before the last piece of 8,000,000 bytes that a thread of DuckDB reads."""


def test_no_piece_of_a_large_file_is_lost(tmp_path):
    (tmp_path / "a.csv").write_text("\n".join([NAMES, *LARGE]))
    assert len(BarStore.read(tmp_path / "a.csv").bars("A")["close"]) == len(LARGE)


@pytest.mark.parametrize(("before", "behind"), [(A_PIECE, 50_000), (A_PIECE, 0), (A_PIECE + 1, 50_000)])
def test_what_is_no_row_is_named_by_its_line_in_the_last_piece_of_a_large_file_too(before, behind, tmp_path):
    rows = [*LARGE[:before], "2029-01-02,1,1,1,1", *LARGE[before : before + behind]]
    (tmp_path / "a.csv").write_text("\n".join([NAMES, *rows]))
    with pytest.raises(ValueError, match=rf"a\.csv: .*[Ll]ine:? {before + 2}\b"):
        BarStore.read(tmp_path / "a.csv")


def test_a_line_of_gigabytes_is_found_by_a_look_here_and_there(tmp_path):
    with (tmp_path / "a.csv").open("wb") as file:
        file.write((PLAIN + "2029-01-01,1,1,1,1,").encode())
        file.seek(10**10, io.SEEK_CUR)  # a hole, which takes no room
        file.write(b"1\n2029-01-02,1,1,1,1,1\n")
    with pytest.raises(ValueError, match=r"a\.csv: is not a table: its line 32 has more than 2000000 characters"):
        BarStore.read(tmp_path / "a.csv")


def zipped(*names):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, PLAIN)
    return file.getvalue()


def zstd(tmp_path):
    path = tmp_path / "made.zst"
    values = ", ".join(f"('{line}')" for line in PLAIN.splitlines())
    form = "FORMAT csv, HEADER false, COMPRESSION zstd, QUOTE '', ESCAPE '', DELIMITER '\x01'"
    duckdb.sql(f"COPY (SELECT * FROM (VALUES {values})) TO '{path}' ({form})")
    return path.read_bytes()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("abc.csv.gz", gzip.compress(PLAIN.encode())),
        ("abc.zip", zipped("inside.csv")),
        ("HISTDATA_COM_ASCII_ABC_M1_2024.zip", zipped("DAT_ASCII_ABC_M1_2024.txt", "DAT_ASCII_ABC_M1_2024.csv")),
        ("abc.csv.zst", zstd),
        ("abc.csv", PLAIN.encode("utf-16")),
        ("abc.txt", b"\xfe\xff" + PLAIN.encode("utf-16-be")),
        ("abc.csv", PLAIN.encode("utf-8-sig")),
        ("abc.csv", PLAIN.replace("\n", "\r\n").encode()),
        ("abc.csv", PLAIN.replace("\n", "\r\n", 20).encode()),
        ("abc.csv.gz", gzip.compress(f"A sentence.\r\n{PLAIN}".encode())),
        ("abc.csv.gz", gzip.compress(PLAIN.encode("utf-16"))),
    ],
)
def test_packed_and_encoded(name, content, tmp_path):
    (tmp_path / name).write_bytes(content(tmp_path) if callable(content) else content)
    assert_bars(BarStore.read(tmp_path / name), "ABC", BARS)


def test_a_file_that_is_compressed_again_and_again(tmp_path):
    content = PLAIN.encode()
    for _ in range(3):
        content = gzip.compress(content)
    (tmp_path / "abc").write_bytes(content)
    with pytest.raises(ValueError, match=r"abc: is compressed more than 2 times"):
        BarStore.read(tmp_path / "abc")


@pytest.mark.parametrize("kept", [5, 12, -1, -5, -60])
def test_a_zstd_file_that_is_cut_off(kept, tmp_path):
    (tmp_path / "a.csv.zst").write_bytes(zstd(tmp_path)[:kept])
    with pytest.raises(ValueError, match=r"a\.csv\.zst: is a zstd file that is cut off or damaged"):
        BarStore.read(tmp_path / "a.csv.zst")


def test_a_zstd_file_of_several_frames(tmp_path):
    to_be_skipped = b"\x5a\x2a\x4d\x18\x03\0\0\0abc"
    (tmp_path / "abc.csv.zst").write_bytes(zstd(tmp_path) + to_be_skipped)
    assert_bars(BarStore.read(tmp_path / "abc.csv.zst"), "ABC", BARS)


def test_the_line_of_a_fault_is_that_of_the_packed_text(tmp_path):
    text = "A sentence.\n" + PLAIN.replace(LINES[3], LINES[3].rsplit(",", 2)[0] + ",x,1")
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(text.encode()))
    with pytest.raises(ValueError, match=r"a\.csv\.gz: A, line 6: close 'x' is not a number"):
        BarStore.read(tmp_path / "a.csv.gz")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv.gz", PLAIN.encode(), "is not a gzip file, as its name says: take .gz off its name, if it is CSV"),
        (
            "a.csv.zst",
            gzip.compress(PLAIN.encode()),
            "is not a zstd file, as its name says, but gzip: put .gz for .zst",
        ),
        (
            "a.csv",
            gzip.compress(PLAIN.encode()),
            "is compressed with gzip, and its name does not say so: add .gz",
        ),
        ("a.parquet", PLAIN.encode(), "is not a parquet file, as its name says"),
        ("a.csv.gz", gzip.compress(PLAIN.encode())[:-300], ""),
        ("a.csv", (PLAIN + "2024-03-01,1,1,1,1," + "1" * 2_000_000).encode(), "its line 32 has more than 2000000"),
        ("a.csv", "\n".join([NAMES, *LINES * 3, "1" * 40_000_000, ""]).encode(), "its line 92 has more than 2000000"),
        (
            "a.csv",
            "\n".join([NAMES, *LINES * 3, "1" * 40_000_000, LINES[0]]).encode(),
            "its line 92 has more than 2000000",
        ),
        ("a.csv", f"{NAMES}\n45293,1,1,1,1,1\n".encode(), "as a day of Excel it is 2024-01-02: write days as text"),
        ("a.zip", zipped("a.csv", "b.csv"), "holds 2 files, not one: a.csv, b.csv; unpack them, and name their folder"),
        (
            "a.zip",
            zipped("a.csv")[:-30],
            "is a zip file that is damaged, File is not a zip file: get the",
        ),
        ("a.csv", zipped("xl/a.xml", "b.xml"), "is an Excel workbook: save it as CSV"),
        ("a.feather", b"ARROW1\0\0", "is an Arrow (Feather) file: write its bars as CSV or Parquet"),
        ("a.csv", bytes(range(256)) * 20, "neither Parquet nor text"),
        ("a.csv", PLAIN.encode() + NAMES.encode() + b"\n", "line 32 holds names of columns again: take it out"),
        ("a.csv", "\n".join(LINES[0:1] * 3).replace("-", "").replace(",", ",x,", 1).encode(), "no column names"),
        ("a.csv", "\n".join(f"{line},1,2" for line in LINES).encode(), "none of the layouts known without"),
        ("a.csv", PLAIN.encode()[:-20], "line 31 has 5 values for 6 names of columns"),
        (
            "a.csv",
            PLAIN.replace(NAMES, NAMES + ",close").encode(),
            "two columns are called 'close': columns={'close': 'close'} (--columns close=close) takes the first",
        ),
        ("a.csv", (PLAIN + "2024-01-01,1\n").encode(), "line 32 has 2 values for 6 names of columns, '2024-01-01,1'"),
        ("a.csv", (PLAIN + "Downloaded from a vendor\n").encode(), "complete that line, or take it out"),
        ("a.csv", f"{NAMES}\n# a remark\n{LINES[0]}\n#N/A,1,1,1,1,1\n".encode(), "A, line 4: column 'date': '#N/A'"),
    ],
)
def test_what_is_refused(name, content, said, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=r"^[^\n]*$") as caught:
        BarStore.read(tmp_path / name)
    assert str(caught.value).startswith(f"{tmp_path / name}: ")
    assert said in str(caught.value)


@pytest.mark.parametrize("volume", ["20240102", "1704153600", "0", "25048048", ""])
def test_volumes_that_look_like_times_are_volumes(volume, tmp_path):
    (tmp_path / "a.csv").write_text(f"1704153600,10,12,9,11,{volume},7\n")
    found = BarStore.read(tmp_path / "a.csv", **({} if volume else {"volume": None})).bars("A")
    assert found["volume"].tolist() == [float(volume or 0)]
    assert str(found["timestamp"][0])[:10] == "2024-01-02"


def test_columns_of_a_file_by_name_and_by_number(tmp_path):
    (tmp_path / "a.csv").write_text("when,o1,h1,l1,c1,v1\n" + "\n".join(LINES))
    names = dict(zip(["timestamp", *FIELDS], ["when", "o1", "h1", "l1", "c1", "v1"], strict=True))
    assert_bars(BarStore.read(tmp_path / "a.csv", columns=names), "A", BARS)
    (tmp_path / "b.csv").write_text("\n".join(f"x,{line}" for line in LINES))
    numbers = dict(zip(["timestamp", *FIELDS], "234567", strict=True))
    assert_bars(BarStore.read(tmp_path / "b.csv", columns=numbers), "B", BARS)


def test_a_file_without_volume(tmp_path, caplog):
    (tmp_path / "a.csv").write_text("date,open,high,low,close\n" + rows(DAYS, O, H, L, C))
    with pytest.raises(ValueError, match=r"a\.csv: no column for volume: .*--no-volume"):
        BarStore.read(tmp_path / "a.csv")
    assert BarStore.read(tmp_path / "a.csv", volume=None).bars("A")["volume"].tolist() == [0.0] * 30
    assert "volumes are counted as 0" in caplog.text


def test_prices_in_billionths(tmp_path):
    """As Databento writes them."""
    scaled = [[str(round(float(x) * 100) * 10**7) for x in column] for column in (O, H, L, C)]
    lines = rows([s * 10**9 for s in SECONDS], ["35"] * 30, *scaled, V, ["ABC"] * 30)
    path = tmp_path / "dbn.csv"
    path.write_text("ts_event,rtype,open,high,low,close,volume,symbol\n" + lines)
    with pytest.raises(ValueError, match=r"dbn\.csv: ABC: column 'close': \d+ is .* in billionths"):
        BarStore.read(path)
    closes = BarStore.read(path, price_scale=1e-9).bars("ABC")["close"]
    assert closes.tolist() == [round(float(x), 2) for x in C]


def test_skipped_rows_are_counted_by_reason(tmp_path, caplog):
    broken = [LINES[0], "soon,1,1,1,1,1", LINES[1], "2029-01-01,null,1,1,1,1", "2029-01-02,1,1,1,1,", LINES[2]]
    (tmp_path / "a.csv").write_text("\n".join([NAMES, *broken, LINES[2]]))
    with pytest.raises(ValueError, match=r"a\.csv: A, line 3: column 'date': 'soon' .*--skip-invalid"):
        BarStore.read(tmp_path / "a.csv")
    assert_bars(BarStore.read(tmp_path / "a.csv", invalid="skip"), "A", BARS[:3])
    for reason in ("timestamp is missing or no time", "open is missing or no number", "volume is missing or no number",
                   "timestamp is the same as that of the bar before"):  # fmt: skip
        assert f"1 {reason}" in caplog.text
    (tmp_path / "b.csv").write_text("\n".join([NAMES, *(f"{day},x,1,1,1,1" for day in DAYS)]))
    with pytest.raises(ValueError, match=r"b\.csv: B, line 2: open 'x' is not a number"):
        BarStore.read(tmp_path / "b.csv", invalid="skip")


def test_all_bars_are_kept_unless_a_capacity_is_given(tmp_path, caplog):
    long = walk(2000)
    pd.DataFrame({"date": long.timestamp.astype("M8[ns]"), **long.columns()}).to_csv(tmp_path / "a.csv", index=False)
    assert_bars(BarStore.read(tmp_path / "a.csv"), "A", long)
    assert not caplog.records
    with caplog.at_level(logging.WARNING):
        assert_bars(BarStore.read(tmp_path / "a.csv", capacity=100), "A", long[-100:])
    assert "1900 of the loaded rows" in caplog.text


def test_patterns_and_folders(tmp_path, monkeypatch):
    (tmp_path / "deep").mkdir()
    for name in ("b_x.csv", "a_x.csv", "deep/c.csv", ".hidden.csv", "note.md"):
        (tmp_path / name).write_text(PLAIN)
    assert BarStore.read(tmp_path).symbols() == ["A", "B", "C"]
    assert BarStore.read(f"{tmp_path}/*_x.csv").symbols() == ["A", "B"]
    assert BarStore.read(f"{tmp_path}/**/*.csv").symbols() == ["A", "B", "C"]
    monkeypatch.chdir(tmp_path)
    assert BarStore.read("X=a_x.csv", "deep").symbols() == ["X", "C"]
    for nothing in ("*.parquet", "deep/*.txt"):
        with pytest.raises(ValueError, match="no files of bars"):
            BarStore.read(nothing)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty: no files of bars"):
        BarStore.read(tmp_path / "empty")


def test_a_folder_of_which_most_have_no_file_of_bars_is_refused(tmp_path, monkeypatch):
    """Many folders, as / has; partitions lie in folders too, and each of them has a file."""
    monkeypatch.setattr(paths, "MOST_EMPTY", 20)
    for number in range(30):
        for part in range(30):
            (tmp_path / "other" / f"{number}" / f"{part}").mkdir(parents=True)
        folder = tmp_path / "bars" / f"symbol=S{number}" / "year=2024" / "month=1"
        folder.mkdir(parents=True)
        (folder / "part.csv").write_text(PLAIN)
    assert len(BarStore.read(tmp_path / "bars").symbols()) == 30
    with pytest.raises(ValueError, match=r"other: 0 of the first 21 folders have files of bars .* name the folder"):
        BarStore.read(tmp_path / "other")


def test_a_fault_in_one_of_several_parts_is_named_by_its_file(tmp_path):
    for year, part in (("2019", LINES[:12]), ("2020", [*LINES[12:20], LINES[20].replace(",", ",-", 1)])):
        folder = tmp_path / f"ticker=A/{year}"
        folder.mkdir(parents=True)
        (folder / "x.csv").write_text("\n".join([NAMES, *part]))
    with pytest.raises(ValueError, match=r"2020/x\.csv: A, line 10: open -[\d.]+ is not positive"):
        BarStore.read(tmp_path)


def test_what_is_written_is_read(tmp_path):
    store = BarStore(bars_per_year=1000)
    store.load("A", BARS.table())
    store.load("B'é", walk(7, seed=2).table())
    store.write_parquet(tmp_path / "all.parquet")
    copy = BarStore.read(tmp_path / "all.parquet")
    assert copy.to_arrow().equals(store.to_arrow())
    assert_bars(copy, "A", BARS)
    frame = store.to_arrow().to_pandas()
    assert frame["symbol"].tolist() == ["A"] * 30 + ["B'é"] * 7
    assert frame["close"].tolist()[:30] == BARS.close.tolist()
    assert frame["timestamp"].dt.tz_localize(None).tolist()[:30] == FRAME.index.tolist()
    BarStore().write_parquet(tmp_path / "none.parquet")
    assert len(pd.read_parquet(tmp_path / "none.parquet")) == BarStore().to_arrow().num_rows == 0


def test_progress_adds_up_and_moves_within_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr(duckdb_thread, "TICK", 0.001)
    (tmp_path / "a.csv").write_text(PLAIN)
    steps = []
    files.load_files(BarStore(), [DataFile(tmp_path / "a.csv")], Rules(), steps.append)
    assert sum(steps) == pytest.approx(1.0)
    assert min(steps) >= 0
    of_two = files.Progress(2, done=1, is_reading=True)
    parts = [of_two.part(percent) for percent in (-1.0, 0.0, 50.0, 100.0)]
    assert parts == [0.5 * files.OF_READING, 0.5 * files.OF_READING, 0.75 * files.OF_READING, files.OF_READING]


def test_an_interrupt_while_files_are_loaded_goes_on(tmp_path):
    (tmp_path / "a.csv").write_text(PLAIN)
    interrupted = threading.Event()

    class Waiting(BarStore):
        def _load_table(self, *arguments):
            assert interrupted.wait(20)
            return super()._load_table(*arguments)

    def interrupt(part):
        interrupted.set()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        files.load_files(Waiting(), [DataFile(tmp_path / "a.csv")], Rules(), interrupt)


def test_paths_are_texts_bytes_or_path_like(tmp_path):
    path = tmp_path / "none.parquet"
    for wrong in (1, True, None):
        with pytest.raises(TypeError, match=type(wrong).__name__):
            BarStore().write_parquet(wrong)
        with pytest.raises(TypeError, match=type(wrong).__name__):
            BarStore.read(wrong)
    BarStore().write_parquet(os.fsencode(path))
    assert os.listdir(tmp_path) == ["none.parquet"]
    with pytest.raises(ValueError, match=r"none\.parquet: has column names but no rows"):
        BarStore.read(os.fsencode(path))
