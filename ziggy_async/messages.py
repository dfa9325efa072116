"""How messages show values, which may be anything."""

import numpy as np

LONGEST = 60


def shown(value: object) -> str:
    """`repr` of a value, of NumPy's as of Python's, in at most 60 characters; of one that has none, its type."""
    try:
        text = repr(value.item() if isinstance(value, np.generic) else value)
    except Exception:
        return f"<{type(value).__name__}>"
    return shortened(text, LONGEST)


def shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 3]}..."
