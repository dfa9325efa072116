"""`ziggy-async verify`: what it takes for a formula and for a file, what it prints, and how it ends."""

import json
from functools import partial

import pytest

from ziggy_async.features import verification
from ziggy_async.features.verification import CHECKS, FaultError, Subject


@pytest.fixture
def verify(command):
    return partial(command, "verify")


@pytest.fixture
def prices(tmp_path):
    path = tmp_path / "prices.csv"
    rows = [f"{name},2024-{d // 28 + 1:02}-{d % 28 + 1:02},{c},{c + 1},{c - 1},{c},{1000 + d}"
            for name in ("UP", "DOWN") for d in range(200) for c in (100 + d % 17 + d * 0.1,)]  # fmt: skip
    path.write_text("\n".join(["symbol,date,open,high,low,close,volume", *rows]) + "\n")
    return path


def test_a_formula_on_the_made_up_market(verify) -> None:
    code, out, err = verify("rsi(14) < 30", "sma(20)")
    assert (code, err) == (0, "")
    head, _, first, second, note = out.splitlines()
    assert head.split() == ["formula", *" ".join(CHECKS).split()]
    assert first.startswith("rsi(14) < 30 ")
    assert second.split() == ["sma(20)", *["ok"] * len(CHECKS)]
    assert note.startswith("2 formulas on ")
    assert note.endswith(" s: none failed.")


def test_a_formula_on_a_file(verify, prices) -> None:
    code, out, _ = verify("ema(5)", prices, "--json")
    answer = json.loads(out)
    assert code == 0
    assert answer["failed"] == []
    assert answer["tickers"] == 2
    (formula,) = answer["formulas"]
    assert formula["formula"] == "ema(5)"
    assert list(formula["checks"]) == list(CHECKS)


def test_the_whole_catalog(verify, prices) -> None:
    code, out, _ = verify(prices, "--json", "--tickers", "UP")
    assert code == 0
    assert [each["formula"] for each in json.loads(out)["formulas"]] == verification.catalog_formulas()


def test_what_is_not_kept_is_said_and_ends_with_1(verify, prices, monkeypatch) -> None:
    def fails(subject: Subject) -> None:
        if subject.formula == "sma(5)":
            raise FaultError("bar 7 of UP is another")

    monkeypatch.setitem(CHECKS, "latest", fails)
    code, out, _ = verify("sma(5)", "sma(6)", prices)
    assert code == 1
    assert "FAILED" in out
    assert "sma(5), latest: bar 7 of UP is another" in out
    assert out.rstrip().endswith("1 failed.")
    code, out, _ = verify("sma(5)", prices, "--json")
    assert code == 1
    assert json.loads(out)["failed"] == ["sma(5)"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["rsi(14"], "rsi(14"), (["smaa(5)"], "smaa"), (["vwap"], "vwap"), (["close", "nowhere.csv"], "nowhere.csv")],
)
def test_what_is_refused(verify, arguments, said) -> None:
    code, out, err = verify(*arguments)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert said in err
    assert "^" not in err


def test_a_formula_that_is_longer_than_names_of_files(verify, prices) -> None:
    code, out, err = verify(" + ".join(["sma(5)"] * 60), prices)
    assert (code, err) == (0, "")
    assert "1 formula" in out


def test_an_empty_formula(verify, prices) -> None:
    code, out, err = verify("", prices)
    assert (code, out) == (2, "")
    assert err.startswith("ziggy-async: the formula is empty")


def test_a_formula_that_has_no_value_on_the_bars(verify, prices) -> None:
    code, out, _ = verify("sma(200)", "sma(201)", prices, "--tickers", "UP")
    assert code == 0
    assert out.splitlines()[-2:-1] == ["sma(201) has its first value after 200 bars; no ticker has more than 200."]
    assert out.splitlines()[-1].startswith("2 formulas on 200 bars of 1 ticker in ")


def test_a_single_bar(verify, tmp_path) -> None:
    (tmp_path / "ONE.csv").write_text("date,open,high,low,close,volume\n2024-01-02,1,1,1,1,1\n")
    assert "1 formula on 1 bar of 1 ticker in " in verify("close", tmp_path / "ONE.csv")[1]
