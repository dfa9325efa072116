"""Where an optional library is missing, the error says what needs it and what to install."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ziggy_async import BarStore, FeatureSet
from ziggy_async.messages import optional_import
from ziggy_async.regression.comparison import refuse_without_statistics


@pytest.fixture
def store() -> BarStore:
    column = np.ones(5)
    bars = dict.fromkeys(("open", "high", "low", "close", "volume"), column)
    store = BarStore()
    store.load("A", {"timestamp": np.arange(5).astype("M8[D]"), **bars})
    return store


class OnlyStream:
    """A table that has Arrow's interface and is of no library."""

    def __init__(self, table: Any) -> None:
        self.__arrow_c_stream__ = table.__arrow_c_stream__


CASES: dict[str, tuple[str, Callable[[BarStore, Path], object], str]] = {
    "to_arrow": ("pyarrow", lambda store, _: store.to_arrow(), "BarStore.to_arrow needs pyarrow: pip install pyarrow"),
    "write_parquet": (
        "duckdb",
        lambda store, folder: store.write_parquet(folder / "bars.parquet"),
        "reading and writing files needs DuckDB: pip install 'ziggy_async[data]'",
    ),
    "read": (
        "duckdb",
        lambda _, folder: BarStore.read(folder / "A.csv"),
        "reading and writing files needs DuckDB: pip install 'ziggy_async[data]'",
    ),
    "to_pandas": (
        "pandas",
        lambda store, _: FeatureSet("close").latest(["A"], store).to_pandas(),
        "FeatureTable.to_pandas needs pandas: pip install pandas",
    ),
    "to_polars": (
        "polars",
        lambda store, _: FeatureSet("close").latest(["A"], store).to_polars(),
        "FeatureTable.to_polars needs polars: pip install polars",
    ),
    "over": (
        "pyarrow",
        lambda store, _: FeatureSet("close").over(OnlyStream(FeatureSet("close").history(["A"], store))),
        "a table with Arrow's interface needs pyarrow: pip install pyarrow",
    ),
    "regress": (
        "scipy.stats",
        lambda *_: refuse_without_statistics(),
        "comparing samples needs SciPy: pip install 'ziggy_async[bench]'",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_error_says_what_to_install(
    case: str, store: BarStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, use, message = CASES[case]
    (tmp_path / "A.csv").write_text("date,open,high,low,close,volume\n2024-01-02,1,1,1,1,1\n")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ModuleNotFoundError) as raised:
        use(store, tmp_path)
    assert str(raised.value) == message
    assert raised.value.name == module


def test_another_module_that_is_missing_is_told_as_it_is() -> None:
    with (
        pytest.raises(ModuleNotFoundError, match="No module named 'nowhere'"),
        optional_import("pyarrow", "it", "pyarrow"),
    ):
        import nowhere  # noqa: F401
