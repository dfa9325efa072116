"""An argument parser that says in one line what is wrong, and which option was meant."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from ziggy_async.cli.output import encoding_of, shown
from ziggy_async.messages import nearest

ELSEWHERE = {
    "--features": ("--show",),
    "--formulas": ("--features", "--show"),
    "--indicators": ("--features", "--show"),
    "--limit": ("--top", "--bars"),
    "--show": ("--features",),
    "--symbol": ("--ticker", "--tickers"),
    "--symbols": ("--tickers", "--ticker"),
}
"""Names that an option has in other commands or programs -> its names here, of which a command has one."""


class Parser(argparse.ArgumentParser):
    """`example` is a command that does something useful. Help shows it, as does the error for a missing argument."""

    def __init__(self, *args: Any, example: str = "", **kwargs: Any) -> None:
        if example and "epilog" not in kwargs:
            kwargs["epilog"] = f"Example: {example}"
        super().__init__(*args, **kwargs)
        self._example = example

    def error(self, message: str) -> NoReturn:
        if self._example and "are required" in message:
            message += f", as in: {self._example}"
        if message.endswith("expected one argument"):
            option = message.split()[1].rstrip(":").rpartition("/")[2]
            message += f"; one that begins with a minus is given as {option}=-..."
        see = " See" if message.endswith("?") else "; see"
        self.exit(2, shown(f"{self.prog}: {message}{see} {self.prog} --help", encoding_of(sys.stderr)) + "\n")

    def parse_known_args(  # type: ignore[override]  # its overloads are those of the namespace alone
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Refuses what it does not know. Each command has a parser, so the error names the command."""
        known, unknown = super().parse_known_args(args, namespace)
        options = [each.partition("=")[0] for each in unknown if each.startswith("-")]
        if options:
            self.error(f"no option {options[0]}{self._meant(options[0])}")
        if unknown:
            self.error(f"unexpected argument {unknown[0]}")
        return known, unknown

    def _meant(self, option: str) -> str:
        options = self._option_string_actions
        meant = next((name for name in ELSEWHERE.get(option, ()) if name in options), None)
        return f"; did you mean {meant!r}?" if meant else nearest(option, options)
