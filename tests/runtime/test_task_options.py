"""Options of tasks and the configuration of the facade: what is taken, and what is refused by which name."""

import dataclasses
from typing import Any

import pytest

from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig
from ziggy_async.queueing.options import Options, TaskOptions


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"priority": 1.5}, "priority: 1.5 is a float"),
        ({"deadline": 0}, "deadline: 0 is not"),
        ({"deadline": float("nan")}, "deadline: nan is not"),
        ({"max_attempts": 0}, "max_attempts: 0 is below 1"),
        ({"retry_on": "OSError"}, "retry_on: 'OSError' is not a class"),
        ({"on_full": "panic"}, "on_full: 'panic' is none of"),
        ({"key": []}, r"key: \[\] cannot be hashed"),
        ({"deadline": 10**400}, "deadline: 1000"),
        ({"use_process_pool": "no"}, "use_process_pool: 'no'"),
        ({"speed": 3}, "speed: no option"),
        ({"prioritty": 3}, "prioritty: no option of a task; did you mean 'priority'"),
    ],
)
def test_options_that_are_none(options: dict[str, Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        AsyncFeatureComputer().with_options(**options)


@pytest.mark.parametrize("classes", [(OSError,), [OSError], {OSError}, {OSError: 1}.keys(), OSError])
def test_errors_to_retry_on_in_any_collection(classes: Any) -> None:
    assert Options(retry_on=classes).retry_on == (OSError,)


def test_type_checkers_know_every_option() -> None:
    assert list(TaskOptions.__annotations__) == [field.name for field in dataclasses.fields(Options)]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ASYNC_FEATURES_WORKERS", "many"),
        ("ASYNC_FEATURES_WORKERS", "0"),
        ("ASYNC_FEATURES_WORKERS", "1e9"),
        ("ASYNC_FEATURES_QUEUE_SIZE", "-5"),
        ("ASYNC_FEATURES_USE_PROCESS_POOL", "perhaps"),
        ("ASYNC_FEATURES_MIN_WORKERS", "99"),
        ("ASYNC_FEATURES_MAX_WORKERS", "2.5"),
    ],
)
def test_variables_that_are_no_such_thing(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValueError, match=variable):
        TaskPoolConfig()


def test_configuration_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (TaskPoolConfig().max_workers, TaskPoolConfig().use_process_pool, TaskPoolConfig().queue_size) == (
        8,
        False,
        1000,
    )
    monkeypatch.setenv("ASYNC_FEATURES_WORKERS", "3")
    monkeypatch.setenv("ASYNC_FEATURES_USE_PROCESS_POOL", "True")
    monkeypatch.setenv("ASYNC_FEATURES_QUEUE_SIZE", "7")
    monkeypatch.setenv("ASYNC_FEATURES_MAX_WORKERS", "12")
    config = TaskPoolConfig()
    assert (config.max_workers, config.use_process_pool, config.queue_size) == (3, True, 7)
    assert config.workers_between == (1, 12)
    assert TaskPoolConfig(max_workers=5).max_workers == 5
    with pytest.raises(ValueError, match="queue_size: 0"):
        TaskPoolConfig(queue_size=0)


def test_fields_are_what_they_stand_for() -> None:
    config = TaskPoolConfig(max_workers="4", use_process_pool="false", queue_size="7")  # type: ignore[arg-type]
    assert (config.max_workers, config.use_process_pool, config.queue_size) == (4, False, 7)
    with pytest.raises(ValueError, match="dead_letters: 5 is not a path"):
        TaskPoolConfig(dead_letters=5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="config: 'x' is a str"):
        AsyncFeatureComputer("x")  # type: ignore[arg-type]
    computer = AsyncFeatureComputer(config)
    config.queue_size = 0
    assert computer.config.queue_size == 7


@pytest.mark.parametrize("text", ["1_0", "\u0661\u0662", "+5", "1e3", "0x10", "", "9" * 5000])
def test_numbers_of_the_environment_are_plain_digits(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("ASYNC_FEATURES_WORKERS", "ASYNC_FEATURES_QUEUE_SIZE"):
        monkeypatch.setenv(variable, text)
        with pytest.raises(ValueError, match=variable):
            TaskPoolConfig()
        monkeypatch.delenv(variable)
    monkeypatch.setenv("ASYNC_FEATURES_WORKERS", " 8 ")
    assert TaskPoolConfig().max_workers == 8
