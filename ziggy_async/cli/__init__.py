"""The command `ziggy-async`: signals and features of a market on the terminal or as JSON.

Exit codes: 0 done; 2 the command, a file or a ticker is wrong, said in one line on stderr; 130 interrupted; 141 nobody
reads the output any more.
"""

import os
import sys
from collections.abc import Sequence

from ziggy_async.cli.arguments import parse_arguments


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code. It fills the default store, so it wants a process of its own."""
    arguments = parse_arguments(argv)
    try:
        arguments.run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # What is still buffered has nowhere to go; the interpreter would complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except ModuleNotFoundError as error:
        if error.name != "duckdb":
            raise
        return fail("reading files needs DuckDB: pip install 'ziggy_async[data]'")
    except ValueError as error:
        return fail(str(error))
    return 0


def fail(message: str) -> int:
    print("ziggy-async:", " ".join(message.split()), file=sys.stderr)
    return 2
