"""Lines behind the rows of a file, values that stand for none, and folders of bars of several lengths."""

import pandas as pd
import pytest

from ziggy_async import BarStore

NAMES = "Date,Open,High,Low,Close,Volume"
TWO = f"{NAMES}\n2024-01-02,10,12,9,11,500\n2024-01-03,10,12,9,11.5,600\n"
OF_MOSCOW = (
    "history\n\nBOARDID;TRADEDATE;SECID;OPEN;LOW;HIGH;CLOSE;VOLUME\nTQBR;2024-01-03;SBER;271.9;271.5;274.7;274.56;16\n"
    "TQBR;2024-01-04;SBER;274.67;273.69;275.48;274.06;11\n\nhistory.cursor\n\nINDEX;TOTAL;PAGESIZE\n0;2;100\n\n"
)


def read(tmp_path, text, name="A.csv", **options):
    (tmp_path / name).write_text(text)
    return BarStore.read(tmp_path / name, **options)


@pytest.mark.parametrize(
    "note",
    [
        "数据来源:通达信",
        "数据来源\uff1a通达信\n",
        "\n数据来源:通达信\n\n",
        "Source: Bloomberg\n",
        "Data provided by: ACME, Inc.\n",
        "Quelle: Börse\n",
        "\nhistory.cursor\n\nINDEX,TOTAL,PAGESIZE\n0,2,100\n\n",
        "\nhistory.cursor\r\n\r\nINDEX;TOTAL;PAGESIZE\r\n0;2;100\r\n",
        "\nhistory.cursor\n\nINDEX,TOTAL,PAGESIZE,A,B,C\n0,2,100,1,1,1\n\nhistory.dates\n\nfrom,till\n2,3\n",
    ],
)
def test_notes_and_tables_behind_the_rows_are_no_rows(note, tmp_path):
    assert read(tmp_path, TWO + note).bars("A")["close"].tolist() == [11, 11.5]


def test_the_history_of_the_moscow_exchange(tmp_path):
    bars = read(tmp_path, OF_MOSCOW).bars("SBER")
    assert bars["close"].tolist() == [274.56, 274.06]
    assert bars["timestamp"].astype("M8[D]").astype(str).tolist() == ["2024-01-03", "2024-01-04"]


@pytest.mark.parametrize("rest", ["NYSE:AA", "Source", "history.cursor\n", "\nhistory.cursor", "2024-01-04 09:30"])
def test_what_may_be_a_row_that_is_cut_off_is_refused(rest, tmp_path):
    with pytest.raises(ValueError, match="has 1 values for 6 names of columns"):
        read(tmp_path, TWO + rest)


@pytest.mark.parametrize("names", ["", f"{NAMES}\n", "\n"])
def test_a_ticker_between_rows_is_no_title_of_a_further_table(names, tmp_path):
    with pytest.raises(ValueError, match=r"line 5 has 1 values for 6 names of columns, 'BRK\.B'"):
        read(tmp_path, f"{TWO}\nBRK.B\n\n{names}2024-01-02,10,12,9,11,500\n")


@pytest.mark.parametrize(
    "lengths", [("interval=1d", "interval=1h"), ("freq=5", "freq=1"), ("timeframe=D", "timeframe=60")]
)
def test_bars_of_several_lengths_are_no_series_where_they_do_not_overlap_either(lengths, tmp_path):
    for length, day in zip(lengths, ("2024-01-02", "2024-02-02"), strict=True):
        folder = tmp_path / "symbol=A" / length
        folder.mkdir(parents=True)
        (folder / "x.csv").write_text(f"{NAMES}\n{day},10,12,9,11,5\n")
    said = f"{lengths[0]}/x.csv and .*{lengths[1]}/x.csv: both have bars of A, in partitions of several lengths"
    with pytest.raises(ValueError, match=said):
        BarStore.read(tmp_path)
    assert BarStore.read(tmp_path / "symbol=A" / lengths[0]).symbols() == ["A"]


@pytest.mark.parametrize("value", ["N/A", "n/a", "#N/A", "n.a.", "null", "NULL", "None", "nan", "NaN", "-", "--", ""])
def test_volumes_that_stand_for_none_may_be_counted_as_0(value, tmp_path):
    said = r"volume.*; volume=None \(--no-volume\) counts volumes as 0"
    text = f"{NAMES}\n2024-01-02,10,12,9,11,{value}\n"
    with pytest.raises(ValueError, match=said):
        read(tmp_path, text)
    row = dict(zip(NAMES.split(","), ["2024-01-02", 10, 12, 9, 11, value], strict=True))
    store = BarStore()
    for data in ([row], pd.DataFrame([row])):
        with pytest.raises(ValueError, match=f"(?i:{said})"):
            store.load("A", data)
    with pytest.raises(ValueError, match=f"(?i:{said}, invalid='skip' )"):
        store.load("A", [row | {"Date": "2024-01-01", "Volume": 5}, row])
    assert store.symbols() == []
    assert read(tmp_path, text, volume=None).bars("A")["volume"].tolist() == [0]


@pytest.mark.parametrize(("role", "value"), [("volume", "x"), ("close", "N/A")])
def test_other_values_are_no_volumes_that_stand_for_none(role, value, tmp_path):
    row = {"date": "2024-01-02", "open": 10, "high": 12, "low": 9, "close": 11, "volume": 5} | {role: value}
    with pytest.raises(ValueError, match=r"a number; invalid='skip' \(--skip-invalid\)"):
        BarStore().load("A", [row, row | {"date": "2024-01-03", role: 10}])
    text = ",".join(row) + "\n" + ",".join(map(str, row.values())) + "\n"
    with pytest.raises(ValueError, match=r"not a number; invalid='skip' \(--skip-invalid\)"):
        read(tmp_path, text + "2024-01-03,10,12,9,11,5\n")
    with pytest.raises(ValueError, match=r"not a number$"):  # no row would be left
        read(tmp_path, text)


def test_digits_of_other_scripts_are_told_to_be_written_in_those_of_ascii(tmp_path):
    arabic = {ord(digit): chr(0x660 + int(digit)) for digit in "0123456789"}
    date, figures = "2024-01-02", "10,12,9,11,5"
    for row in (f"{date.translate(arabic)},{figures}", f"{date},{figures.translate(arabic)}"):
        with pytest.raises(ValueError, match="write the digits 0 to 9"):
            read(tmp_path, f"{NAMES}\n{row}\n")
        with pytest.raises(ValueError, match="write the digits 0 to 9"):
            BarStore().load("A", [dict(zip(NAMES.split(","), row.split(","), strict=True))])


def test_a_number_that_is_too_large_is_shown_as_it_stands(tmp_path):
    with pytest.raises(ValueError, match="A, line 3: high 1e400 is not finite"):
        read(tmp_path, f"{NAMES}\n2024-01-02,10,12,9,11,5\n2024-01-03,10,1e400,9,11,5\n")
    with pytest.raises(ValueError, match="row 0: '1e400' is larger than any number of float64"):
        BarStore().load("A", [{"date": "2024-01-02", "open": 1, "high": "1e400", "low": 1, "close": 1, "volume": 1}])


@pytest.mark.parametrize("text", ["1_0", "1e400"])
def test_a_figure_that_is_none_is_told_by_its_row_beside_decimal_commas(text, tmp_path):
    rows = f"{TWO.replace(',', ';').replace('.', ',')}2024-01-04;10;12;9;11,5;{text}\n"
    with pytest.raises(ValueError, match=rf"A: column 'Volume', line 4: '{text}' .*; invalid='skip'"):
        read(tmp_path, rows)
    assert read(tmp_path, rows, invalid="skip").bars("A")["close"].tolist() == [11, 11.5]
