"""The command's options for files, and what it says of the bars that it has read."""

import errno
import json
import os

import numpy as np
import pandas as pd
import pytest
from reference.bars import walk

from ziggy_async import BarStore
from ziggy_async.cli import main
from ziggy_async.market_brain.features import FeatureComputer

BARS = walk(80)
TABLE = BARS.table()
FRAME = pd.DataFrame({"date": BARS.timestamp.astype("M8[ns]"), **BARS.columns()})


@pytest.fixture
def features(capsys, store):
    """Runs `features FILE --json` in this process: its one ticker's figures or the exit code, and stderr."""

    def run(*arguments):
        code = main(["features", *map(str, arguments), "--json"])
        captured = capsys.readouterr()
        return (json.loads(captured.out)["features"][0] if code == 0 else code), captured.err

    return run


def figures(table=TABLE):
    store = BarStore(10_000)
    store.load("X", table)
    return FeatureComputer(store).compute_for_ticker("X")


def same(found, expected):
    return {name: found[name] for name in ("bars", "as_of", "rsi_14", "atr_14")} == {
        name: expected[name] for name in ("bars", "as_of", "rsi_14", "atr_14")
    }


def test_all_bars_of_a_file_are_kept(features, tmp_path):
    long = walk(700)
    pd.DataFrame({"date": long.timestamp.astype("M8[ns]"), **long.columns()}).to_csv(tmp_path / "x.csv", index=False)
    found, err = features(tmp_path / "x.csv")
    assert same(found, figures(long.table()))
    assert err == ""


def test_the_order_of_dates(features, tmp_path):
    days = FRAME.assign(date=FRAME["date"].dt.strftime("%d/%m/%Y"))
    days.to_csv(tmp_path / "x.csv", index=False)
    assert same(features(tmp_path / "x.csv")[0], figures())
    days[:5].to_csv(tmp_path / "x.csv", index=False)
    code, err = features(tmp_path / "x.csv")
    assert code == 2
    said = "is 2020-01-02 or 2020-02-01: say dates='dmy' or dates='mdy' (--dates)"
    assert f"X, line 3: column 'date': '02/01/2020' {said}" in err
    assert features(tmp_path / "x.csv", "--dates", "dmy")[0]["bars"] == 5


def test_columns_and_volume(features, tmp_path, caplog):
    path = tmp_path / "x.csv"
    FRAME.rename(columns={"date": "when", "close": "final"}).drop(columns="volume").to_csv(path, index=False)
    code, err = features(path)
    assert code == 2
    assert "no column for timestamp, close, volume" in err
    found, err = features(path, "--columns", "timestamp=when", "--columns", "close=final", "--no-volume")
    assert same(found, figures(TABLE | {"volume": np.zeros(80)}))
    assert err == "ziggy-async: volumes are counted as 0\n"
    assert caplog.records == []


def test_scaled_prices(features, tmp_path):
    path, prices = (
        tmp_path / "x.csv",
        {name: np.round(BARS.columns()[name], 2) for name in ("open", "high", "low", "close")},
    )
    scaled = {name: np.round(column * 100).astype(np.int64) * 10**7 for name, column in prices.items()}
    FRAME.assign(**scaled).to_csv(path, index=False)
    code, err = features(path)
    assert code == 2
    assert "--price-scale" in err
    assert same(features(path, "--price-scale", "1e-9")[0], figures(TABLE | prices))


def test_what_is_left_out_is_counted_by_reason(features, tmp_path):
    path = tmp_path / "x.csv"
    lines = FRAME.to_csv(index=False).splitlines()
    lines[30:30] = ["2019-05-05,null,null,null,null,null", "2019-05-06,1,2,3,1,1"]
    path.write_text("\n".join(lines))
    assert features(path)[0] == 2
    found, err = features(path, "--skip-invalid")
    assert same(found, figures())
    assert err == "ziggy-async: left out 2 rows: 1 open is missing or no number, 1 high is below low\n"


@pytest.mark.parametrize(("step", "said"), [("1min", "0:01:00 apart"), ("7D", "7 days apart"), ("1D", None)])
def test_bars_that_are_not_daily_are_said(features, tmp_path, step, said):
    times = pd.date_range("2024-01-01", periods=80, freq=step)
    FRAME.assign(date=times).to_csv(tmp_path / "x.csv", index=False)
    _, err = features(tmp_path / "x.csv")
    if said is None:
        assert err == ""
    else:
        assert (
            err == f"ziggy-async: the bars of X are {said}, and volatilities are those of 252 bars a year: daily ones\n"
        )


@pytest.mark.parametrize(
    "arguments",
    [["--dates", "dym"], ["--columns", "close"], ["--columns", "price=x"], ["--price-scale", "0"], ["--unit", "m"]],
)
def test_wrong_options(features, tmp_path, capsys, arguments):
    FRAME.to_csv(tmp_path / "x.csv", index=False)
    try:
        code, err = features(tmp_path / "x.csv", *arguments)
    except SystemExit as ended:
        code, err = ended.code, capsys.readouterr().err
    assert code == 2
    assert err.count("\n") == 1


def test_folders(features, tmp_path):
    (tmp_path / "symbol=X").mkdir()
    FRAME[:50].to_csv(tmp_path / "symbol=X" / "a.csv", index=False)
    FRAME[50:].to_parquet(tmp_path / "symbol=X" / "b.parquet")
    assert same(features(tmp_path)[0], figures())


def test_a_column_that_is_given_twice(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["features", "x.csv", "--columns", "close=open,close=high"])
    assert ended.value.code == 2
    assert "--columns: 'close' is given twice" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["features", "x.csv", "--columns", "close=open", "--columns", "close=high"])
    assert "--columns: 'close' is given twice" in capsys.readouterr().err


def test_a_folder_that_cannot_be_read(features, tmp_path, monkeypatch):
    FRAME.to_csv(tmp_path / "x.csv", index=False)
    (tmp_path / "closed").mkdir()
    scandir = os.scandir

    def refusing(path):
        if os.path.basename(path) == "closed":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    code, err = features(tmp_path)
    assert (code, err) == (2, f"ziggy-async: {tmp_path / 'closed'}: Permission denied\n")
