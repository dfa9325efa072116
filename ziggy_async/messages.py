"""How messages show values, which may be anything."""

LONGEST = 60


def shown(value: object) -> str:
    """`repr` of a value, in at most 60 characters; of one that has none, its type."""
    try:
        text = repr(value)
    except Exception:
        return f"<{type(value).__name__}>"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
