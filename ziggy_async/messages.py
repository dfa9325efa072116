"""How messages show values, which may be anything."""

import numpy as np

LONGEST = 60


def shown(value: object) -> str:
    """`repr` of a value, of NumPy's as of Python's, in at most 60 characters; of one that has none, its type."""
    try:
        text = repr(value.item() if isinstance(value, np.generic) else value)
    except Exception:
        return f"<{type(value).__name__}>"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
