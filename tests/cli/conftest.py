"""What the tests of the command share: to run it in this process."""

from collections.abc import Callable

import pytest

from ziggy_async import BarStore
from ziggy_async.cli import main


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], store: BarStore) -> Callable[..., tuple[int, str, str]]:
    """Runs the command with these arguments; returns the exit code, stdout and stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as ended:
            code = ended.code
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def refused(command: Callable[..., tuple[int, str, str]]) -> Callable[..., str]:
    """Runs the command, which has to refuse these arguments in one line; returns that line."""

    def run(*arguments: object) -> str:
        code, out, err = command(*arguments)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert "Traceback" not in err
        return err

    return run
