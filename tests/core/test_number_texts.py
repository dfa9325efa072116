"""Numbers as people write them, in Python and in files alike; what could be two numbers, and what is none."""

import re

import duckdb
import pandas as pd
import pytest

from ziggy_async import BarStore

NAMES = ["open", "high", "low", "close", "volume"]


def in_python(tmp_path, price, volume):
    store = BarStore()
    figures = dict(zip(NAMES, [[price]] * 4 + [[volume]], strict=True))
    store.load("ABC", {"Date": ["2024-01-12"], **figures})
    return store.bars("ABC")


def in_a_file(tmp_path, price, volume):
    row = ";".join(["2024-01-12", *[price] * 4, volume])
    (tmp_path / "abc.csv").write_text(f"Date;{';'.join(NAMES)}\n{row}\n", encoding="utf-8")
    return BarStore.read(tmp_path / "abc.csv").bars("ABC")


both_ways = pytest.mark.parametrize("read", [in_python, in_a_file])


@both_ways
@pytest.mark.parametrize(
    ("price", "expected"),
    [
        ("1'450.25", 1450.25),
        ("1\u2019450.25", 1450.25),
        ("12'345'678", 12345678.0),
        ("1 234,50", 1234.5),
        ("1\u00a0234\u00a0567.5", 1234567.5),
        ("1_000.5", 1000.5),
        ("1,23,456.5", 123456.5),
        ("112'320", 112320.0),
        ("'1.5", 1.5),
        ('="1.5"', 1.5),
        ("$ 93.36", 93.36),
        ("93.36 USD", 93.36),
        ("CHF 1'093.36", 1093.36),
        (".5", 0.5),
    ],
)  # fmt: skip
def test_prices(read, price, expected, tmp_path):
    assert read(tmp_path, price, "3")["close"] == [expected]


@both_ways
@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        ("1.005K", 1005.0), ("1.015M", 1015000.0), ("4.35 m", 4350000.0), ("2.3B", 2.3e9), ("1.1T", 1.1e12),
        ("4.35 Tsd.", 4350.0), ("4.35mn", 4.35e6), ("4.35 Mio.", 4.35e6), ("4.35 million", 4.35e6),
        ("4.35 Mrd.", 4.35e9), ("4.35bn", 4.35e9), ("4.35 BILLION", 4.35e9), ("4.35万", 43500.0), ("4.35 亿", 4.35e8),
        ("1.15 lakh", 115000.0), ("1.15 Crore", 1.15e7),
    ],
)  # fmt: skip
def test_a_letter_for_a_power_of_ten_rounds_once(read, volume, expected, tmp_path):
    assert read(tmp_path, "9.5", volume)["volume"] == [expected]


@both_ways
@pytest.mark.parametrize(
    "price",
    ["112'16", "450'2", "1'5", "12'3456", "1'23'456", "1''000", "1_0", "1 0", "1 5 0", "1'000 000", "K", "."],
)
def test_what_is_in_no_groups_of_three_is_no_number(read, price, tmp_path):
    with pytest.raises(ValueError, match=rf"open ?'?.*{re.escape(price)}.* is (no|not a) number"):
        read(tmp_path, price, "3")


@both_ways
@pytest.mark.parametrize(("price", "thousands", "ticks"), [("112'160", 112160, 112.5), ("98'067", 98067, 98.2109375)])
def test_prices_that_may_be_in_thirty_seconds_are_refused_with_both_readings(read, price, thousands, ticks, tmp_path):
    with pytest.raises(ValueError, match=rf"open.*{price}.* is {thousands}, or {ticks} in thirty-seconds"):
        read(tmp_path, price, "3")
    assert read(tmp_path, price, "1'000")["close"] == [thousands]


def columns_in_python(tmp_path, rows, names=NAMES):
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    days = [f"2024-01-{day}" for day in range(12, 12 + len(rows))]
    store = BarStore()
    store.load("ABC", {"Date": days, **columns})
    return store.bars("ABC")


def columns_in_a_file(tmp_path, rows, names=NAMES):
    lines = [f"2024-01-{day};{';'.join(row)}" for day, row in enumerate(rows, start=12)]
    (tmp_path / "abc.csv").write_text("\n".join([f"Date;{';'.join(names)}", *lines, ""]), encoding="utf-8")
    return BarStore.read(tmp_path / "abc.csv").bars("ABC")


tables = pytest.mark.parametrize("read", [columns_in_python, columns_in_a_file])
EURO = ("1.105", "1.107", "1.101", "1.104")


@tables
@pytest.mark.parametrize(
    ("rows", "doubtful", "readings", "exact"),
    [
        ([(*EURO, "12,5")], "1.105", "1105 or 1.105", "1,1050"),
        ([(*EURO, "1.234.567,5")], "1.105", "1105 or 1.105", "1,1050"),
        ([(*EURO, "12")] * 9 + [("1,11", *["1,11"] * 3, "12")], "1.105", "1105 or 1.105", "1,1050"),
        ([("10.500", "12.500", "9.500", "11.500", "100"), ("10,5", "12,5", "9,5", "11,5", "100")],
         "10.500", "10500 or 10.500", "10,5000"),
        ([("1,105", "1,107", "1,101", "1,104", "12.5")], "1,105", "1105 or 1.105", "1.1050"),
        ([("9", "9", "9", "9", "1.234"), ("9", "9", "9", "9", "12,5")], "1.234", "1234 or 1.234", "1,2340"),
        ([("1,105", "1,107", "1,101", "1,104", "12")], "1,105", "1105 or 1.105", "1,1050"),
        ([("9", "9", "9", "9", "1.234K")], "1.234K", "1234K or 1.234K", "1.2340K"),
    ],
)  # fmt: skip
def test_a_mark_of_another_column_says_nothing_of_a_price(read, rows, doubtful, readings, exact, tmp_path):
    whole, value = readings.split(" or ")
    sentence = f"{doubtful!r} is {readings}: write it and those like it as {whole} or {exact}"
    with pytest.raises(ValueError, match=re.escape(sentence)):
        read(tmp_path, rows)
    for advised, expected in ((whole, whole), (exact, value)):
        mended = [tuple(_as_advised(text, advised) for text in row) for row in rows]
        column = "open" if any(row[0] == doubtful for row in rows) else "volume"
        at = next(at for at, row in enumerate(rows) if doubtful in row)
        thousands = 1000 if expected.endswith("K") else 1
        assert read(tmp_path, mended)[column][at] == float(expected.rstrip("K")) * thousands


def _as_advised(text, advised):
    """A number of three digits behind its mark, written like `advised`."""
    if not re.fullmatch(r"\d+[.,]\d{3}K?", text):
        return text
    digits, unit = text.rstrip("K"), "K" if "K" in text else ""
    if "." not in advised and "," not in advised:
        return re.sub("[.,]", "", digits) + unit
    return re.sub("[.,]", advised.strip("0123456789K"), digits) + "0" + unit


@tables
@pytest.mark.parametrize("volume", ["5,5 Bio.", "5,125 Bio.", "5.125 Bio.", "5,5 mil", "5,5 Md"])
@pytest.mark.parametrize("names", [NAMES, ["Eröffnung", "Hoch", "Tief", "Schluss", "Volumen"]])
def test_a_unit_that_is_not_known_is_told_as_such_beside_a_comma_too(read, volume, names, tmp_path):
    sentence = f"{re.escape(repr(volume))} is (no|not a) number.*: write it in full, or K or M behind its digits"
    with pytest.raises(ValueError, match=sentence):
        read(tmp_path, [("1", "1", "1", "1", volume)], names)
    digits = volume.partition(" ")[0].replace("125", "5").replace(".", ",")
    assert read(tmp_path, [("1", "1", "1", "1", f"{digits}M")], names)["volume"].tolist() == [5500000.0]


GERMAN = ["Eröffnung", "Hoch", "Tief", "Schluss", "Volumen"]
TURKISH = ["Açılış", "Yüksek", "Düşük", "Kapanış", "Hac."]


@tables
@pytest.mark.parametrize(
    ("rows", "names", "doubtful"),
    [
        ([("101", "101", "100", "100", "108.547")], GERMAN, "108.547"),
        ([("101", "101", "100", "100", "108.547")], NAMES, "108.547"),
        ([("101", "101", "100", "100", "999"), ("101", "101", "100", "100", "1.001")], NAMES, "1.001"),
        ([("152.098", "152.151", "151.800", "152.000", "108.547")], NAMES, "108.547"),
        ([("$101", "$101", "$100", "$100", "108.547K")], NAMES, "108.547K"),
        ([("998", "999", "997", "999", "5")] * 3 + [("1.004", "1.005", "1.001", "1.004", "5")], NAMES, "1.004"),
        ([("16.828", "16.963", "16.682", "16.769", "54543")], GERMAN, "16.828"),
    ],
)  # fmt: skip
def test_points_that_may_stand_between_thousands_are_refused_with_both_readings(read, rows, names, doubtful, tmp_path):
    whole = doubtful.replace(".", "")
    exact = f"{doubtful}0" if doubtful[-1].isdigit() else f"{doubtful[:-1]}0K"
    sentence = f"{doubtful!r} is {whole} or {doubtful}: write it and those like it as {whole} or {exact}"
    with pytest.raises(ValueError, match=re.escape(sentence)):
        read(tmp_path, rows, names)


@tables
@pytest.mark.parametrize(
    ("rows", "names", "close", "volume"),
    [
        ([("101", "101", "100", "100", "1.108.547"), ("101", "101", "100", "100", "8.547")],
         GERMAN, 100, [1108547, 8547]),
        ([("5.125", "5.125", "5", "5", "108")], NAMES, 5, [108]),
        ([("101.5", "101.5", "100", "100", "108.547")], GERMAN, 100, [108.547]),
        ([("101", "101", "100", "100", "108.547"), ("101", "101", "100", "100", "8.5")], GERMAN, 100, [108.547, 8.5]),
        ([("101", "101", "100", "100", "108.547"), ("101", "101", "100", "100", "1000")], NAMES, 100, [108.547, 1000]),
        ([("152.098", "152.151", "151.800", "152.000", "108")], NAMES, 152, [108]),
        ([("42000.10", "42000.10", "42000", "42000", "1.105")], NAMES, 42000, [1.105]),
    ],
)  # fmt: skip
def test_points_that_a_number_of_the_table_shows_to_be_one_or_the_other(read, rows, names, close, volume, tmp_path):
    bars = read(tmp_path, rows, names)
    assert bars["close"].tolist() == [float(close)] * len(rows)
    assert bars["volume"].tolist() == volume


@tables
def test_b_in_turkish_is_a_thousand_or_a_billion(read, tmp_path):
    with pytest.raises(ValueError, match=r"'108,55B' is 108,55 thousand or billion: write K, or the digits in full"):
        read(tmp_path, [("9,5", "9,5", "9,5", "9,5", "108,55B")], TURKISH)
    assert read(tmp_path, [("9,5", "9,5", "9,5", "9,5", "108,55M")], TURKISH)["volume"].tolist() == [108550000.0]


@tables
@pytest.mark.parametrize("unit", ["T", " T", "t"])
def test_t_in_german_is_a_thousand_or_a_trillion(read, unit, tmp_path):
    said = f"'5,5{unit}' is 5,5 thousand or trillion: write K, or the digits in full"
    with pytest.raises(ValueError, match=said):
        read(tmp_path, [("9,5", "9,5", "9,5", "9,5", f"5,5{unit}")], GERMAN)
    for own, names, expected in ((" Tsd.", GERMAN, 5500.0), ("K", GERMAN, 5500.0), (unit, NAMES, 5.5e12)):
        assert read(tmp_path, [("9,5", "9,5", "9,5", "9,5", f"5,5{own}")], names)["volume"].tolist() == [expected]


@tables
@pytest.mark.parametrize(
    ("rows", "close", "volume"),
    [
        ([("10,50", "12,00", "9,50", "11,50", "12.500")], [11.5], [12500.0]),
        ([("10.50", "12.00", "9.50", "11.50", "12,500")], [11.5], [12500.0]),
        ([("999.5",) * 4 + ("1",), ("1,000",) * 4 + ("1",)], [999.5, 1000.0], [1.0, 1.0]),
        ([("999,5",) * 4 + ("1",), ("1.000",) * 4 + ("1",)], [999.5, 1000.0], [1.0, 1.0]),
        ([("12.345,5",) * 4 + ("1",), ("1.105",) * 4 + ("1",)], [12345.5, 1105.0], [1.0, 1.0]),
        ([("71,200",) * 4 + ("12,345,678",)], [71200.0], [12345678.0]),
        ([("10,500",) * 4 + ("1.234.567",)], [10.5], [1234567.0]),
    ],
)  # fmt: skip
def test_thousands_that_their_own_column_or_the_prices_show(read, rows, close, volume, tmp_path):
    bars = read(tmp_path, rows)
    assert bars["close"].tolist() == close
    assert bars["volume"].tolist() == volume


def two_rows(tmp_path, first, second, symbols):
    rows = zip(symbols, ["2024-01-12", "2024-01-15"], [first, second], strict=True)
    lines = [f"{symbol};{day};{price};{price};{price};{price};3" for symbol, day, price in rows]
    (tmp_path / "abc.csv").write_text("\n".join([f"symbol;date;{';'.join(NAMES)}", *lines, ""]), encoding="utf-8")
    return tmp_path / "abc.csv"


@pytest.mark.parametrize(
    ("first", "second"),
    [("$10", "€10"), ("10 USD", "10 EUR"), ("$10", "A$10"), ("¥ 1,000.5", "£ 1,000.5"), ("$10.5", "10.5€")],
)
def test_prices_of_one_symbol_have_one_currency(first, second, tmp_path):
    path = two_rows(tmp_path, first, second, "AA")
    said = f"{re.escape(repr(second))} is of another currency than {re.escape(repr(first))} before it"
    with pytest.raises(ValueError, match=rf"abc\.csv: A: column 'open', line 3: {said}"):
        BarStore.read(path)
    with pytest.raises(ValueError, match=f"A: column 'open', row 1: {said}"):
        BarStore().load_frame(pd.read_csv(path, sep=";"))


@pytest.mark.parametrize(
    ("first", "second"), [("$10", "US$10"), ("10", "$10"), ("kr 10", "10 SEK"), ("10 EUR", "€ 10")]
)
def test_a_currency_has_several_spellings(first, second, tmp_path):
    path = two_rows(tmp_path, first, second, "AA")
    store = BarStore()
    store.load_frame(pd.read_csv(path, sep=";"))
    for read in (store, BarStore.read(path)):
        assert read.bars("A")["close"].tolist() == [10.0, 10.0]


def test_symbols_may_have_different_currencies(tmp_path):
    path = two_rows(tmp_path, "$10", "€11", "AB")
    store = BarStore()
    store.load_frame(pd.read_csv(path, sep=";"))
    for read in (store, BarStore.read(path)):
        assert [read.bars(symbol)["close"].tolist() for symbol in "AB"] == [[10.0], [11.0]]


def test_an_underscore_is_no_part_of_a_number_in_zstd_either(tmp_path):
    row = ", ".join(
        f"'{value}' AS {name}" for name, value in zip(["date", *NAMES], ["2024-01-12", *["1_0"] * 5], strict=True)
    )
    path = tmp_path / "abc.csv.zst"
    duckdb.execute(f"COPY (SELECT {row}) TO '{path}' (FORMAT csv, HEADER, COMPRESSION zstd)")
    with pytest.raises(ValueError, match=r"abc\.csv\.zst: ABC, line 2: open '1_0' is not a number"):
        BarStore.read(path)


THOUSANDTHS = ["12.051", "12.099", "12.011", "12.051", "585.084"]
BESIDE = "1704880859999,7049.12345,10,1.000,12.05100,0"


@pytest.mark.parametrize(
    "text",
    [
        f"Date,Open,High,Low,Close,Volume\n2024-01-10,{','.join(THOUSANDTHS)}\n",
        f"timestamp,open,high,low,close,volume\n1704880800000,{','.join(THOUSANDTHS)}\n",
        f"1704880800000,{','.join(THOUSANDTHS)},{BESIDE}\n",
        f"1704880800000,{','.join(THOUSANDTHS)}\n",
        f"Date;Open;High;Low;Close;Volume;VWAP\n2024-01-10;{';'.join(THOUSANDTHS)};12.04512\n",
        f'"Date","Open","High","Low","Close","Volume","VWAP"\n"2024-01-10",{",".join(THOUSANDTHS)},12.04512\n',
    ],
)
def test_points_that_separators_or_another_column_show_to_be_decimal_marks(text, tmp_path):
    (tmp_path / "abc.csv").write_text(text)
    bars = BarStore.read(tmp_path / "abc.csv").bars("ABC")
    assert (bars["close"].tolist(), bars["volume"].tolist()) == ([12.051], [585.084])


@pytest.mark.parametrize(
    "text",
    [
        f"Date;Open;High;Low;Close;Volume\n2024-01-10;{';'.join(THOUSANDTHS)}\n",
        f"1704880800000;{';'.join(THOUSANDTHS)}\n",
        "Date,Open,High,Low,Close,Volume\n2024-01-10," + ",".join(f'"{each}"' for each in THOUSANDTHS) + "\n",
        f"Datum,Eröffnung,Hoch,Tief,Schluss,Stück\n2024-01-10,{','.join(THOUSANDTHS)}\n",
        f"Date,Open,High,Low,Close,Volume,Turnover\n2024-01-10,{','.join(THOUSANDTHS)},1.234.567\n",
    ],
)
def test_points_are_refused_where_separators_quotes_names_or_another_column_allow_thousands(text, tmp_path):
    (tmp_path / "abc.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"'(585\.084|12\.051)' is (585084|12051) or "):
        BarStore.read(tmp_path / "abc.csv")


def test_points_of_lists_in_the_layout_of_a_program_are_decimal_marks():
    store = BarStore()
    store.load("ABC", [[1704880800000, *THOUSANDTHS]])
    store.load_frame([["DEF", "2024-01-10", *THOUSANDTHS]])
    for symbol in ("ABC", "DEF"):
        assert store.bars(symbol)["volume"].tolist() == [585.084]
