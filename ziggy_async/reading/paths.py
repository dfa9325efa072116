"""Which files an argument names, and whose bars a file has by its name."""

import glob
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from ziggy_async.messages import encodable, printable
from ziggy_async.reading.spellings import DATES, role_of, spelling_of

ENDINGS = r"(\.(csv|txt|tsv|parquet|pq|gz|bz2|xz|zst|zip))+$"
"""Endings of the names of files of bars."""
OF_INVESTING = "|".join(
    (
        *("Historical Data", "Historische Daten", "Historische Kurse", "Historische gegevens", "Données Historiques"),
        *("Datos históricos", "Dati Storici", "Dados Históricos", "dane historyczne", "Geçmiş Verileri"),
        *("過去データ", "历史数据", "과거 데이터"),
    )
)
EXCHANGES = "Binance|Bitfinex|Bitstamp|Bittrex|Bybit|Coinbase|Gemini|Kraken|Okx|Poloniex|NSE|BSE|NYSE|NASDAQ|AMEX"
NO_SYMBOLS = r"DAILY|DATA|HOURLY|WEEKLY|MONTHLY|INTRADAY|OHLCV?|ALL|[DHMW]\d+|\d{1,3}[DHMW]?|(?:19|20)\d\d(?:\d{4})?"
"""What stands behind an exchange and is no symbol: an interval, a day, a remark; the exchange is one then."""
VENDOR_NAMES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?:intraday_\d+min|daily|weekly|monthly)(?:_adjusted)?_(?P<symbol>[^_]+)",  # Alpha Vantage
        r"\w+_(?P<symbol>[^_, ]+), \w+",  # TradingView: the exchange and the interval
        r"DAT_[A-Z]+_(?P<symbol>[^_]+)_.+",  # HistData
        r"Quote-Equity-(?P<symbol>.+?)-[A-Z]{2}(?:-\d.*)?",  # NSE: the series and the days
        r"(?P<symbol>.+)-candlesticks-\d{4}-\d{2}(?:-\d{2})?",  # OKX
        r"(?P<symbol>.+)\.(?:last|bid|ask)",  # NinjaTrader
        rf"(?P<symbol>.+?)(?: -)? ?(?:{OF_INVESTING})",
        r"Прошлые данные - (?P<symbol>.+)",
        r"Download Data - [A-Z]+_[A-Z]{2}_[A-Z]{4}_(?P<symbol>.+)",  # MarketWatch: the country and the market
        rf"(?:{EXCHANGES})_(?P<symbol>(?-i:(?!(?:{NO_SYMBOLS})(?:[_-]|$))[A-Z0-9&]+))(?:-EQ)?(?:_.*)?",
    )
)
"""Names in which the symbol does not stand at the beginning, or where something else stands behind it."""
NAMELESS = re.compile(r"Historical(?:Data_\d+|Prices|Quotes)|(?:19|20)\d{2}-\d{2}(?:-\d{2})?", re.IGNORECASE)
"""What Nasdaq, MarketWatch and others call a file whosoever bars it has, and the name of a month or a day."""
DAY = r"\d{4}-\d{2}-\d{2}|\d{8}"
COPY = r" - (Copy|Kopie|Copie|Copia|Cópia|Kopia)$"
"""What Windows appends to the name of a copy."""
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
"""The folder of the rows whose value is null."""
MOST_EMPTY, EMPTY_BESIDE = 1000, 10
"""Folders without files of bars that are looked through below one, and for each one that has some."""
INTERVAL_AND_DATE = r"(-\d+(s|m|h|d|w|mo))?-(19|20)\d{2}-\d{2}(-\d{2})?$"


class DataFileError(ValueError):
    """A file that cannot be used, and why."""


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file of bars; `symbol` is whose they are, where the caller says so or a folder of its path is `symbol=NAME`,
    of which several files are parts."""

    path: Path
    symbol: str | None = None
    is_part: bool = False

    def __str__(self) -> str:
        """Its path, for messages."""
        return printable(str(self.path), None)

    @classmethod
    def from_argument(cls, text: str) -> "DataFile":
        """`path` or `SYMBOL=path`; a file that has a "=" in its own name is a path."""
        if not text:
            raise DataFileError("an empty path names no file; the folder one is in is .")
        symbol, equals, path = text.partition("=")
        if not equals or "/" in symbol or os.path.exists(text):
            return cls.of_path(Path(text))
        if not symbol or not path:
            raise DataFileError(f"{printable(text)}: neither a path nor SYMBOL=path")
        return cls(Path(path), symbol)

    @classmethod
    def of_path(cls, path: Path) -> "DataFile":
        """The file with the symbol of a folder that is a hive partition of one."""
        for folder in path.parts[:-1]:
            key, equals, value = folder.partition("=")
            if equals and value and role_of(key) == "symbol":
                if value == NO_VALUE:
                    raise DataFileError(f"{printable(str(path))}: its folder, {folder}, says that no symbol is known")
                return cls(path, unquote(value), is_part=True)
        return cls(path)

    def day_of_folder(self) -> str | None:
        """The day of folders that are a hive partition of one, as `date=2024-01-12` and `year=2024/month=1/day=12`."""
        parts = {
            spelling_of(key): unquote(value) for key, _, value in (each.partition("=") for each in self._folders())
        }
        days = [value for key, value in parts.items() if key in DATES and re.fullmatch(DAY, value)]
        numbers = [parts.get(key, "") for key in ("year", "month", "day")]
        if all(map(str.isdecimal, numbers)):
            days.append("{:04}-{:02}-{:02}".format(*map(int, numbers)))
        return next(iter(days), None)

    def _folders(self) -> tuple[str, ...]:
        return self.path.parts[:-1]

    @property
    def is_joined(self) -> bool:
        """Whether other files may have bars of its symbol: the caller says whose they are, or its name has a date."""
        return self.symbol is not None or re.search(INTERVAL_AND_DATE, self._name()) is not None

    def _name(self) -> str:
        """Its name without the endings of files and of copies."""
        name = re.sub(ENDINGS, "", unicodedata.normalize("NFC", self.path.name), flags=re.IGNORECASE)
        return re.sub(COPY, "", re.sub(r" \(\d+\)$", "", name))

    def symbol_of_name(self) -> str:
        """The symbol of a file without a symbol column: BRK.B of `brk.b_daily (1).csv.gz`. What stands behind the first
        underscore is a remark, as are a date and an interval before it (`BTCUSDT-1h-2023-10.csv`); some vendors have
        another order. Of endings only those of files are none of the symbol's. `DataFileError` for a name without a
        symbol."""
        if self.symbol is not None:
            return self.symbol
        name = self._name()
        if NAMELESS.fullmatch(name):
            raise DataFileError(f"{self}: has no symbol in its name; say whose bars they are with SYMBOL=path")
        if encodable(name) != name:
            raise DataFileError(f"{self}: its name is not UTF-8; say whose bars they are with SYMBOL=path")
        found = next((match for vendor in VENDOR_NAMES if (match := vendor.fullmatch(name))), None)
        if found is not None:
            return found["symbol"].upper()
        name = re.sub(INTERVAL_AND_DATE, "", name)
        return re.sub(r"(?<=.)_.*$", "", name).upper()


ADDRESS = re.compile(r"(?:[^/=]+=)?(?:https?|ftp|s3|gs|gcs|az|abfss?|hf)://", re.IGNORECASE)


def found_files(arguments: Iterable[str]) -> list[DataFile]:
    """The files that paths, `SYMBOL=path`, patterns and folders name, in their order; of a pattern or folder those with
    the ending of a file of bars, by name. `DataFileError` where there is none, and where a folder cannot be read."""
    found: list[DataFile] = []
    for argument in arguments:
        try:
            found += _files_of(argument)
        except OSError as error:
            name = argument if error.filename is None else str(error.filename)
            raise DataFileError(f"{printable(name)}: {error.strerror or error}") from error
    return found


def _files_of(argument: str) -> list[DataFile]:
    if ADDRESS.match(argument):
        raise DataFileError(f"{printable(argument)}: is an address, and files of this machine are read: download it")
    file = DataFile.from_argument(argument)
    if file.path.is_dir():
        paths = sorted(_in_folder(file.path))
    elif not file.path.exists() and glob.has_magic(str(file.path)):
        paths = sorted(Path(each) for each in glob.glob(str(file.path), recursive=True) if not Path(each).is_dir())
    else:
        return [file]
    if not paths:
        raise DataFileError(f"{printable(argument)}: no files of bars (CSV or Parquet) there")
    if file.symbol is not None:
        return [DataFile(path, file.symbol, is_part=True) for path in paths]
    return [DataFile.of_path(path) for path in paths]


def _in_folder(folder: Path) -> Iterator[Path]:
    """The files of bars in a folder and those below it, without hidden ones. `OSError` where one cannot be read,
    `DataFileError` for one that is hardly a folder of bars, as /."""

    def refuse(error: OSError) -> None:
        raise error

    empty, filled = 0, 0
    for root, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = (each for each in folders if not each.startswith("."))
        paths = [Path(root, each) for each in names if not each.startswith(".") and is_named(each)]
        files = [path for path in paths if path.is_file()]
        yield from files
        empty, filled = empty + (not files), filled + bool(files)
        if empty > MOST_EMPTY + EMPTY_BESIDE * filled:
            raise DataFileError(
                f"{printable(str(folder))}: {filled} of the first {empty + filled} folders have files of bars (CSV or"
                " Parquet): name the folder that has them"
            )


def is_named(name: str) -> bool:
    """Whether it is a name of a file of bars."""
    return re.search(ENDINGS, name, re.IGNORECASE) is not None
