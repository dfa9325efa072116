"""The same figures, as numbers of any type or as people write them, mean the same in every container."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from containers import CONTAINERS, sampled

DAYS = pd.to_datetime(["2024-01-02", "2024-01-03", "2024-01-04"])
PRICES = [1234.5, 1235.25, 1240.0]
WRITTEN = {
    "float64": PRICES,
    "float32": np.array(PRICES, np.float32),
    "Float64": pd.array(PRICES, "Float64"),
    "float64 of Arrow": pd.array(PRICES, "float64[pyarrow]"),
    "decimals": [Decimal("1234.50"), Decimal("1235.25"), Decimal("1240.00")],
    "objects": pd.Series(PRICES, dtype=object),
    "texts": ["1234.5", "1235.25", "1240"],
    "categories": pd.Categorical(["1234.5", "1235.25", "1240"]),
    "texts of Arrow": pd.array(["1234.5", "1235.25", "1240"], "string[pyarrow]"),
    "thousands": ["1,234.50", "1,235.25", "1,240.00"],
    "thousands with points": ["1.234,50", "1.235,25", "1.240,00"],
    "thousands with blanks": ["1 234.50", "1\u202f235.25", "1\u00a0240.00"],
    "thousands with apostrophes": ["1'234.50", "1\u2019235.25", "1'240.00"],
    "dollars": ["$1,234.50", "$1,235.25", "$1,240.00"],
    "euros behind": ["1.234,50 €", "1.235,25 €", "1.240,00 €"],
    "codes": ["USD 1234.50", "USD 1235.25", "USD 1240.00"],
    "thousandfold": ["1.2345K", "1.23525K", "1.24K"],
    "exponents": ["1.2345e3", "1.23525E+3", "1.24e3"],
    "blanks around": [" 1234.5 ", "1235.25 ", " 1240"],
}
VOLUMES = {
    "int64": [1_500_000, 0, 2_000],
    "uint64": np.array([1_500_000, 0, 2_000], np.uint64),
    "int16 of thousands": np.array([1500, 0, 2], np.int16),
    "Int64": pd.array([1_500_000, 0, 2_000], "Int64"),
    "float64": [1.5e6, 0.0, 2e3],
    "decimals": [Decimal(1_500_000), Decimal(0), Decimal(2_000)],
    "texts": ["1500000", "0", "2000"],
    "millions": ["1.5M", "0", "2K"],
    "thousands": ["1,500,000", "0", "2,000"],
    "zeros behind": ["1500000.0", "0.0", "2000.0"],
}
MISSING = {
    "NaN": [1.0, np.nan, 2.0],
    "None": pd.Series([1.0, None, 2.0], dtype=object),
    "NA": pd.array([1, None, 2], "Int64"),
    "null of Arrow": pd.array([1.0, None, 2.0], "float64[pyarrow]"),
    "a blank text": ["1", "", "2"],
    "a missing text": ["1", None, "2"],
}
containers = pytest.mark.parametrize("container", CONTAINERS)


def frame_of(prices=PRICES, volumes=(1, 2, 3)):
    prices = pd.Series(prices)
    return pd.DataFrame(
        {"Date": DAYS, "Open": prices, "High": prices, "Low": prices, "Close": prices, "Volume": pd.Series(volumes)}
    )


@pytest.mark.parametrize(("container", "kind"), sampled(WRITTEN))
def test_prices(container, kind, tmp_path):
    bars = CONTAINERS[container](frame_of(WRITTEN[kind]), tmp_path).bars("A")
    for name in ("open", "high", "low", "close"):
        assert bars[name].tolist() == PRICES


@pytest.mark.parametrize(("container", "kind"), sampled(VOLUMES))
def test_volumes(container, kind, tmp_path):
    volumes = CONTAINERS[container](frame_of(volumes=VOLUMES[kind]), tmp_path).bars("A")["volume"]
    scale = 1000 if kind == "int16 of thousands" else 1
    assert (volumes * scale).tolist() == [1_500_000, 0, 2_000]


@pytest.mark.parametrize(("container", "kind"), sampled(MISSING))
def test_what_is_missing_is_named_and_can_be_left_out(container, kind, tmp_path):
    frame = frame_of(volumes=MISSING[kind])
    with pytest.raises(ValueError, match=r"A, (row [12]|line 3): volume is missing"):
        CONTAINERS[container](frame, tmp_path)
    store = CONTAINERS[container](frame, tmp_path, invalid="skip")
    assert store.bars("A")["volume"].tolist() == [1, 2]
    assert CONTAINERS[container](frame, tmp_path, volume=None).bars("A")["volume"].tolist() == [0, 0, 0]


REFUSED = {
    "a word": (["1.5", "x", "2"], "'x' is no"),
    "two readings": (
        ["1,234", "1,235", "1,240"],
        "'1,234' is 1234 or 1.234: write it and those like it as 1234 or 1,2340",
    ),
    "both marks": (["1,5", "1.5", "2"], "'1,5' has a decimal comma, '1.5' a decimal point"),
    "two currencies": (["$1.50", "€1.50", "$1.50"], r"'€1\.50' is of another currency than '\$1\.50' before it"),
    "thirty-seconds": (["112'165", "112'16", "112'170"], "112'16"),
    "digits of another script": (["1.5", "\uff11.5", "2"], "'\uff11.5' is no"),
    "a rest of a number": (["1.5", "1_0", "2"], "'1_0' is no"),
}


@pytest.mark.parametrize(("container", "case"), sampled(REFUSED))
def test_what_is_no_number_or_could_be_two_is_refused(container, case, tmp_path):
    prices, said = REFUSED[case]
    with pytest.raises(ValueError, match=r"A(, line [234]|, row [123]|: column '\w+', (row|line) [0-4]): .*" + said):
        CONTAINERS[container](frame_of(prices), tmp_path)


@containers
def test_booleans_are_no_figures(container, tmp_path):
    with pytest.raises((TypeError, ValueError), match=r"(?i)bool|'true' is no"):
        CONTAINERS[container](frame_of(volumes=[True, False, True]), tmp_path)
