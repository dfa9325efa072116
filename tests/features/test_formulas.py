"""What formulas may say: how each is read, and what is said of those that are refused."""

import math
import pickle
import re
import threading
from collections.abc import Callable
from typing import Any

import pytest

from ziggy_async import BarStore, FeatureSet
from ziggy_async.features.errors import FormulaError
from ziggy_async.features.formula import read_formula
from ziggy_async.features.lowering import plan_nodes

READ_AS = {
    # columns and numbers
    "close": "close",
    " Close\n": "close",
    "vwap": "vwap",
    'column("adj close")': "column('adj close')",
    'column("vwap")': "vwap",
    'column("nan") + column("if")': "column('nan') + column('if')",
    "nan": "nan",
    "1_000 + close": "1000 + close",
    # operators
    "close + open * 2 - -high": "(close + (open * 2)) - (-high)",
    "close ** 2 % 3": "(close ** 2) % 3",
    "-close ** 2": "-(close ** 2)",
    "open < close <= high": "(open < close) and (close <= high)",
    "open and close and not volume or low": "(open and close and (not volume)) or low",
    "open if close > 3 else volume": "open if (close > 3) else volume",
    # constants are computed as IEEE 754 does
    "close * (2 * 3)": "close * 6",
    "1 / 0": "(1 / 0)",
    "-1 / 0": "(-1 / 0)",
    "0 / 0": "nan",
    "0 * -1": "-0.0",
    "-7 % 3": "2",
    "1e308 * 10 - 1": "(1 / 0)",
    "2 ** 0.5 + (-8) ** (1 / 3)": "1.4142135623730951 + ((-8) ** 0.3333333333333333)",
    "nan ** 0": "1",
    "nan == nan": "nan",
    "1 < 2": "1",
    "0 and nan": "nan",
    "7 if 0 else 8": "8",
    # names
    "(fast := ema(12)) > fast + 1": "ema(close, 12) > (ema(close, 12) + 1)",
    "(close := close * 2) + close": "(close * 2) + (close * 2)",
    "x + (x := close)": "x + close",
    "(x := rsi(14)) if x > 50 else 0": "rsi(close, 14) if (rsi(close, 14) > 50) else 0",
    "(rsi := rsi(14)) + rsi": "rsi(close, 14) + rsi(close, 14)",
    "clip(least=(x := 3), x=x + close, most=9)": "clip(3 + close, 3, 9)",
    # functions
    "lag(close, 5) + lag(x=close, n=2 * 3)": "lag(close, 5) + lag(close, 6)",
    "lag(5, 1)": "lag(5, 1)",
    "skip(close, 3)": "skip(close, 3)",
    "delta(close, 5)": "close - lag(close, 5)",
    "returns(close)": "(close / lag(close, 1)) - 1",
    "returns(close, 20)": "(close / lag(close, 20)) - 1",
    "fill(close, value=0)": "fill(close, 0)",
    "abs(signed_power(close, 2)) + cumsum(volume)": "abs(signed_power(close, 2)) + cumsum(volume)",
    "crossed_above(close, 30)": "(close > 30) and (lag(close, 1) <= lag(30, 1))",
    "crossed_below(close, open)": "(close < open) and (lag(close, 1) >= lag(open, 1))",
    "bars_since(close > 3)": "bars_since(close > 3)",
    "value_when(close > 3, low) + total_since(low, high)": "value_when(close > 3, low) + total_since(low, high)",
    "weekday() == 4 and hour() < 16": "(weekday() == 4) and (hour() < 16)",
    # calls of the catalog
    "rsi()": "rsi(close, 14)",
    "rsi(7)": "rsi(close, 7)",
    "rsi(volume)": "rsi(volume, 14)",
    "rsi(volume, 7)": "rsi(volume, 7)",
    "rsi(period=7)": "rsi(close, 7)",
    "rsi(timeperiod=7)": "rsi(close, 7)",
    "sma(5 * 4)": "sma(close, 20)",
    "sma(5 - 0, 20)": "sma(5 - 0, 20)",
    "sma(close * volume, 20)": "sma(close * volume, 20)",
    "atr()": "atr(high, low, close, 14)",
    "atr(open, low, close, 3)": "atr(open, low, close, 3)",
    "sma()": "sma(close, 30)",
    "obv()": "obv(close, volume)",
    "bbands(20, deviations=3).lower": "bbands(close, 20, 3, 3, 0).lower",
    "bbands(20, nbdevdn=1).upperband": "bbands(close, 20, 2, 1, 0).upper",
    "ma(close, 20, 1)": "ma(close, 20, 1)",
    "macd()": "macd(close, 12, 26, 9).macd",
    "macd(5, 8, 3).histogram": "macd(close, 5, 8, 3).histogram",
    "macd(slowperiod=30).macdsignal": "macd(close, 12, 30, 9).signal",
    "macd()[2]": "macd(close, 12, 26, 9).histogram",
    "rsi(14)[0]": "rsi(close, 14)",
}  # fmt: skip


@pytest.mark.parametrize(("text", "normal"), READ_AS.items(), ids=lambda each: repr(each))
def test_formulas_are_read(text: str, normal: str) -> None:
    assert read_formula(text).normal_form == normal


@pytest.mark.parametrize("text", READ_AS, ids=repr)
def test_a_normal_form_reads_as_itself(text: str) -> None:
    once = read_formula(text)
    again = read_formula(once.normal_form)
    assert again.normal_form == once.normal_form
    assert plan_nodes([again])[1:] == plan_nodes([once])[1:] or "nan" in once.normal_form


REFUSED = {
    # text that is not an expression
    "": ("empty", ""),
    "  ": ("empty", ""),
    "close <": ("invalid syntax", ""),
    "rsi(close, 14": ("never closed", "("),
    "close; open": ("invalid syntax", ";"),
    "close\n+ open": ("invalid syntax", "+"),
    "a\0b": ("null", "\0"),
    "é + \ud800": ("not Unicode text", "\ud800"),
    "1e999": ("too large", "1e999"),
    # what Python has and formulas have not
    "é & é": ("write a and b", "é & é"),
    "close | open": ("write a or b", "close | open"),
    "2 + ~close": ("write not a", "~close"),
    "close // 2": ("floor(a / b)", "close // 2"),
    "+close": ("leave it out", "+close"),
    "close ^ 2": ("a ** b", "close ^ 2"),
    "close >> 2": ("floor(a / 2 ** b)", "close >> 2"),
    "close @ open": ("a * b", "close @ open"),
    "close is open": ("a == b", "close is open"),
    "close in open": ("a == b or a == c", "close in open"),
    "True": ("write 1", "True"),
    "close > False": ("write 0", "False"),
    "None": ("write nan", "None"),
    "'close'": ('column("...")', "'close'"),
    "1j": ("complex", "1j"),
    "...": ("ellipsis", "..."),
    "(1, 2)": ("a tuple", "(1, 2)"),
    "[close]": ("a list", "[close]"),
    "{close}": ("a set", "{close}"),
    "{}": ("a dict", "{}"),
    "[x for x in close]": ("a comprehension", "[x for x in close]"),
    "lambda: close": ("a lambda", "lambda: close"),
    "f'{close}'": ("an f-string", "f'{close}'"),
    "sma(*close)": ("a starred argument", "*close"),
    "close[1]": ("lag(x, n)", "close[1]"),
    "close.open": ("macd().signal", "close.open"),
    "(m := macd()).signal + m.signal": ("taken of a call", "(m := macd()).signal"),
    "lag(close, 1).x": ("only indicators have outputs", "lag(close, 1).x"),
    "numpy.log(close)": ("only a name can be called; write log(...)", "numpy.log"),
    "talib.SMA(close, 14)": ("only a name can be called; write sma(...)", "talib.SMA"),
    "1 + close.shift(1)": ("only a name can be called; write lag(x, n)", "close.shift"),
    "(lambda: 1)()": ("only a name can be called", "lambda: 1"),
    # names
    "rsii(14)": ("'rsii'; did you mean 'rsi'?", "rsii"),
    "RSI(14)": ("did you mean 'rsi'?", "RSI"),
    "crossed_abov(close, 3)": ("did you mean 'crossed_above'?", "crossed_abov"),
    "Delay(close, 1)": ("no function 'Delay'; write lag(x, n)", "Delay"),
    "ts_max(max(close, open), 9)": ("no function 'ts_max'; write highest(x, n)", "ts_max"),
    "where(close > open, 1, 0)": ("write a if condition else b", "where"),
    "Cross(close, open)": ("write crossed_above(a, b) or crossed_below(a, b)", "Cross"),
    "vwma(20)": ("write total(x * volume, n) / total(volume, n)", "vwma"),
    "__import__('os')": ("no function '__import__'", "__import__"),
    "x" * 300 + "()": ("no function", "x" * 300),
    "(a := 1) + (a := 2)": ("'a' is named twice", "a"),
    "(nan := 1)": ("nan is a number", "nan"),
    "macd().signl": ("did you mean 'signal'?", "macd().signl"),
    "macd().zzzz": ("macd, signal, histogram", "macd().zzzz"),
    "column(close)": ('column("adj close")', "column(close)"),
    'column("")': ('column("adj close")', 'column("")'),
    'column("a", 1)': ('column("adj close")', 'column("a", 1)'),
    # operators of other languages
    "close > 1 && open > 1": ("&& is not an operator of formulas; write and", "&&"),
    "close > 1 || open > 1": ("|| is not an operator of formulas; write or", "||"),
    "close > 1 AND open > 1": ("AND is not an operator of formulas; write and", "AND"),
    "close > 1 OR open > 1": ("OR is not an operator of formulas; write or", "OR"),
    "NOT close > 1": ("NOT is not an operator of formulas; write not", "NOT"),
    "!(close > 1)": ("! is not an operator of formulas; write not", "!"),
    "close <> 1": ("<> is not an operator of formulas; write !=", "<>"),
    "rsi(14) = 30": ("= is not an operator of formulas; write ==", "="),
    "close > 1 ? open : high": ("? is not an operator of formulas; write a if condition else b", "?"),
    "x := close": (":= names a part within parentheses", ":="),
    "max(close, 1) >= 2 and sma(20, real=close) = 3": ("= is not an operator of formulas; write ==", "="),
    # calls of functions
    "abs()": ("abs(x): x missing", "abs()"),
    "abs(close, open)": ("one argument too many", "open"),
    "clip(close, 1)": ("clip(x, least, most): most missing", "clip(close, 1)"),
    "abs(y=close)": ("no argument 'y'", "y=close"),
    "abs(close, x=open)": ("x is given twice", "x=open"),
    "abs(**close)": ("no argument '**'", "**close"),
    "hour(3)": ("one argument too many", "3"),
    "lag(close)": ("n missing", "lag(close)"),
    "lag(close, 0)": ("0 is not a whole number from 1 to 100000", "0"),
    "lag(close, -1)": ("-1 is not a whole number", "-1"),
    "lag(close, 1.5)": ("1.5 is not a whole number", "1.5"),
    "lag(close, 100001)": ("not a whole number from 1 to 100000", "100001"),
    "lag(close, volume)": ("a number of bars, not a formula", "volume"),
    "lag(close, 1 + 1)": ("a number of bars, not a formula", "1 + 1"),
    # calls of the catalog
    "rsi(1)": ("period of rsi: 1 is not from 2 to 100000", "1"),
    "rsi(2.5)": ("2.5 is not a whole number", "2.5"),
    "rsi(-14)": ("-14 is not from 2", "-14"),
    "rsi(1e9)": ("is not from 2 to 100000", "1e9"),
    "rsi(volume, close, 14)": ("period is a number, not a formula", "close"),
    "rsi(close, n)": ("period is a number, not a formula", "n"),
    "rsi(period=close)": ("period is a number, not a formula", "period=close"),
    "rsi(14, close)": ("inputs stand before parameters", "close"),
    "sma(volume(), 20)": ("no function 'volume'; the column is volume, without brackets", "volume"),
    "macd(12, close)": ("slow is a number, not a formula", "close"),
    "rsi(14, 15)": ("one parameter too many", "15"),
    "atr(high, 14)": ("1 of 3 inputs", "atr(high, 14)"),
    "obv(close, volume, high)": ("one input too many", "high"),
    "rsi(perod=14)": ("did you mean 'period'?", "perod=14"),
    "sma(close, length=14)": ("no parameter 'length'; it has period", "length=14"),
    "obv(length=14)": ("no parameter 'length'; it has none", "length=14"),
    "bbands(20, std=2)": ("it has period, nbdevup, nbdevdn, matype", "std=2"),
    "rsi(7, period=14)": ("period is given twice", "period=14"),
    "rsi(timeperiod=7, period=14)": ("period is given twice", "period=14"),
    "rsi(**close)": ("no parameter '**'", "**close"),
    "macd()[3]": ("outputs 0 to 2", "3"),
    "macd()[-1]": ("outputs 0 to 2", "-1"),
    "macd()[True]": ("outputs 0 to 2", "True"),
    "macd()[0:1]": ("outputs 0 to 2", "0:1"),
    "bbands(deviations=3, nbdevup=2)": ("nbdevup is given twice", "nbdevup=2"),
    "bbands(close, 20, 2, 2, 7)": ("no moving average of type 7, mama", "bbands(close, 20, 2, 2, 7)"),
    "1 + ma(close, 20, 7)": ("6 kama, 8 t3", "ma(close, 20, 7)"),
    "ma(close, 20, 9)": ("matype of ma: 9 is not from 0 to 8", "9"),
    # other tickers
    "of(close)": ("of(ticker, x): x missing", "of(close)"),
    "of(close, open)": ('of("SPY", close)', "close"),
    "of('', close)": ('of("SPY", close)', "''"),
    "of('SPY', 1 + rank(close))": ("a cross-section inside of of() is refused", "rank(close)"),
    "(r := rank(close)) + of('SPY', r)": ("a cross-section inside of of() is refused", "r"),
    "rank(close, 3)": ('as in rank(x, by="sector"), not 3', "3"),
    "every(1, close)": ('a text, as in every("1h", close), not 1', "1"),
    "every('1D', close)": ("'1D' is not a period: minutes or hours that divide a day (5m, 1h), 1d, 1w, 1mo", "'1D'"),
    "rank(close, label='x')": ("no argument 'label'", "label='x'"),
    "winsorize(close)": ("p missing", "winsorize(close)"),
    "winsorize(close, volume)": ("p of winsorize is a number", "volume"),
    "winsorize(close, 0.6)": ("not from 0 to 0.5", "0.6"),
    "rnk(close)": ("did you mean 'rank'?", "rnk"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), REFUSED.items(), ids=lambda each: ascii(each)[:40])
def test_faults_are_said_with_their_place(text: str, wanted: tuple[str, str]) -> None:
    message, place = wanted
    with pytest.raises(FormulaError) as caught:
        read_formula(text)
    assert message in caught.value.message
    assert caught.value.formula[caught.value.start : caught.value.end] == place
    assert caught.value.message in str(caught.value)


@pytest.mark.parametrize("name", ["cumprod", "session", "float", "minmax", "every_bar", "zlema"])
def test_a_function_that_is_another_thing_is_not_suggested(name: str) -> None:
    with pytest.raises(FormulaError) as caught:
        read_formula(f"{name}(close)")
    assert caught.value.message == f"no function '{name}'"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        *[("hl2", "medprice()"), ("hlc3", "typprice()"), ("ohlc4", "avgprice()"), ("NaN", "nan"), ("na", "nan")],
        *[("null", "nan"), ("true", "1"), ("false", "0"), ("pi", "3.141592653589793")],
    ],
)
def test_names_of_other_languages_are_written_otherwise_here(name: str, meant: str) -> None:
    with pytest.raises(FormulaError, match=re.escape(f"no column '{name}'; write {meant}\n")):
        FeatureSet(name).latest(store=BarStore())


def test_an_error_shows_the_formula_and_a_caret_under_the_place() -> None:
    with pytest.raises(ValueError, match="clos") as caught:
        read_formula("rsi(close, 14) < clos(30)")
    assert str(caught.value) == (
        "no function 'clos'; did you mean 'cos'?\n"
        "    rsi(close, 14) < clos(30)\n"
        "                     ^^^^"
    )  # fmt: skip


def test_an_error_shows_the_part_of_a_long_formula_about_the_place() -> None:
    text = "close + " * 60 + "clos(3)" + " + close" * 30
    with pytest.raises(FormulaError) as caught:
        read_formula(text)
    _, shown, carets = str(caught.value).splitlines()
    assert shown.startswith("    ...")
    assert shown.endswith("...")
    assert len(shown) < 120
    assert shown[carets.index("^") : carets.rindex("^") + 1] == "clos"


def test_control_characters_do_not_reach_the_terminal() -> None:
    with pytest.raises(FormulaError) as caught:
        read_formula("(close + \x0c\n \x1b[31m 3)")
    assert str(caught.value).count("\n") == 2
    assert "\x1b" not in str(caught.value)


def test_an_error_travels_between_processes() -> None:
    with pytest.raises(FormulaError) as caught:
        read_formula("close + clos(3)")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert str(copy) == str(caught.value)
    assert (copy.start, copy.end) == (8, 12)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("close" + " " * 9_990 + "+ open", "10,001 characters"),
        (" and ".join(["close"] * 1000), "1,000 parts"),
        ("+".join(["close"] * 101), "100 levels"),
        ("-" * 101 + "close", "100 levels"),
        ("-" * 9_000 + "close", "100 levels"),
        ("2 ** " * 1_900 + "2", "100 levels"),
        ("abs(" * 150 + "close" + ")" * 150, "100 levels"),
        ("not " * 2_400 + "close", "100 levels"),
        ("(" * 300 + "close" + ")" * 300, "nested parentheses"),
        ("1" * 5_000, "not a formula"),
        ("a." * 4_000 + "a", "100 levels"),
    ],
    ids=lambda each: each[:20],
)
def test_formulas_are_bounded(text: str, fault: str) -> None:
    with pytest.raises(FormulaError, match=fault):
        read_formula(text)


@pytest.mark.parametrize(
    "text",
    [
        "close" + " " * 9_988 + "+ open",
        "+".join(["close"] * 100),
        "-" * 99 + "close",
        " and ".join(["close"] * 998) + " and 1",
    ],
    ids=lambda text: text[:20],
)
def test_formulas_at_the_bounds_are_read(text: str) -> None:
    assert read_formula(text).columns


def test_text_that_doubles_is_named_in_its_normal_form() -> None:
    doubled = " + ".join(f"(x{n + 1} := x{n} + x{n})" for n in range(1, 60))
    formula = read_formula(f"0 * (x1 := sma(5)) + {doubled}")
    assert len(formula.normal_form) < 5_000
    again = read_formula(formula.normal_form)
    assert again.normal_form == formula.normal_form
    assert len(plan_nodes([formula]).nodes) < 150


def test_a_deep_formula_is_read_in_a_thread() -> None:
    read: list[str] = []
    thread = threading.Thread(target=lambda: read.append(read_formula("abs(" * 99 + "low" + ")" * 99).normal_form))
    thread.start()
    thread.join()
    assert read == ["abs(" * 99 + "low" + ")" * 99]


def test_deep_text_is_refused_in_a_thread_with_a_small_stack(run_isolated: Callable[..., Any]) -> None:
    """Where Python's own parser would crash: as large as the stacks of threads are on some systems."""
    done = run_isolated("deep_formulas")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "7 {'the formula is nested deeper than 100 levels'}"


def test_missing_columns_are_named_with_what_is_nearest() -> None:
    formula = read_formula("rsi < 30 and (fast := sma(10)) > fst + vwp + zzzzzz")
    faults = {name: formula.missing_column(name, ["open", "vwap"]) for name in ("rsi", "fst", "vwp", "zzzzzz")}
    assert faults["rsi"].message == "no column 'rsi'; the function is called: rsi()"
    assert faults["fst"].message == "no column 'fst'; did you mean 'fast'?"
    assert faults["vwp"].message == "no column 'vwp'; did you mean 'vwap'?"
    assert faults["zzzzzz"].message == "no column 'zzzzzz'"
    for name, fault in faults.items():
        assert fault.formula[fault.start : fault.end] == name


def test_a_part_that_is_read_before_it_is_named() -> None:
    fault = read_formula("(a := a + 1)").missing_column("a", ["open"])
    assert fault.message == "no column 'a'; the part of this name is known from (a := ...) on"
    assert (fault.start, fault.end) == (6, 7)


def test_equal_parts_are_one_node() -> None:
    formulas = [read_formula(text) for text in ("sma(20) + sma(close, 20)", "sma(timeperiod=20)", "ma(20, 0)")]
    nodes = plan_nodes(formulas)
    assert nodes.columns == ("close",)
    assert [tuple(node)[:4] for node in nodes.nodes] == [
        ("column", "", (), (0.0,)),
        ("kernel", "sma", (0,), (20.0,)),
        ("operation", "add", (1, 1), ()),
    ]
    assert nodes.outputs == (2, 1, 1)


def test_outputs_of_one_call_share_it() -> None:
    nodes = plan_nodes([read_formula(f"stoch().{output}") for output in ("slowk", "slowd")])
    assert len([node for node in nodes.nodes if node.name == "stoch"]) <= 1


@pytest.mark.parametrize(
    ("text", "count"), [("close / 1", 0), ("close * 1", 0), ("close / -1", 1), ("close / 2 * 1", 1)]
)
def test_what_is_multiplied_or_divided_by_one_stays(text: str, count: int) -> None:
    operations = [node.name for node in plan_nodes([read_formula(text)]).nodes if node.kind == "operation"]
    assert operations == ["multiply"] * count


def test_zero_and_minus_zero_are_two_constants_and_nan_is_one() -> None:
    nodes = plan_nodes([read_formula("close + 0 + nan"), read_formula("close + -0.0 + nan")])
    constants = [node.parameters[0] for node in nodes.nodes if node.kind == "constant"]
    assert [math.copysign(1.0, value) for value in constants if value == 0] == [1.0, -1.0]
    assert sum(map(math.isnan, constants)) == 1
