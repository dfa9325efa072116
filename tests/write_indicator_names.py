"""Writes `ziggy_async/indicator_names.py` from the catalog: `python tests/write_indicator_names.py`."""

from pathlib import Path

from ziggy_async import indicators

FILE = Path(__file__).resolve().parents[1] / "ziggy_async" / "indicator_names.py"
HEAD = '''"""The names of the indicators, for type checkers; written by `tests/write_indicator_names.py`."""

from typing import Literal

IndicatorName = Literal[
'''


def text() -> str:
    return HEAD + "".join(f'    "{row["name"]}",\n' for row in indicators.catalog()) + "]\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
