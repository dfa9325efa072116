"""The command `ziggy-async`: signals and features on the terminal, as JSON or over HTTP; benchmarks of both.

Exit codes: 0 done, or served until SIGTERM or Ctrl+C; 1 standard output cannot be written, a ticker is unknown (the
others are shown), or `regress` found something slower; 2 the command, a file or an address is wrong; 130 interrupted;
141 nobody reads the output any more. For 1 and 2, one line on stderr says what is wrong, and for what is slower the
output.
"""

import os
import sys
from collections.abc import Sequence

from ziggy_async.cli.arguments import parse_arguments
from ziggy_async.cli.commands import check_environment
from ziggy_async.cli.output import OutputError, complain, write_out
from ziggy_async.features import FormulaError

SERVING = "serving needs FastAPI, fastapi-offline, uvicorn and prometheus-client: pip install 'ziggy_async[api]'"
CHARTS = "charts need litecharts and plotext: pip install 'ziggy_async[charts]'"
MISSING = {
    "duckdb": "reading files needs DuckDB: pip install 'ziggy_async[data]'",
    "fastapi": SERVING,
    "fastapi_offline": SERVING,
    "litecharts": CHARTS,
    "plotext": CHARTS,
    "prometheus_client": SERVING,
    "scipy": "comparing samples needs SciPy: pip install 'ziggy_async[bench]'",
    "uvicorn": SERVING,
}
"""Optional package -> what it is needed for."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code. It fills the default store, so it wants a process of its own."""
    if sys.stdout is None:  # it was closed before we began
        return complain("cannot write the output: it is closed")
    try:
        return run(argv)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        discard_output()
        return 141
    except OutputError as error:
        discard_output()
        return complain(f"cannot write the output: {error}")
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in MISSING:
            raise
        return complain(MISSING[package], 2)
    except FormulaError as error:
        return complain(error.line, 2)
    except ValueError as error:
        return complain(str(error), 2)


def run(argv: Sequence[str] | None) -> int:
    """Carries the command out; its exit code, where nothing went wrong."""
    try:
        arguments = parse_arguments(argv)
    finally:
        write_out("")  # help and version are output too, and end the program
    check_environment()
    return arguments.run(arguments) or 0


def discard_output() -> None:
    """Discards buffered output that nobody can read; the interpreter would complain about it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
