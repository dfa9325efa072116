"""How the reference treats bars that have no value: in a window, in a recursion, and in a formula of other indicators.

An indicator is a plain function in one of three forms. `windowed` ones see one window at a time, `recursive` ones the
bars that have values, `composed` ones whole series with what is missing in them. Windows and recursions are figured in
the widest floating-point type there is, so that their own rounding does not count.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Wide = NDArray[np.longdouble]
WIDE = np.longdouble
HIGH_LOW = ("high", "low")
HIGH_LOW_CLOSE = ("high", "low", "close")
HIGH_LOW_CLOSE_VOLUME = (*HIGH_LOW_CLOSE, "volume")
CLOSE = ("close",)

INDICATORS: dict[str, "Indicator"] = {}
"""Every indicator that a module has declared, by name."""


DISTURBANCES: list[Callable[[Floats], Floats]] = []
"""What is done to the values of every indicator, now."""


@contextmanager
def disturbed(disturb: Callable[[Floats], Floats]) -> Iterator[None]:
    """Meanwhile `disturb` has the last say on the values of every indicator, shape `(outputs, bars)`."""
    DISTURBANCES.append(disturb)
    try:
        yield
    finally:
        DISTURBANCES.pop()


@dataclass(frozen=True)
class Indicator:
    """An indicator over one ticker's series of equal length, oldest first. Called with its inputs, then parameters."""

    name: str
    inputs: tuple[str, ...]
    """The columns that are read when a formula gives none."""
    outputs: tuple[str, ...]
    signature: inspect.Signature
    compute: Callable[..., Floats] = field(repr=False)
    """Inputs, then every parameter by name, to `(outputs, bars)`."""

    def __call__(self, *arguments: Any, **parameters: Any) -> Any:
        """An array of the inputs' length, or a tuple of them where there are several outputs."""
        bound = self.signature.bind(*arguments, **parameters)
        bound.apply_defaults()
        names = list(bound.arguments)
        columns = [np.asarray(bound.arguments[name], np.float64) for name in names[: len(self.inputs)]]
        values = self.compute(*columns, **{name: bound.arguments[name] for name in names[len(self.inputs) :]})
        for disturb in DISTURBANCES:
            values = disturb(values)
        return values[0] if len(self.outputs) == 1 else tuple(values)

    @property
    def parameters(self) -> dict[str, float]:
        """Names and defaults, in order."""
        chosen = list(self.signature.parameters.values())[len(self.inputs) :]
        return {parameter.name: parameter.default for parameter in chosen}


Declaration = Callable[[Callable[..., Any]], Indicator]


def windowed(
    reach: Callable[..., int], inputs: tuple[str, ...] = CLOSE, outputs: tuple[str, ...] = ("value",)
) -> Declaration:
    """A function of the last `reach(**parameters)` bars: it has no value while one of them is not finite."""

    def declare(function: Callable[..., Any]) -> Indicator:
        def compute(*columns: Floats, **parameters: Any) -> Floats:
            bars, size = len(columns[0]), reach(**parameters)
            result = np.full((len(outputs), bars), np.nan)
            for end in range(size, bars + 1):
                windows = [column[end - size : end].astype(WIDE) for column in columns]
                if all(np.isfinite(window).all() for window in windows):
                    result[:, end - 1] = function(*windows, **parameters)
            return result

        return declared(function, inputs, outputs, compute)

    return declare


def recursive(inputs: tuple[str, ...] = CLOSE, outputs: tuple[str, ...] = ("value",)) -> Declaration:
    """A function of all bars so far: one that is not finite has no value, is left out, and the next one goes on."""

    def declare(function: Callable[..., Any]) -> Indicator:
        def compute(*columns: Floats, **parameters: Any) -> Floats:
            good = np.logical_and.reduce([np.isfinite(column) for column in columns])
            result = np.full((len(outputs), len(good)), np.nan)
            if good.any():
                found = function(*(column[good].astype(WIDE) for column in columns), **parameters)
                result[:, good] = found
            return result

        return declared(function, inputs, outputs, compute)

    return declare


def composed(inputs: tuple[str, ...] = CLOSE, outputs: tuple[str, ...] = ("value",)) -> Declaration:
    """A function of whole series, made of other indicators, each of which treats what is missing by its own rule."""

    def declare(function: Callable[..., Any]) -> Indicator:
        def compute(*columns: Floats, **parameters: Any) -> Floats:
            with np.errstate(all="ignore"):
                found = function(*columns, **parameters)
            return np.array(found if len(outputs) > 1 else [found], np.float64)

        return declared(function, inputs, outputs, compute)

    return declare


def declared(
    function: Callable[..., Any], inputs: tuple[str, ...], outputs: tuple[str, ...], compute: Callable[..., Floats]
) -> Indicator:
    indicator = Indicator(function.__name__, inputs, outputs, inspect.signature(function), compute)
    INDICATORS[indicator.name] = indicator
    return indicator


def padded(values: Any, bars: int) -> Wide:
    """`values` belong to the last bars; NaN stands before them."""
    column = np.full(bars, np.nan, WIDE)
    if len(values):
        column[-len(values) :] = values
    return column
