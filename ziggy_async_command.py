"""Starts the command `ziggy-async`, which takes a while to import: until it is there, an interrupt ends the process."""

import os
import signal


def main() -> int:
    """Runs the command and returns its exit code; see `ziggy_async.cli`."""
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:  # a traceback, or an ImportError where C code imports
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    from ziggy_async.cli import main as command

    signal.signal(signal.SIGINT, handler)
    return command()
