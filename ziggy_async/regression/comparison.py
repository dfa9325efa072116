"""Compares samples of now with those of a baseline. Needs SciPy, the extra `bench`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ziggy_async.messages import optional_import

Verdict = Literal["same", "worse", "better"]

MOST_P = 0.002
LEAST_CHANGE = 0.10
"""The least change of a median that counts: a machine does less by itself."""
LEAST_SAMPLES = 7
"""With fewer on both sides no difference could have so small a p."""


@dataclass(frozen=True)
class Samples:
    """The samples of one workload. `seconds`: one operation. `pace`: one operation of its reference
    workload in the same round."""

    seconds: tuple[float, ...]
    pace: tuple[float, ...]


@dataclass(frozen=True)
class Change:
    """The change of one workload from the baseline to now. `before` and `now` are medians in seconds.

    `ratio` is now / before by the clock, `paced_ratio` the same with each sample divided by its `pace`; `p` is the
    larger p of the two comparisons.
    """

    name: str
    before: float
    now: float
    ratio: float
    paced_ratio: float
    p: float
    verdict: Verdict

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def compare(before: Mapping[str, Samples], now: Mapping[str, Samples]) -> list[Change]:
    """Returns the changes of the workloads that both have, in the order of `now`.

    A workload is "worse" when it is slower by the clock and against its reference workload, each by more than a tenth
    of the median and with p < 0.002 by the test of Mann and Whitney; "better" likewise. A machine that is slower today
    makes nothing "worse", nor does a reference workload that is faster.
    """
    return [_change(name, before[name], samples) for name, samples in now.items() if name in before]


def refuse_without_statistics() -> None:
    """Raises `ModuleNotFoundError` without SciPy, before half a minute of measurement rather than after it."""
    with optional_import("SciPy", "comparing samples", "'ziggy_async[bench]'"):
        import scipy.stats  # noqa: F401


def _change(name: str, before: Samples, now: Samples) -> Change:
    seconds = np.array(before.seconds), np.array(now.seconds)
    paced = seconds[0] / np.array(before.pace), seconds[1] / np.array(now.pace)
    ratio, p, verdict = _compared(*seconds)
    paced_ratio, paced_p, paced_verdict = _compared(*paced)
    return Change(
        name=name,
        before=float(np.median(seconds[0])),
        now=float(np.median(seconds[1])),
        ratio=ratio,
        paced_ratio=paced_ratio,
        p=max(p, paced_p),
        verdict=verdict if verdict == paced_verdict else "same",
    )


def _compared(before: NDArray[np.float64], now: NDArray[np.float64]) -> tuple[float, float, Verdict]:
    """Returns the ratio of the medians, p, and what they mean."""
    from scipy.stats import mannwhitneyu

    ratio = float(np.median(now) / np.median(before))
    p = float(mannwhitneyu(now, before, alternative="two-sided").pvalue)
    if p < MOST_P and ratio > 1 + LEAST_CHANGE:
        return ratio, p, "worse"
    if p < MOST_P and ratio < 1 / (1 + LEAST_CHANGE):
        return ratio, p, "better"
    return ratio, p, "same"


def confirmed(first: Sequence[Change], second: Sequence[Change]) -> list[Change]:
    """Returns the first changes; of a workload that a second measurement judges otherwise, the second change."""
    again = {change.name: change for change in second}
    return [_less_sure(change, again.get(change.name)) for change in first]


def _less_sure(first: Change, second: Change | None) -> Change:
    return first if second is None or second.verdict == first.verdict else second
