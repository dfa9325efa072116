"""What reads other tickers, by pandas: cross-sections of a long table, and another ticker's values by time."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd


def _scale(values: pd.Series) -> pd.Series:
    total = values.abs().sum()
    return values / total if total else values


def _standardize(values: pd.Series) -> pd.Series:
    return (values - values.mean()) / values.std(ddof=0) if values.nunique() > 1 else values * 0.0


def _winsorize(share: float) -> Callable[[pd.Series], pd.Series]:
    return lambda values: values.clip(values.quantile(share), values.quantile(1 - share))


CROSS_SECTIONS: dict[str, Callable[[pd.Series], pd.Series]] = {
    "rank(x)": lambda values: values.rank(pct=True),
    "scale(x)": _scale,
    "demean(x)": lambda values: values - values.mean(),
    "standardize(x)": _standardize,
    "winsorize(x, 0.1)": _winsorize(0.1),
    "winsorize(x, 0)": _winsorize(0.0),
    "winsorize(x, 0.5)": _winsorize(0.5),
}
"""Formula -> what it makes of the values of one time that are there."""


def across(frame: pd.DataFrame, x: str, name: str, by: str | None = None) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The cross-section `name` of the column `x`, in the order of the frame's rows."""
    taking_part = np.isfinite(frame[x]) & (True if by is None else frame[by].notna())
    keys = ["timestamp"] if by is None else ["timestamp", by]
    found = pd.Series(np.nan, frame.index)
    for _, rows in frame[taking_part].groupby(keys):
        found[rows.index] = CROSS_SECTIONS[name](rows[x])
    return found.to_numpy()


def as_of(frame: pd.DataFrame, ticker: str, x: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The value of `x` at the last bar of `ticker` at or before each row's time; the frame is in order of time."""
    other = frame.loc[frame["symbol"] == ticker, ["timestamp", x]]
    return pd.merge_asof(frame[["timestamp"]], other, on="timestamp")[x].to_numpy()
