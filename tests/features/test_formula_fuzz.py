"""Hostile text: a formula is read, or refused with a `FormulaError`; nothing else ever happens."""

import warnings

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from reference.bars import walk

from ziggy_async import FeatureSet
from ziggy_async.features.errors import FormulaError
from ziggy_async.features.formula import read_formula
from ziggy_async.features.lowering import plan_nodes

TOKENS = st.sampled_from(
    [
        *("close", "volume", "vwap", "nan", "x", "(x := ", "y", "é", "名", "1", "14", "2.5", "-3", "1e308", "1e999"),
        *("0", "9" * 400, "0x10", "True", "None", "'a'", '"', "...", "1j", "b''", "f'{x}'"),
        *("+", "-", "*", "/", "**", "%", "//", "&", "|", "~", "^", "<", "<=", "==", "!=", "in", "is", "and", "or"),
        *("not", "if", "else", "lambda:", "for", "await", "(", ")", "[", "]", "{", "}", ",", ".", ":", ":=", "=", "*"),
        *("rsi(", "rsi(14)", "sma(", "atr(", "macd()", ".signal", "[2]", "ma(", "bbands(", "period=", "matype=1"),
        *("lag(", "clip(", "fill(", "returns(", "crossed_above(", "bars_since(", "hour()", "column(", "of(", "every("),
        *("\n", "\t", "\\", "\0", "#", ";", "\ud800", "\x1b", "\u202e", " "),
    ]
)


def refusal(text: str) -> FormulaError | None:
    """The error of a formula that is refused. Python's own warnings about odd text are none of ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            read_formula(text)
        except FormulaError as error:
            return error
    return None


def check(text: str) -> None:
    error = refusal(text)
    if error is not None:
        assert error.message in str(error)
        assert 0 <= error.start <= error.end
        assert error.start <= len(error.formula)
        return
    formula = read_formula(text)
    for at, node in enumerate(plan_nodes([formula]).nodes):
        assert all(each < at for each in node.inputs)
    normal = formula.normal_form
    too_large = refusal(normal)
    assert too_large is None or "levels" in too_large.message or "allowed" in too_large.message
    assert too_large is not None or read_formula(normal).normal_form == normal


@given(st.lists(TOKENS, max_size=25).map(" ".join))
@settings(max_examples=400, deadline=None)
@example("rsi ( x := close , 14 )")
@example("macd()[2] . signal")
def test_soup_of_tokens(text: str) -> None:
    check(text)


@given(st.lists(TOKENS, max_size=25).map("".join))
@settings(max_examples=400, deadline=None)
def test_soup_of_joined_tokens(text: str) -> None:
    check(text)


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_text(text: str) -> None:
    check(text)


COLUMNS = {"timestamp": np.arange(60) * 25 * 60 + 1_700_000_000, **walk(60, seed=1).columns()}
LEAVES = st.sampled_from(["close", "volume", "1", "0", "-2.5", "nan", "rsi(14)", "atr()", "macd().signal", "hour()"])


def grown(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.tuples(parts, parts)
    operators = st.sampled_from(["+", "-", "*", "/", "**", "%", "<", ">=", "==", "and", "or"])
    functions = st.sampled_from(["minimum({}, {})", "crossed_above({}, {})", "value_when({}, {})", "fill({}, {})"])
    singles = st.sampled_from(
        ["-({})", "not ({})", "abs({})", "lag({}, 3)", "sma(({}) + 0, 5)", "returns({})", "bars_since({})"]
    )
    return st.one_of(
        st.tuples(operators, pairs).map(lambda each: f"({each[1][0]}) {each[0]} ({each[1][1]})"),
        st.tuples(functions, pairs).map(lambda each: each[0].format(*each[1])),
        st.tuples(singles, parts).map(lambda each: each[0].format(each[1])),
        st.tuples(parts, parts, parts).map("({0[0]}) if ({0[1]}) else ({0[2]})".format),
    )


@given(st.recursive(LEAVES, grown, max_leaves=20))
@settings(max_examples=300, deadline=None)
def test_formulas_that_are_formulas(text: str) -> None:
    normal = read_formula(text).normal_form
    assert read_formula(normal).normal_form == normal
    once, again = (FeatureSet(value=each).over(COLUMNS)["value"] for each in (text, normal))
    assert once.tobytes() == again.tobytes()
