"""What decides whether a CSV file has column names, and where they stand."""

import pytest
from reference.bars import walk
from reference.tables import assert_bars

from ziggy_async import BarStore, set_bar_source

BARS = walk(5)
DAYS = [str(stamp)[:10] for stamp in BARS.timestamp.astype("M8[ns]")]
FIGURES = list(zip(*(map(repr, column.tolist()) for column in BARS.columns().values()), strict=True))
NUMBERED = {"timestamp": "1", "open": "2", "high": "3", "low": "4", "close": "5", "volume": "6"}
LETTERED = {role: "abcdef"[int(number) - 1] for role, number in NUMBERED.items()}


def rows(before=(), behind=(), sep=","):
    return "".join(
        sep.join([*before, day, *figures, *behind]) + "\n" for day, figures in zip(DAYS, FIGURES, strict=True)
    )


@pytest.mark.parametrize("clock", ["093000", "0930", "09:30"])
def test_a_nameless_date_and_time_of_day(clock, tmp_path):
    (tmp_path / "abc.csv").write_text(f"20240102,{clock},10,12,9,11,5\n20240103,{clock},10,12,9,11,5\n")
    assert str(BarStore.read(tmp_path).bars("ABC")["timestamp"][0])[:16] == "2024-01-02T09:30"


@pytest.mark.parametrize("above", ["Symbol,SPY,Exchange,ARCA,Currency,USD", ",Price,Price,Price,Price,Quantity"])
def test_a_line_above_the_names_that_is_none_of_tickers(above, tmp_path):
    (tmp_path / "abc.csv").write_text(f"{above}\nDate,Open,High,Low,Close,Volume\n" + rows())
    assert_bars(BarStore.read(tmp_path), "ABC", BARS)


@pytest.mark.parametrize("sep", [";", "|", "^", "~", ":"])
@pytest.mark.parametrize("above", ["", "sep=,\n"])
def test_what_stands_between_the_names_is_the_separator(above, sep, tmp_path):
    names = sep.join(("Date", "Open", "High", "Low", "Close", "Volume"))
    (tmp_path / "abc.csv").write_text(f"{above}{names}\n" + rows(sep=sep))
    assert_bars(BarStore.read(tmp_path), "ABC", BARS)


@pytest.mark.parametrize(
    "names", ['"Date","Open","High","Low","Close","Volume"', '"Open","High","Low","Close","Volume"']
)
def test_row_names_of_r_have_no_name_above_them(names, tmp_path):
    lines = rows().splitlines()
    if "Date" in names:
        lines = [f"{at},{line}" for at, line in enumerate(lines, 1)]
    named = "".join('"{}",{}\n'.format(*line.split(",", 1)) for line in lines)
    (tmp_path / "abc.csv").write_text(f"{names}\n{named}")
    assert_bars(BarStore.read(tmp_path), "ABC", BARS)
    (tmp_path / "abc.csv").write_text(f"{names}\n{named},5\n")
    with pytest.raises(ValueError, match="line 7 has 2 values for "):
        BarStore.read(tmp_path)


@pytest.mark.parametrize(
    "names",
    [
        'Date,"Open\n(USD)",High,Low,Close,Volume',
        'Date,"Open\n(USD)","High\n(USD)","Low\n(USD)","Close\n(USD)","Volume\n(shares)"',
        '# 3" of rain\nDate,Open,High,Low,"Close\r\n(USD)",Volume',
        "date,open_usd,high_usd,low_usd,close_usd,volume",
        "Date,Open_USD,High_USD,Low_USD,Close_USD,Volume",
        "local_date,opn,hgh,low,cls,vo",
    ],
)
def test_names_with_line_ends_and_currencies(names, tmp_path):
    (tmp_path / "abc.csv").write_text(f"{names}\n" + rows())
    assert_bars(BarStore.read(tmp_path), "ABC", BARS)


def test_the_line_of_a_fault_below_names_with_line_ends(tmp_path):
    (tmp_path / "abc.csv").write_text('Date,"Open\n(USD)",High,Low,Close,Volume\n2024-01-02,1,1,1,x,5\n')
    with pytest.raises(ValueError, match=r"line 3: close 'x' is not a number"):
        BarStore.read(tmp_path)


def test_a_currency_behind_one_price_is_another_price(tmp_path):
    (tmp_path / "abc.csv").write_text("Date,Open,High,Low,Close,close_usd,Volume\n2024-01-02,1,1,1,1,9,5\n")
    assert BarStore.read(tmp_path).bars("ABC")["close"].tolist() == [1.0]


def test_names_below_more_lines_than_are_looked_at(tmp_path):
    (tmp_path / "abc.csv").write_text("a line, and more\n" * 60 + "Date,Open,High,Low,Close,Volume\n" + rows())
    with pytest.raises(ValueError, match="neither names of columns nor bars in its first 60 lines: take out what is"):
        BarStore.read(tmp_path)


def test_units_below_the_names_are_no_tickers(tmp_path):
    names = "Date,Open,High,Low,Close,Volume\n,USD,USD,USD,USD,shares\n"
    (tmp_path / "abc.csv").write_text(names + rows())
    with pytest.raises(ValueError, match=r"line 2: column 'Date' has no value"):
        BarStore.read(tmp_path)


@pytest.mark.parametrize("symbol", ["aapl", "aapl.us", "NASDAQ:AAPL", "BTC/USDT:USDT", "EUR_USD", "^spx"])
def test_symbols_of_a_nameless_file_are_written_in_any_way(symbol, tmp_path):
    (tmp_path / "x.csv").write_text(rows([symbol]))
    store = BarStore.read(tmp_path / "x.csv")
    assert store.symbols() == [symbol]
    assert_bars(store, symbol, BARS)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("A sentence about them\n" + rows(), None),
        ("Exported,by me\n\n# a comment\n" + rows(), None),
        ("a,b,c,d,e,f\n" + rows(), LETTERED),
        ("A sentence about them\na,b,c,d,e,f\n" + rows(), LETTERED),
        ("a,b,c,d,e,f\n" + rows(), NUMBERED),
        (rows(behind=["x", "remark: none"]), NUMBERED),
    ],
)
def test_the_first_line_of_values_decides(text, columns, tmp_path):
    (tmp_path / "abc.csv").write_text(text)
    assert_bars(BarStore.read(tmp_path / "abc.csv", columns=columns), "ABC", BARS)


def test_figures_with_decimal_commas_and_currency_are_values(tmp_path):
    lines = [
        ";".join([day, *("€ " + figure.replace(".", ",") for figure in figures)])
        for day, figures in zip(DAYS, FIGURES, strict=True)
    ]
    (tmp_path / "abc.csv").write_text("\n".join(lines))
    assert_bars(BarStore.read(tmp_path / "abc.csv"), "ABC", BARS)


def test_a_date_and_a_time_of_day_are_named_by_the_caller(tmp_path):
    (tmp_path / "abc.csv").write_text(rows(["a"], ["00:00"]))
    columns = {role: str(int(number) + 1) for role, number in NUMBERED.items()} | {"time": "8"}
    assert_bars(BarStore.read(tmp_path / "abc.csv", columns=columns), "ABC", BARS)
    store = BarStore()
    with pytest.raises(ValueError, match=r"no column for timestamp: columns="):
        store.load("ABC", {"clock": ["00:00"], **{role: [1.0] for role in LETTERED}}, columns={"time": "timestamp"})


@pytest.mark.parametrize(
    "text", [rows(["a"], ["7", "8"]), rows(["a remark, with a comma".join('""')]), "2024-01-02,101.5\n2024-01-03,102\n"]
)
def test_a_nameless_file_of_no_known_layout_is_told_how_to_name_its_columns(text, tmp_path):
    (tmp_path / "abc.csv").write_text(text)
    said = r"has no column names: columns=\{'timestamp': '1', 'open': '2', ...\} \(--columns .*\) names them by number"
    with pytest.raises(ValueError, match=said):
        BarStore.read(tmp_path / "abc.csv")


def test_blanks_are_no_delimiter(tmp_path):
    (tmp_path / "abc.csv").write_text("day first most least last shares\n" + rows(sep="  "))
    with pytest.raises(ValueError, match="has blanks between its columns: separate them by commas"):
        BarStore.read(tmp_path / "abc.csv")


def test_tickers_of_digits_stand_below_the_names(tmp_path):
    names = "Price,Open,High,Low,Close,Volume\nTicker,0700,0700,0700,0700,0700\nDate,,,,,\n"
    (tmp_path / "abc.csv").write_text(names + rows())
    assert_bars(BarStore.read(tmp_path / "abc.csv"), "0700", BARS)


def test_the_name_of_the_index_stands_below_the_names(tmp_path):
    (tmp_path / "abc.csv").write_text("Price,Open,High,Low,Close,Volume\nDate,,,,,\n" + rows())
    assert_bars(BarStore.read(tmp_path / "abc.csv"), "ABC", BARS)


TABLE = {"symbol": ["A"], "timestamp": DAYS[:1], **{name: [1.0] for name in ("open", "high", "low", "close", "volume")}}
READERS = {
    "read": lambda columns: BarStore.read("absent.csv", columns=columns),
    "load": lambda columns: BarStore().load("A", TABLE, columns=columns),
    "load_frame": lambda columns: BarStore().load_frame(TABLE, columns=columns),
    "set_bar_source": lambda columns: set_bar_source(lambda symbol, lookback: TABLE, columns=columns),
}


@pytest.mark.parametrize("reader", list(READERS))
@pytest.mark.parametrize(
    ("columns", "error", "said"),
    [
        ({"timestamp": 2}, TypeError, r"timestamp is 2, an int and no name of a column: write \{'timestamp': '2'\}"),
        ({"close": None}, TypeError, r"close is None, a NoneType and no name of a column: write \{'close': 'NAME'\}"),
        ({"close": ["a"]}, TypeError, r"close is \['a'\], a list and no name of a column"),
        ([("close", "a")], TypeError, r"\[\('close', 'a'\)\] is not a mapping, as \{'close': 'adjClose'\} is"),
        ({1: "a"}, ValueError, "1 is none of timestamp, open, high, low, close, volume, symbol, time"),
    ],
)
def test_what_columns_may_be(reader, columns, error, said):
    with pytest.raises(error, match=f"^columns: {said}"):
        READERS[reader](columns)


def test_a_symbol_column_is_named_by_a_text():
    with pytest.raises(TypeError, match=r"^symbol_column: 5 is an int and no name of a column"):
        BarStore().load_frame(TABLE, symbol_column=5)


@pytest.mark.parametrize("second", ["Date,Close,High,Low,Open,Volume", "DATE,HIGH,LOW,OPEN,CLOSE,VOLUME"])
def test_a_second_header_in_another_order_is_no_row_to_skip(second, tmp_path):
    first = "Date,Open,High,Low,Close,Volume"
    (tmp_path / "abc.csv").write_text(f"{first}\n2024-01-30,10,12,9,11,100\n{second}\n2024-01-31,11,12,9,10,100\n")
    with pytest.raises(ValueError, match=r"line 3 holds names of columns in another order, '\w+', '\w+', .*: split"):
        BarStore.read(tmp_path / "abc.csv", invalid="skip")
    (tmp_path / "abc.csv").write_text(f"{first}\n2024-01-30,10,12,9,11,100\n{first}\n2024-01-31,10,12,9,11,100\n")
    assert BarStore.read(tmp_path / "abc.csv", invalid="skip").bars("ABC")["close"].tolist() == [11.0, 11.0]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("eurusd.csv", "20240102 170000;1.1;1.2;1.0;1.15;0\n"),
        ("DAT_ASCII_EURUSD_M1_2024.csv", "20240102 170000;1.1;1.2;1.0;1.15;0\n"),
        ("DAT_MT_EURUSD_M1_2024.csv", "2024.01.02,17:00,1.1,1.2,1.0,1.15,0\n"),
        ("dat_nt_eurusd_m1_2024.csv", "20240102 170000;1.1;1.2;1.0;1.15;0\n"),
    ],
)
def test_the_zone_of_histdata_is_said(name, text, tmp_path, caplog):
    (tmp_path / name).write_text(text)
    store = BarStore.read(tmp_path / name)
    assert str(store.bars(store.symbols()[0])["timestamp"][0])[:16] == "2024-01-02T17:00"
    assert caplog.text.count("HistData's are of EST") == 1


def test_the_times_of_metatrader_are_of_no_zone(tmp_path, caplog):
    (tmp_path / "eurusd.csv").write_text("2024.01.02,17:00,1.1,1.2,1.0,1.15,0\n")
    assert len(BarStore.read(tmp_path / "eurusd.csv")) == 1
    assert not caplog.records


@pytest.mark.parametrize("invalid", ["raise", "skip"])
@pytest.mark.parametrize("order", ["hlco", "lhoc", "ochl"])
def test_columns_in_another_order_than_a_layout_are_no_rows_to_skip(order, invalid, tmp_path):
    candles = [{"o": 100.7 + at, "h": 101.2 + at, "l": 100.1 + at, "c": 100.4 + at} for at in range(4)]
    lines = [[f"2024-01-0{at + 2}", *(bar[name] for name in order), 500 + at] for at, bar in enumerate(candles)]
    (tmp_path / "abc.csv").write_text("".join(",".join(map(str, line)) + "\n" for line in lines))
    said = r"no column names, and is none of .*: most rows would open or close outside of low and high; columns="
    for read in (
        lambda: BarStore.read(tmp_path, invalid=invalid),
        lambda: BarStore().load("A", lines, invalid=invalid),
    ):
        with pytest.raises(ValueError, match=said):
            read()
