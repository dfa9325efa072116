"""Whose bars a file has: its columns, its header, its folder and its name say so."""

from datetime import time

import pandas as pd
import polars as pl
import pytest
from reference.bars import walk
from reference.tables import assert_bars

from ziggy_async import BarStore

BARS = walk(30)
FRAME = pd.DataFrame(BARS.columns(), index=pd.DatetimeIndex(BARS.timestamp.astype("M8[ns]"), name="Date"))
PLAIN = FRAME.to_csv()


@pytest.mark.parametrize("price_first", [False, True])
def test_tickers_side_by_side(price_first, tmp_path):
    other = walk(30, seed=9)
    others = pd.DataFrame(other.columns(), index=FRAME.index)
    wide = pd.concat({"A": others, "B": FRAME.iloc[5:]}, axis=1, names=["Ticker", "Price"])
    wide = wide.swaplevel(axis=1).sort_index(axis=1) if price_first else wide
    for with_index, frame in ((True, wide), (False, wide.reset_index())):
        frame.to_csv(tmp_path / "many.csv", index=with_index)
        store = BarStore.read(tmp_path / "many.csv")
        assert_bars(store, "A", other)
        assert_bars(store, "B", BARS[5:])
        frame.to_parquet(tmp_path / "many.csv")
        store = BarStore.read(tmp_path / "many.csv")
        assert_bars(store, "A", other)
        assert_bars(store, "B", BARS[5:])
    with pytest.raises(ValueError, match="its header says that the bars are those of 'A', 'B', and C= of 'C'"):
        BarStore.read(f"C={tmp_path / 'many.csv'}")
    wide.iloc[2, wide.columns.get_indexer([("high", "A") if price_first else ("A", "high")])] = 1e-3
    wide.to_parquet(tmp_path / "many.csv")
    with pytest.raises(ValueError, match=r"many\.csv: A, row 3: high 0\.001 is below"):
        BarStore.read(tmp_path / "many.csv")


def test_a_single_ticker_that_the_header_names(tmp_path):
    path = tmp_path / "prices.csv"
    pd.concat({"ABC": FRAME}, axis=1, names=["Ticker", "Price"]).swaplevel(axis=1).to_csv(path)
    for argument in (path, f"ABC={path}"):
        assert_bars(BarStore.read(argument), "ABC", BARS)
    with pytest.raises(ValueError, match="its header says that the bars are those of 'ABC', and XYZ= of 'XYZ'"):
        BarStore.read(f"XYZ={path}")


def test_a_ticker_before_the_names(tmp_path):
    """As R's quantmod writes it."""
    frame = FRAME.rename(columns=lambda name: f"BRK.B.{name.capitalize()}").assign(**{"BRK.B.Adjusted": 1.0})
    frame.rename_axis(None).to_csv(tmp_path / "prices.csv")
    assert_bars(BarStore.read(tmp_path), "BRK.B", BARS)
    for names in (lambda name: f"ADJ.{name}", lambda name: f"adj.{name}"):
        FRAME.rename(columns=names).to_csv(tmp_path / "prices.csv")
        with pytest.raises(ValueError, match="no column for open, high, low, close"):
            BarStore.read(tmp_path)


def test_a_line_of_units_names_no_ticker(tmp_path):
    names, *lines = PLAIN.splitlines()
    (tmp_path / "abc.csv").write_text("\n".join([names, ",USD,USD,USD,USD,USD", *lines]))
    assert_bars(BarStore.read(tmp_path), "ABC", BARS)


def test_hive_partitions(tmp_path):
    for symbol in ("BRK.B", "BTC%2FUSD"):
        for year, part in (("2019", BARS[:12]), ("2020", BARS[12:])):
            folder = tmp_path / f"symbol={symbol}" / f"year={year}"
            folder.mkdir(parents=True)
            table = {"timestamp": part.timestamp.astype("M8[ns]"), **part.columns()}
            pd.DataFrame(table).to_parquet(folder / "part-0.parquet")
    store = BarStore.read(tmp_path)
    assert store.symbols() == ["BRK.B", "BTC/USD"]
    for symbol in store.symbols():
        assert_bars(store, symbol, BARS)


@pytest.mark.parametrize("key", ["symbol", "ticker"])
def test_a_column_that_contradicts_its_partition(key, tmp_path):
    folder = tmp_path / f"{key}=000700"
    folder.mkdir()
    frame = FRAME.reset_index()
    for symbol in ("000700", 700):  # numbers have lost their zeros
        frame.assign(symbol=symbol, name="Tencent").to_parquet(folder / "x.parquet")
        assert_bars(BarStore.read(tmp_path), "000700", BARS)
    said = "column 'symbol' says that the bars are those of {}, and its folder or argument of '000700': leave one"
    for symbols, named in (("XYZ", "'XYZ'"), (["000700"] * 15 + ["A"] * 15, "'000700', 'A'")):
        frame.assign(symbol=symbols).to_parquet(folder / "x.parquet")
        with pytest.raises(ValueError, match=said.format(named)):
            BarStore.read(tmp_path)


@pytest.mark.parametrize("clock", [None, "09:30"])
def test_a_partition_of_a_day(clock, tmp_path):
    for at, day in enumerate(["2020-01-02", "2020-01-03"]):
        folder = tmp_path / f"date={day}"
        folder.mkdir()
        part = pd.DataFrame({name: column[at : at + 1] for name, column in BARS.columns().items()}).assign(symbol="A")
        if clock is not None:
            part["time"] = time.fromisoformat(clock)
        part.to_parquet(folder / "part.parquet")
    bars = BarStore.read(tmp_path).bars("A")
    expected = [f"{day}T{clock or '00:00'}" for day in ("2020-01-02", "2020-01-03")]
    assert bars["timestamp"].astype("M8[m]").astype(str).tolist() == expected
    assert bars["close"].tolist() == BARS.close[:2].tolist()


def test_a_day_of_a_partition_beside_times(tmp_path):
    folder = tmp_path / "date=2020-01-02"
    folder.mkdir()
    FRAME.assign(symbol="A").to_parquet(folder / "part.parquet")
    assert_bars(BarStore.read(tmp_path), "A", BARS)


def test_frames_that_were_put_together_by_ticker_in_parquet(tmp_path):
    both = pd.concat({"A": FRAME, "B": FRAME.iloc[5:]}).rename_axis([None, None])
    both.to_parquet(tmp_path / "all.parquet")
    store = BarStore.read(tmp_path)
    assert_bars(store, "A", BARS)
    assert_bars(store, "B", BARS[5:])


def test_a_partition_of_no_symbol_is_refused(tmp_path):
    folder = tmp_path / "symbol=__HIVE_DEFAULT_PARTITION__"
    folder.mkdir()
    (folder / "x.csv").write_text(PLAIN)
    with pytest.raises(ValueError, match="its folder, symbol=__HIVE_DEFAULT_PARTITION__, says that no symbol is known"):
        BarStore.read(tmp_path)


@pytest.mark.parametrize("name", ["#RIC", "Scrip", "pair", "stock_code", "Security", "ISIN", "Company", "coin"])
def test_names_of_a_column_of_symbols(name, tmp_path):
    frame = FRAME.reset_index()
    frame.insert(0, name, ["A"] * 10 + ["B"] * 20)
    frame.to_csv(tmp_path / "all.csv", index=False)
    store = BarStore.read(tmp_path)
    assert_bars(store, "A", BARS[:10])
    assert_bars(store, "B", BARS[10:])
    with pytest.raises(ValueError, match=f"has a symbol column, '{name.lstrip('#')}'; X= is for files without one"):
        BarStore.read(f"X={tmp_path / 'all.csv'}")


@pytest.mark.parametrize(("name", "value"), [("Company", "Acme Corp"), ("ISIN", "US0000000001"), ("name", "2781")])
def test_a_description_of_the_only_symbol_is_no_symbol(name, value, tmp_path):
    FRAME.assign(**{name: value}).to_csv(tmp_path / "abc.csv")
    assert_bars(BarStore.read(tmp_path), "ABC", BARS)


def test_a_symbol_goes_before_its_description(tmp_path):
    FRAME.assign(company=["x"] * 10 + ["y"] * 20, isin="z", symbol="ABC").to_csv(tmp_path / "all.csv")
    assert_bars(BarStore.read(tmp_path), "ABC", BARS)


@pytest.mark.parametrize(("days", "said"), [((10, 30), "go back"), ((0, 20), "appear twice")])
@pytest.mark.parametrize("invalid", ["raise", "skip"])
def test_symbols_in_a_column_of_an_unknown_name(days, said, invalid, tmp_path):
    first, second = FRAME.iloc[slice(*days)], FRAME.iloc[: 20 if days[0] == 0 else 10]
    both = pd.concat([first.assign(thing="Alpha Inc"), second.assign(thing="Beta")])
    for save in (lambda: both.to_csv(tmp_path / "x.csv"), lambda: both.reset_index().to_parquet(tmp_path / "x.csv")):
        save()
        with pytest.raises(ValueError, match=f"its times {said} where column 'thing' .* 'Alpha Inc', 'Beta': if those"):
            BarStore.read(tmp_path, invalid=invalid)
    assert BarStore.read(tmp_path, columns={"symbol": "thing"}).symbols() == ["Alpha Inc", "Beta"]


def test_other_texts_of_a_file_of_one_symbol_in_any_order(tmp_path):
    frame = FRAME.assign(weekday=FRAME.index.day_name(), month=FRAME.index.strftime("%Y-%m"), kind="x")
    frame.sample(frac=1, random_state=3).to_csv(tmp_path / "abc.csv")
    assert_bars(BarStore.read(tmp_path), "ABC", BARS)


@pytest.mark.parametrize("folder", ["date=2020-01-02", "trade_date=20200102", "year=2020/month=1/day=2"])
@pytest.mark.parametrize(
    ("clocks", "expected"), [(None, "00:00:00"), (["09:30", "16:00"], "09:30:00"), (["93000", "160000"], "09:30:00")]
)
def test_a_csv_file_in_a_partition_of_a_day(folder, clocks, expected, tmp_path):
    (tmp_path / folder).mkdir(parents=True)
    names = "symbol,open,high,low,close,volume" + (",time" if clocks else "")
    lines = [
        f"{symbol},1,1,1,1,1{',' + clock if clock else ''}"
        for symbol, clock in zip("AB", clocks or ["", ""], strict=True)
    ]
    (tmp_path / folder / "part.csv").write_text("\n".join([names, *lines, ""]))
    assert BarStore.read(tmp_path).bars("A")["timestamp"].astype("M8[s]").astype(str) == [f"2020-01-02T{expected}"]


def test_the_times_of_a_csv_file_have_the_say_beside_its_folder(tmp_path):
    (tmp_path / "date=2020-01-02").mkdir()
    for name in ("time", "timestamp"):
        text = f"symbol,{name},open,high,low,close,volume\nA,2020-01-03 09:30,1,1,1,1,1\n"
        (tmp_path / "date=2020-01-02" / "part.csv").write_text(text)
        assert BarStore.read(tmp_path).bars("A")["timestamp"].astype("M8[s]").astype(str) == ["2020-01-03T09:30:00"]


@pytest.mark.parametrize(("day", "is_said"), [("2020-01-02", False), ("20200103", False), ("2020-01-05", True)])
def test_a_folder_of_a_day_that_no_row_is_of(day, is_said, tmp_path, caplog):
    (tmp_path / f"date={day}").mkdir()
    rows = "A,2020-01-03 00:30,1,1,1,1,1\n"
    (tmp_path / f"date={day}" / "part.csv").write_text(f"symbol,time,open,high,low,close,volume\n{rows}")
    BarStore.read(tmp_path)
    text = f"its folder says {day}, and its rows are from 2020-01-03 00:30:00 to 2020-01-03 00:30:00: those are taken"
    assert [text in record.getMessage() for record in caplog.records] == [True] * is_said


HEADINGS = ["{0}_{1}", "{1}_{0}", "('{0}', '{1}')", "('{1}', '{0}')"]


@pytest.mark.parametrize("heading", HEADINGS)
@pytest.mark.parametrize("tickers", [["BRK_B"], ["AAPL", "BRK_B"]])
def test_headings_that_hold_the_ticker(heading, tickers, tmp_path):
    wide = pd.concat(
        [FRAME.rename(columns=lambda name, each=ticker: heading.format(each, name.title())) for ticker in tickers],
        axis=1,
    )
    wide.to_csv(tmp_path / "prices.csv")
    from_frame = BarStore()
    from_frame.load_frame(wide)
    for store in (from_frame, BarStore.read(tmp_path / "prices.csv")):
        assert sorted(store.symbols()) == tickers
        for ticker in tickers:
            assert_bars(store, ticker, BARS)


@pytest.mark.parametrize("heading", ["bid_{0}", "BID_{0}", "DAY_{1}", "session_{1}"])
def test_headings_that_hold_no_ticker(heading, tmp_path):
    names = {name: heading.format(name.title(), name.upper()) for name in FRAME.columns}
    FRAME.rename(columns=names).to_csv(tmp_path / "prices.csv")
    with pytest.raises(ValueError, match=r"prices\.csv: no column for open, high, low, close, volume: columns="):
        BarStore.read(tmp_path / "prices.csv")


@pytest.mark.parametrize(
    "name", ["conid", "figi", "Root", "Product", "Security Name", "instrument_token", "BBG", "gvkey"]
)
def test_other_names_of_instruments(name, tmp_path):
    both = pd.concat([FRAME.iloc[:2].assign(**{name: "265598"}), FRAME.iloc[2:4].assign(**{name: "272093"})])
    both.to_csv(tmp_path / "dump.csv")
    store = BarStore.read(tmp_path / "dump.csv")
    assert_bars(store, "265598", BARS[:2])
    assert_bars(store, "272093", BARS[2:4])
    FRAME.assign(**{name: "265598"}).to_csv(tmp_path / "one.csv")
    assert BarStore.read(tmp_path / "one.csv").symbols() == ["ONE"]


@pytest.mark.parametrize("name", ["id", "vendor_code"])
def test_numbers_of_instruments_in_a_column_of_another_name(name, tmp_path):
    pd.concat([FRAME.assign(**{name: key}) for key in (7, 12)]).to_csv(tmp_path / "dump.csv")
    with pytest.raises(
        ValueError, match=f"its times appear twice where column '{name}' has another value, as '12', '7'"
    ):
        BarStore.read(tmp_path / "dump.csv")
    FRAME.assign(**{name: range(30)}).to_csv(tmp_path / "rows.csv")
    assert_bars(BarStore.read(tmp_path / "rows.csv"), "ROWS", BARS)


@pytest.mark.parametrize("folder", ["date=2031-01-01", "open=7/symbol=ABC", "volume=x"])
def test_a_column_goes_before_the_folder_of_its_name(folder, tmp_path):
    (tmp_path / folder).mkdir(parents=True)
    FRAME.rename_axis("date").to_csv(tmp_path / folder / "abc.csv")
    FRAME.rename_axis("date").reset_index().to_parquet(tmp_path / folder / "def.parquet")
    store = BarStore.read(tmp_path / folder / "abc.csv")
    assert_bars(store, "ABC", BARS)
    store = BarStore.read(tmp_path / folder / "def.parquet")
    assert_bars(store, *store.symbols(), BARS)


@pytest.mark.parametrize("name", ["QQQ", "SP", "BRK.A", "7"])
def test_a_table_of_another_symbol(name):
    frame = FRAME.reset_index().assign(symbol=name)
    store = BarStore()
    for load in (store.load, store.load_unsorted):
        with pytest.raises(
            ValueError, match=f"BRK.B: column 'symbol' says that the bars are those of '{name}': load_f"
        ):
            load("BRK.B", frame)
    store.load("BRK.B", frame.drop(columns="symbol"))
    assert_bars(store, "BRK.B", BARS)


@pytest.mark.parametrize(
    ("symbol", "name"),
    [("SPY", "spy "), ("BTC/USDT", "BTCUSDT"), ("SPY", "SPY.US"), ("^GSPC", "GSPC"), ("0700.HK", "700"), ("SPY", None)],
)
def test_a_table_of_a_symbol_that_is_written_in_another_way(symbol, name):
    store = BarStore()
    store.load(symbol, FRAME.reset_index().assign(symbol=name))
    assert_bars(store, symbol, BARS)


@pytest.mark.parametrize("of", [lambda frame: frame, pl.from_pandas, lambda frame: frame.to_dict("list")])
def test_blanks_around_symbols(of):
    store = BarStore()
    store.load_frame(of(FRAME.reset_index().assign(symbol=["A"] * 15 + [" A "] * 15)))
    assert_bars(store, "A", BARS)
    with pytest.raises(ValueError, match=r"row 0: '' is not a symbol|row 0 has no symbol"):
        store.load_frame(of(FRAME.reset_index().assign(symbol=" ")))


@pytest.mark.parametrize("write", [pd.DataFrame.to_parquet, pd.DataFrame.to_csv])
def test_a_column_that_says_what_the_argument_does(write, tmp_path):
    write(FRAME.reset_index().assign(symbol="SPY"), tmp_path / "a", index=False)
    assert_bars(BarStore.read(f"SPY={tmp_path / 'a'}"), "SPY", BARS)
    with pytest.raises(ValueError, match="has a symbol column, 'symbol'; QQQ= is for files without one"):
        BarStore.read(f"QQQ={tmp_path / 'a'}")
