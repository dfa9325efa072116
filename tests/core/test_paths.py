"""Which files paths, patterns and folders name, and whose bars those are."""

import gzip
from pathlib import Path

import pandas as pd
import pytest
from reference.bars import walk
from reference.tables import assert_bars

from ziggy_async import BarStore

PARTS = {("QQ", 2019): walk(12), ("RQ", 2019): walk(12, seed=2), ("RQ", 2020): walk(12, seed=3), ("A", 2020): walk(9)}
BARS = walk(20)
SYMBOLS = ["A", "QQ", "RQ"]


def written(path: Path, bars, days: int = 0) -> None:
    frame = pd.DataFrame({"date": bars.timestamp.astype("M8[ns]"), **bars.columns()})
    frame["date"] += pd.Timedelta(days=days)
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(path, index=False) if path.suffix == ".csv" else frame.to_parquet(path)


@pytest.fixture
def partitions(tmp_path, monkeypatch):
    """hw/symbol=NAME/year=YEAR/part.csv and .parquet, with the folder above them as the current one."""
    for (symbol, year), bars in PARTS.items():
        for ending in ("csv", "parquet"):
            written(
                tmp_path / ending / f"symbol={symbol}" / f"year={year}" / f"part.{ending}", bars, 365 * (year - 2019)
            )
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize(
    ("pattern", "symbols"),
    [
        ("{0}/symbol=*/*/*.{0}", SYMBOLS),
        ("./{0}/symbol=*/year=*/*.{0}", SYMBOLS),
        ("{1}/{0}/symbol=*/year=2020/*.{0}", ["A", "RQ"]),
        ("{0}/symbol=[QR]*/year=2019/part.{0}", ["QQ", "RQ"]),
        ("{0}/symbol=?Q/**/*.{0}", ["QQ", "RQ"]),
        ("{0}/symbol=?Q", ["QQ", "RQ"]),
        ("{0}/symbol=RQ", ["RQ"]),
        ("{0}/*", SYMBOLS),
        ("{0}/**", SYMBOLS),
        ("{0}", SYMBOLS),
        ("*/symbol=A/*/*.{0}", ["A"]),
        ("A={0}/symbol=A/*/*.{0}", ["A"]),
    ],
)
def test_a_pattern_over_partitions_keeps_their_symbols(pattern, symbols, ending, partitions, monkeypatch):
    argument = pattern.format(ending, partitions)
    store = BarStore.read(argument)
    assert store.symbols() == symbols
    if "QQ" in symbols:
        assert_bars(store, "QQ", PARTS["QQ", 2019])
    if argument.startswith(f"{ending}/"):
        monkeypatch.chdir(ending)
        assert BarStore.read(argument.removeprefix(f"{ending}/")).symbols() == symbols


def test_the_folder_that_one_is_in_may_be_a_partition(partitions, monkeypatch):
    monkeypatch.chdir("parquet/symbol=QQ/year=2019")
    for argument in ("part.parquet", "*.parquet", ".", "../year=*/*"):
        assert_bars(BarStore.read(argument), "QQ", PARTS["QQ", 2019])


def test_a_partition_that_is_not_there_is_no_symbol(partitions):
    (partitions / "part.csv").write_text("")
    for absent in ("symbol=Z/part.csv", "ticker=part.csv", "year=2019/part.csv"):
        with pytest.raises(ValueError, match=f"{absent}: No such file or directory"):
            BarStore.read(absent)
    for absent in ("csv/symbol=Z*/*/*.csv", "ticker=*.csv", "csv/*/year=2021"):
        with pytest.raises(ValueError, match="no files of bars"):
            BarStore.read(absent)


@pytest.mark.parametrize("path", ["csv/symbol=RQ/year=2019/part.csv", "csv/symbol=*/*/*", "csv/symbol=RQ"])
def test_a_symbol_that_contradicts_the_partition(path, partitions):
    with pytest.raises(ValueError, match=r"folder says that the bars are those of '.*', and X= of 'X': leave out X="):
        BarStore.read(f"X={path}")


def test_the_surest_of_several_partitions_is_the_symbol(tmp_path):
    written(tmp_path / "symbol=BTC" / "asset=crypto" / "part.csv", walk(5))
    written(tmp_path / "market=spot" / "symbol=ETH" / "part.csv", walk(5))
    assert BarStore.read(tmp_path).symbols() == ["ETH", "BTC"]


def test_what_is_there_is_no_pattern(tmp_path, monkeypatch):
    for name in ("data[1]/a.csv", "data1/b.csv", "deep/data[1]/c.csv", "deep/data1/d.csv"):
        written(tmp_path / name, walk(5))
    monkeypatch.chdir(tmp_path)
    assert BarStore.read("data[1]/*.csv").symbols() == ["A"]
    assert BarStore.read("deep/data[1]").symbols() == ["C"]
    assert BarStore.read("*/data[1]/*.csv").symbols() == ["C"]
    assert BarStore.read("data[0-9]/*.csv").symbols() == ["B"]


def test_a_file_that_is_named_twice_is_read_once(tmp_path, monkeypatch):
    for name in ("a.csv", "b.csv"):
        written(tmp_path / name, walk(5))
    monkeypatch.chdir(tmp_path)
    assert BarStore.read("*.csv", "./a.csv", tmp_path / "b.csv", "a*").symbols() == ["A", "B"]
    assert BarStore.read("X=a.csv", "a.csv").symbols() == ["X", "A"]


def test_two_files_of_a_partition_that_have_one_bar(tmp_path):
    for name in ("x.csv", "y.parquet"):
        written(tmp_path / "symbol=A" / name, BARS)
    with pytest.raises(ValueError, match=r"both have the bar of A at .*; leave one of the two out, .* out of one$"):
        BarStore.read(tmp_path)


def test_links_are_followed_and_each_folder_is_looked_through_once(tmp_path):
    written(tmp_path / "elsewhere" / "part.csv", walk(5))
    folder = tmp_path / "bars"
    written(folder / "a.csv", walk(5))
    (folder / "symbol=Q").symlink_to(tmp_path / "elsewhere")
    (folder / "round").symlink_to(folder)
    (folder / "above").symlink_to(tmp_path.parent)
    (folder / "b.csv").symlink_to(folder / "a.csv")
    assert BarStore.read(folder).symbols() == ["A", "B", "Q"]
    (folder / "c.csv").symlink_to(folder / "absent.csv")
    with pytest.raises(ValueError, match=r"c\.csv: No such file"):
        BarStore.read(folder)


def test_a_folder_that_is_called_like_a_file(tmp_path):
    written(tmp_path / "x.csv" / "a.csv", walk(5))
    written(tmp_path / "b.csv", walk(5))
    for argument in (tmp_path, f"{tmp_path}/*.csv", f"{tmp_path}/**/*.csv"):
        assert sorted(BarStore.read(argument).symbols()) == ["A", "B"]


def test_a_name_that_is_not_there_is_told_what_is_like_it(tmp_path):
    written(tmp_path / "aapl.csv", walk(5))
    with pytest.raises(ValueError, match=r"appl\.csv: No such file or directory; did you mean 'aapl\.csv'\?"):
        BarStore.read(tmp_path / "appl.csv")
    with pytest.raises(ValueError, match=r"a\\x00\.csv: holds a NUL character"):
        BarStore.read("a\0.csv")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("date=2019-01-01/A.csv", "date=2020-01-01/A.csv"),
        ("2019/A.csv", "2020/A.csv"),
        ("2019/12/A.csv", "2020/01/A.csv"),
        ("A_2019.csv", "A_2020.csv"),
        ("A-2019.csv", "A-2020.csv"),
        ("A-1d-2019.csv", "A-1d-2020.csv"),
        ("A 2019.csv", "A 2020.csv"),
        ("DAT_ASCII_A_M1_2019.csv", "DAT_ASCII_A_M1_2020.csv"),
        ("interval=1d/symbol=A/year=2019/x.csv", "interval=1d/symbol=A/year=2020/x.csv"),
        ("exchange=X/symbol=A/x.csv", "exchange=Y/symbol=A/x.csv"),
    ],
)
def test_paths_that_differ_in_dates_have_parts_of_one_symbol(first, second, tmp_path):
    written(tmp_path / first, BARS)
    written(tmp_path / second, BARS, 366)
    store = BarStore.read(tmp_path)
    assert store.symbols() == ["A"]
    assert len(store.bars("A")["close"]) == 2 * len(BARS)


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("daily/A.csv", "hourly/A.csv", "would be A, like .*; say whose bars they are with SYMBOL=path"),
        ("1/A.csv", "5/A.csv", "would be A, like"),
        ("A-1h-2019-01.csv", "A-1d-2019-02.csv", "would be A, like"),
        ("spot/A-1h-2019-01.csv", "futures/A-1h-2019-02.csv", "would be A, like"),
        ("A.csv", "A.parquet", "would be A, like"),
        ("A.csv", "A (1).csv", "would be A, like"),
        ("interval=1d/symbol=A/x.csv", "interval=1h/symbol=A/x.csv", "both have bars of A from .* on, in partitions"),
        ("ticker=A/freq=1/x.csv", "ticker=A/freq=5/x.csv", "both have bars of A from .* on, in partitions that differ"),
    ],
)
def test_paths_that_differ_in_something_else_are_refused(first, second, said, tmp_path):
    written(tmp_path / first, BARS)
    written(tmp_path / second, walk(3, seed=5))
    with pytest.raises(ValueError, match=said):
        BarStore.read(tmp_path)


@pytest.mark.parametrize("name", ["part-00000-1b2c-c000.snappy.parquet", "part.0.parquet", "part-r-0.csv"])
def test_parts_of_a_table_have_no_symbol_in_their_name(name, tmp_path):
    written(tmp_path / name, BARS)
    with pytest.raises(ValueError, match="has no symbol in its name"):
        BarStore.read(tmp_path)
    assert BarStore.read(f"A={tmp_path}").symbols() == ["A"]


def test_what_others_write_beside_a_table_is_left_alone(tmp_path):
    written(tmp_path / "symbol=A" / "part-0.parquet", BARS)
    written(tmp_path / "_temporary" / "0" / "part-0.parquet", BARS)
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / "symbol=A" / "_metadata").touch()
    for argument in (tmp_path, f"{tmp_path}/symbol=*/*", f"{tmp_path}/sym*"):
        assert_bars(BarStore.read(argument), "A", BARS)
    (tmp_path / "_delta_log").mkdir()
    with pytest.raises(ValueError, match="has _delta_log, as tables have of which not every file counts"):
        BarStore.read(tmp_path)


def test_partitions_that_are_files(tmp_path):
    written(tmp_path / "symbol=A.csv", BARS)
    written(tmp_path / "ticker=B_daily.parquet", BARS)
    assert BarStore.read(tmp_path).symbols() == ["A", "B"]
    written(tmp_path / "ticker=A" / "code=B" / "x.csv", BARS)
    with pytest.raises(ValueError, match="its folders say that the bars are those of 'A' and of 'B': call ticker= or"):
        BarStore.read(tmp_path)


@pytest.mark.parametrize("name", ["2023.csv", "20240102.csv.gz"])
def test_a_file_that_is_called_by_its_year_or_day(name, tmp_path):
    written(tmp_path / "A" / "x.csv", BARS)
    content = (tmp_path / "A" / "x.csv").rename(tmp_path / "A" / name).read_bytes()
    (tmp_path / "A" / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    with pytest.raises(ValueError, match=f"{name}: has no symbol in its name; say whose bars they are with SYMBOL=pa"):
        BarStore.read(tmp_path)
    assert BarStore.read(f"A={tmp_path / 'A' / name}").symbols() == ["A"]


@pytest.mark.parametrize("name", ["spy.psv", "spy.tab", "spy.dat", "spy.asc", "spy.prn.gz", "spy.csv.lzma"])
def test_endings_of_other_texts_are_none_of_the_symbol(name, tmp_path):
    written(tmp_path / "x.csv", BARS)
    content = (tmp_path / "x.csv").read_bytes()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    assert BarStore.read(tmp_path / name).symbols() == ["SPY"]


def test_a_symbol_with_a_slash(tmp_path, monkeypatch):
    written(tmp_path / "a.csv", BARS)
    monkeypatch.chdir(tmp_path)
    assert BarStore.read("BTC/USDT=a.csv").symbols() == ["BTC/USDT"]
    for absent in ("BTC/USDT=b.csv", "btc/x=a.csv", "x/symbol=a.csv"):
        with pytest.raises(ValueError, match=f"{absent}: No such file or directory"):
            BarStore.read(absent)
    written(tmp_path / "BTC" / "USDT=a.csv", BARS[:5])
    assert BarStore.read("BTC/USDT=a.csv").symbols() == ["USDT=A"]


def test_a_file_that_is_called_as_the_bars_of_another_one_are_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "x=SPY.csv", BARS)
    written(tmp_path / "SPY.csv", BARS[:5])
    with pytest.raises(ValueError, match=r"is a file, and SPY.csv is one too: write ./x=SPY.csv or x=./SPY"):
        BarStore.read("x=SPY.csv")
    assert_bars(BarStore.read("./x=SPY.csv"), "X=SPY", BARS)
    assert_bars(BarStore.read("x=./SPY.csv"), "x", BARS[:5])
