"""Messages about pandas frames that have tickers side by side name the row of the frame."""

import numpy as np
import pandas as pd
import pytest

from ziggy_async import BarStore

NAMES = ["Open", "High", "Low", "Close", "Volume"]
DAYS = pd.to_datetime(["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"])


def wide(levels=("ticker", "price")):
    one = pd.DataFrame([[10.0, 12.0, 9.0, 11.0, 500.0]] * 4, index=DAYS, columns=NAMES)
    frame = pd.concat({"A": one, "B": one}, axis=1)
    frame.loc[DAYS[0], "B"] = np.nan  # B begins a day later
    return frame if levels[0] == "ticker" else frame.swaplevel(axis=1)


def loads(store):
    return [store.load_frame, lambda frame: store.load("B", frame), lambda frame: store.load_unsorted("B", frame)]


@pytest.mark.parametrize("levels", [("ticker", "price"), ("price", "ticker")])
@pytest.mark.parametrize(
    ("value", "said"),
    [
        (8.0, "B, row 2: high 8 is below low 9; invalid='skip'"),
        (np.nan, "B, row 2: high is missing"),
        ("x", "B: column 'High', row 2: 'x' is not a number; invalid='skip'"),
    ],
)
def test_the_row_is_that_of_the_frame(value, said, levels):
    frame = wide(levels)
    name = ("B", "High") if levels[0] == "ticker" else ("High", "B")
    frame[name] = frame[name].astype(object)
    frame.loc[DAYS[2], name] = value
    store = BarStore()
    for load in loads(store):
        with pytest.raises(ValueError, match=said):
            load(frame)
    assert store.symbols() == []


def test_the_row_of_a_time_is_that_of_the_frame():
    frame = wide().iloc[[0, 1, 3, 2]]
    for load in loads(BarStore())[1:2]:
        with pytest.raises(ValueError, match="B, row 3: timestamp"):
            load(frame)


def test_names_that_were_made_one_level():
    frame = wide()
    frame.columns = [f"{ticker}_{name}" for ticker, name in frame.columns]
    frame.loc[DAYS[3], "B_High"] = 8.0
    for load in loads(BarStore()):
        with pytest.raises(ValueError, match="B, row 3: high 8 is below low 9"):
            load(frame)


def test_rows_of_other_frames_stay():
    frame = wide()["A"].assign(symbol=["A", "B", "A", "B"])
    frame.loc[DAYS[3], "High"] = 8.0
    with pytest.raises(ValueError, match="B, row 3: high 8 is below low 9"):
        BarStore().load_frame(frame)
