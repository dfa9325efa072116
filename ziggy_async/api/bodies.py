"""The models of request bodies: a body that fits none of them is 422."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from ziggy_async.api.limits import LONGEST_NAME, MOST_CHARACTERS, MOST_FORMULAS, MOST_ROWS, MOST_TICKERS
from ziggy_async.queueing.options import OnFull

LONGEST_SLEEP = 3600.0
MOST_ATTEMPTS = 100
MOST_PRIORITY = 1_000_000

Ticker = Annotated[str, Field(min_length=1, max_length=100)]
NewTicker = Annotated[Ticker, Field(pattern=r"^[^\x00-\x20\x7f-\xa0]([^\x00-\x1f\x7f-\x9f]*[^\x00-\x20\x7f-\xa0])?$")]
"""Without control characters, and without blanks around it, which files and other requests would not have."""
Tickers = Annotated[list[Ticker], Field(max_length=MOST_TICKERS)]
TaskId = Annotated[str, Field(min_length=1, max_length=200, pattern="^[!-~]+$")]
"""It stands in paths and in lines of the log: printable ASCII without spaces."""
Whole = Annotated[int, Field(strict=True)]
Seconds = Annotated[float, Field(strict=True, allow_inf_nan=False)]

Formula = Annotated[str, Field(max_length=MOST_CHARACTERS, json_schema_extra={"format": "formula", "minLength": 1})]
FeatureName = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
Formulas = Annotated[list[Formula], Field(max_length=MOST_FORMULAS)]
NamedFormulas = Annotated[dict[FeatureName, Formula], Field(max_length=MOST_FORMULAS)]

WATCHLIST = "Without them, the watchlist of the server"


class Watchlist(BaseModel):
    model_config = ConfigDict(extra="forbid")  # a misspelt "tickers" would be answered with the whole watchlist

    tickers: Tickers | None = Field(None, description=WATCHLIST, examples=[["SPY", "TELE01"]])


class TaskOptions(BaseModel):
    """Options of the task; see `with_options`."""

    model_config = ConfigDict(extra="forbid")

    priority: Whole = Field(default=0, ge=-MOST_PRIORITY, le=MOST_PRIORITY, description="Higher goes first")
    deadline: Seconds | None = Field(default=None, gt=0, lt=1e9, description="Seconds for waiting and running together")
    max_attempts: Whole = Field(default=1, ge=1, le=MOST_ATTEMPTS)
    key: str | None = Field(
        default=None, min_length=1, max_length=200, description="A task under way with the same key is joined, as it is"
    )
    on_full: OnFull = Field(default="wait", description="With a full queue; `wait` is for up to 5 seconds")


class NewTask(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_default=True)  # a sleep needs its seconds

    task_id: TaskId = Field(
        description="Of no task that is not done yet, unless its `key` joins it", examples=["night-1"]
    )
    work: Literal["features", "signals", "sleep"]
    tickers: Tickers | None = Field(None, description=f"Of features and signals. {WATCHLIST}", examples=[["SPY"]])
    seconds: Seconds | None = Field(None, ge=0, le=LONGEST_SLEEP, description="How long to sleep", examples=[None])
    options: TaskOptions = TaskOptions()

    @field_validator("tickers")
    @classmethod
    def _tickers_are_computed(cls, value: list[str] | None, info: ValidationInfo) -> list[str] | None:
        if value is not None and info.data.get("work") == "sleep":
            raise ValueError("a sleep has no tickers")
        return value

    @field_validator("seconds")
    @classmethod
    def _seconds_are_slept(cls, value: float | None, info: ValidationInfo) -> float | None:
        work = info.data.get("work")  # None when it is at fault itself
        if value is None and work == "sleep":
            raise ValueError("a sleep needs them")
        if value is not None and work in ("features", "signals"):
            raise ValueError(f"{work} have none")
        return value


class Screen(BaseModel):
    model_config = ConfigDict(extra="forbid")

    where: Formula = Field(description="True of a ticker: neither 0 nor null", examples=["rsi(14) < 30"])
    features: Formulas | NamedFormulas = Field(
        default=[], description="Formulas, or formulas by name, beside each ticker", examples=[["rsi(14)", "close"]]
    )
    tickers: Tickers | None = Field(None, description="Without them, all there are", examples=[None])
    sort: Formula | None = Field(
        None, description="A formula or the name of a feature: the least first; with a minus in front the greatest"
    )
    limit: int = Field(default=100, strict=True, ge=0, le=MOST_ROWS, description="How many rows at most")

    def formulas(self) -> list[str]:
        """Returns all of them."""
        features = self.features.values() if isinstance(self.features, dict) else self.features
        return [self.where, *features, *([] if self.sort is None else [self.sort])]
