"""Values in the types of JSON."""

import math
from collections.abc import Mapping
from datetime import date
from enum import Enum
from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """Returns `value` in the types of JSON, which has neither NaN nor infinity: those become null. An object with
    `to_dict` becomes what that gives, a value that JSON has no type for its text."""
    match value:
        case Enum():
            return plain(value.value)
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(item) for item in value]
        case np.generic():
            return plain(value.item())
        case date():  # and datetime
            return value.isoformat()
    to_dict = getattr(value, "to_dict", None)
    return plain(to_dict()) if callable(to_dict) else str(value)
