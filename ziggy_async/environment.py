"""Variables of the environment, and their errors."""

import os
from collections.abc import Sequence


class ConfigurationError(ValueError):
    """A variable of the environment has a value that it cannot have: the message names it."""


def choice(variable: str, choices: Sequence[str], default: str) -> str:
    """Returns the variable's value, or `default`. Raises `ConfigurationError` when it is none of the choices."""
    value = os.environ.get(variable, default)
    if value not in choices and value != default:
        raise ConfigurationError(f"{variable}: {value!r} is none of {', '.join(map(repr, choices))}")
    return value


def whole_number(variable: str, default: int) -> int:
    """Returns the variable's value, or `default`. Raises `ConfigurationError` unless it is a whole number >= 1."""
    text = os.environ.get(variable, str(default))
    if not is_number(text.strip()) or int(text) < 1:
        raise ConfigurationError(f"{variable}: {text!r} is not a whole number of at least 1")
    return int(text)


def is_number(text: str) -> bool:
    """Returns whether it is plain digits: Python would also take underlines, and digits of other scripts."""
    return text.isascii() and text.isdigit() and len(text) < 10
