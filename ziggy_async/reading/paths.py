"""The files that an argument names, and the symbols of their bars by the names of files."""

import glob
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from ziggy_async.messages import encodable, nearest, printable, shown
from ziggy_async.reading.spellings import DATES, place_of, role_of, spelling_of

ENDINGS = r"(\.(csv|txt|tsv|psv|tab|parquet|pq|gz|bz2|xz|zst|zip))+$"
"""Endings of the names of files of bars."""
OTHER_ENDINGS = ENDINGS.replace("csv", "csv|dat|asc|prn|lzma")
"""The same with those that files of anything else have too."""
OF_INVESTING = "|".join(
    (
        *("Historical Data", "Historische Daten", "Historische Kurse", "Historische gegevens", "Données Historiques"),
        *("Datos históricos", "Dati Storici", "Dados Históricos", "dane historyczne", "Geçmiş Verileri"),
        *("過去データ", "历史数据", "과거 데이터"),
    )
)
EXCHANGES = "Binance|Bitfinex|Bitstamp|Bittrex|Bybit|Coinbase|Gemini|Kraken|Okx|Poloniex|NSE|BSE|NYSE|NASDAQ|AMEX"
NO_SYMBOLS = r"DAILY|DATA|HOURLY|WEEKLY|MONTHLY|INTRADAY|OHLCV?|ALL|[DHMW]\d+|\d{1,3}[DHMW]?|(?:19|20)\d\d(?:\d{4})?"
"""Words behind an exchange that are no symbol: an interval, a day, a remark; the exchange is one then."""
VENDOR_NAMES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?:intraday_\d+min|daily|weekly|monthly|ohlcv?)(?:_adjusted)?_(?P<symbol>[^_]+)",  # Alpha Vantage
        r"(?:\w+_)?(?P<symbol>[^_, ]+), ?\w+",  # TradingView: the exchange and the interval
        r"(?P<symbol>[^-]+)-(?:tick|[smhd]\d+|mn1)-(?:bid|ask)(?:-\d.*)?",  # Dukascopy: interval, side, days
        r"(?P<symbol>\S+) \d+ ?(?:min|minutes?|hours?|days?)",
        r"(?:DAT|HISTDATA_COM)_[A-Z]+_(?P<symbol>[^_]+)_.+",  # HistData
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
NAMELESS = re.compile(
    r"Historical(?:Data_\d+|Prices|Quotes)|(?:19|20)\d{2}(?:-\d{2}(?:-\d{2})?|\d{4})?|part[-._]?(?:[a-z]-)?\d.*",
    re.IGNORECASE,
)
"""Names that Nasdaq, MarketWatch and others give a file whosoever bars it has, the name of a year, a month or a day,
and what Spark and Dask call the parts of a table."""
DAY = r"\d{4}-\d{2}-\d{2}|\d{8}"
COPY = r" - (Copy|Kopie|Copie|Copia|Cópia|Kopia)$"
"""The ending that Windows appends to the name of a copy."""
DATE_KEY = r"(?i:year|quarter|month|week|day|hour|minute|dt|[a-z_]*date)"
PARTS_OF_DATES = ("year", "month", "day")
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
"""The folder of the rows whose value is null."""
LAKES = {"_delta_log", ".hoodie"}
"""Folders of Delta Lake and of Hudi, which say what of the files beside them has been deleted."""
MOST_EMPTY, EMPTY_BESIDE = 1000, 10
"""Folders without files of bars that are looked through below one, and for each one that has some."""
DATED = re.compile(
    r"(?<=/)(?:19|20)\d\d(?:[-_/]?\d\d){0,2}(?=/)"
    r"|[-_ ](?:(?:19|20)\d\d(?:[-_]?\d\d){0,2}|\d\d-\d\d-(?:19|20)\d\d)(?![^-_ .])"
    rf"|(?<=/){DATE_KEY}=[^/]*"
)
"""Dates in the folders and the name of a file."""
INTERVAL_AND_DATES = r"(-\d+(s|m|h|d|w|mo))?([- ](19|20)\d{2}(-\d{2}){0,2}){1,2}$"


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
    def of_path(cls, path: Path, owner: str | None = None, is_part: bool = False) -> "DataFile":
        """Returns the file with the symbol of a folder that is a hive partition of one; `owner`: whose bars the caller
        says that they are. Raises `DataFileError` where the two differ."""
        file = cls(path, owner, is_part)
        symbol = file._symbol_of_folder()
        if symbol is None:
            return file
        if owner not in (None, symbol):
            raise DataFileError(
                f"{file}: its folder says that the bars are those of {shown(symbol)}, and {owner}= of {shown(owner)}:"
                f" leave out {owner}=, or the file"
            )
        return cls(path, symbol, is_part=True)

    def _symbol_of_folder(self) -> str | None:
        """Returns the symbol that a folder names. Where several may, as asset=crypto and symbol=BTC, the one with the
        surer key counts."""
        parts = [each.partition("=") for each in self._folders()]
        found = [(place_of(key)[1], key, value) for key, equals, value in parts if equals and is_of_symbols(key)]
        if not found:
            return None
        surest = min(place for place, _, _ in found)
        (key, value), *others = ((key, value) for place, key, value in found if place == surest)
        if value in ("", NO_VALUE):
            raise DataFileError(f"{self}: its folder, {key}={value}, says that no symbol is known: leave it out")
        for other, symbol in others:
            if symbol != value:
                both = f"its folders say that the bars are those of {shown(value)} and of {shown(symbol)}"
                raise DataFileError(f"{self}: {both}: call {key}= or {other}= something that names no symbol")
        return unquote(value)

    def day_of_folder(self) -> str | None:
        """Returns the day of folders that are a hive partition of one, as `date=2024-01-12` and
        `year=2024/month=1/day=12`."""
        parts = {
            spelling_of(key): unquote(value) for key, _, value in (each.partition("=") for each in self._folders())
        }
        days = [value for key, value in parts.items() if key in DATES and re.fullmatch(DAY, value)]
        numbers = [parts.get(key, "") for key in PARTS_OF_DATES]
        if all(map(str.isdecimal, numbers)):
            days.append("{:04}-{:02}-{:02}".format(*map(int, numbers)))
        return next(iter(days), None)

    def _folders(self) -> tuple[str, ...]:
        """Returns the folders of the path, also those above the one that the process is in."""
        return Path(os.path.abspath(self.path)).parts[:-1]

    def is_part_of(self, other: "DataFile") -> bool:
        """Returns whether both may have bars of one symbol, who have no column of symbols: the caller says whose they
        are, or their paths differ in dates alone."""
        if self.symbol is not None:
            return other.symbol is not None
        own, others = ("/".join((*each._folders(), each._name())) for each in (self, other))
        return own != others and re.sub(DATED, "", own) == re.sub(DATED, "", others)

    def kind(self) -> tuple[str, ...]:
        """Its partitions of something else than symbols and dates, as interval=1h."""
        keys = {each: each.partition("=") for each in self._folders()}
        return tuple(
            each for each, (key, equals, _) in keys.items() if equals and not (is_of_symbols(key) or is_of_dates(key))
        )

    def _name(self) -> str:
        """Its name without the endings of files and of copies."""
        name = re.sub(OTHER_ENDINGS, "", unicodedata.normalize("NFC", self.path.name), flags=re.IGNORECASE)
        return re.sub(COPY, "", re.sub(r" \(\d+\)$", "", name))

    def symbol_of_name(self) -> str:
        """Returns the symbol of a file without a symbol column: BRK.B of `brk.b_daily (1).csv.gz`. Text behind the
        first underscore is a remark, as are one or two dates and an interval before them (`BTCUSDT-1h-2023-10.csv`);
        some vendors have another order. Endings of files are no part of the symbol; others are. Raises `DataFileError`
        for a name without a symbol."""
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
        key, equals, value = name.partition("=")
        name = re.sub(INTERVAL_AND_DATES, "", value if equals and value and is_of_symbols(key) else name)
        return re.sub(r"(?<=.)_.*$", "", name).upper()


def is_of_symbols(key: str) -> bool:
    return role_of(key) == "symbol"


def is_of_dates(key: str) -> bool:
    return re.fullmatch(DATE_KEY, key, re.IGNORECASE) is not None


PAIR = re.compile(r"[A-Z0-9.]+/[A-Z0-9.:-]+")
"""A symbol that exchanges of coins write so."""
STDIN = "-"
"""The command's standard input."""
ADDRESS = re.compile(r"(?:[^/=]+=)?(?:https?|ftp|s3|gs|gcs|az|abfss?|hf)://", re.IGNORECASE)


def found_files(arguments: Iterable[str]) -> list[DataFile]:
    """Returns the files that paths, `SYMBOL=path`, patterns and folders name, in their order and each once; of a folder
    those with the ending of a file of bars, by name. Raises `DataFileError` where there is none, and where a folder
    cannot be read."""
    found: dict[tuple[str, str], DataFile] = {}
    for argument in arguments:
        try:
            for file in _files_of(argument):
                found.setdefault((os.path.realpath(file.path), file.symbol or file.path.name), file)
        except OSError as error:
            name = argument if error.filename is None else str(error.filename)
            raise DataFileError(f"{printable(name)}: {error.strerror or error}{_advice(error)}") from error
    return list(found.values())


def _files_of(argument: str) -> list[DataFile]:
    """Patterns are expanded before anybody asks for symbols: they may stand for the folders that name them. A name that
    exists stands for itself, whatever it looks like, and so does the name of a partition."""
    if not argument:
        raise DataFileError("an empty path names no file; the folder one is in is .")
    if "\0" in argument:
        raise DataFileError(f"{printable(argument)}: holds a NUL character, which no path has")
    if ADDRESS.match(argument):
        raise DataFileError(f"{printable(argument)}: is an address, and files of this machine are read: download it")
    owner, equals, path = argument.partition("=")
    found = _expanded(argument)
    if "/" not in owner and os.path.isfile(argument) and os.path.isfile(path):
        both = f"write ./{printable(argument)} or {printable(owner)}=./{printable(path)}"
        raise DataFileError(f"{printable(argument)}: is a file, and {printable(path)} is one too: {both}")
    if found or not equals or _is_path(argument, owner, path) or _is_partition(owner, path):
        owner, path = "", argument
    elif not owner or not path:
        raise DataFileError(f"{printable(argument)}: neither a path nor SYMBOL=path")
    else:
        found = _expanded(path)
    if path == STDIN:
        return [DataFile(Path(path), owner or None)]
    if not found and not glob.has_magic(path):
        os.stat(os.path.expanduser(path))
    is_open = found != [Path(path)] and not Path(path).name.strip("*")
    paths = sorted(each for one in found for each in (_in_folder(one) if one.is_dir() else [one]))
    files = [each for each in paths if is_named(each.name) or not is_open]
    if not files:
        raise DataFileError(f"{printable(argument)}: no files of bars (CSV or Parquet) there")
    is_part = bool(owner) and files != [Path(path)]
    return [DataFile.of_path(each, owner or None, is_part) for each in dict.fromkeys(files)]


def _is_path(argument: str, owner: str, path: str) -> bool:
    """Returns whether `owner=path`, of which there is nothing, is the path of a file rather than BTC/USDT=path."""
    if "/" not in owner or os.path.isdir(os.path.dirname(argument)):
        return "/" in owner
    return not PAIR.fullmatch(owner) or not (path == STDIN or _expanded(path))


def _is_partition(key: str, rest: str) -> bool:
    """Returns whether `key=rest` names folders of a hive partition that are not there, and no symbol."""
    if not key.islower():
        return False
    is_sure = is_of_symbols(key) and place_of(key)[1] == 0
    return is_sure or ("/" in rest and (is_of_symbols(key) or is_of_dates(key)))


def _expanded(text: str) -> list[Path]:
    """Returns the paths that a path or a pattern names; a part of it that is there is no pattern."""
    path = Path(os.path.expanduser(text) if not os.path.lexists(text) else text)
    found = [Path(path.anchor)]
    for part in path.parts[bool(path.anchor) :]:
        found = list(dict.fromkeys(each for folder in found for each in _matching(folder, part)))
    return found


def _matching(folder: Path, part: str) -> list[Path]:
    if os.path.lexists(folder / part):
        return [folder / part]
    pattern = os.path.join(glob.escape(str(folder)), part)
    return [Path(each) for each in glob.glob(pattern, recursive=True)] if glob.has_magic(part) else []


def _advice(error: OSError) -> str:
    """Says what may have been meant by a name that is not there."""
    if not isinstance(error, FileNotFoundError) or not os.path.isdir(folder := os.path.dirname(error.filename) or "."):
        return ""
    return nearest(os.path.basename(error.filename), os.listdir(folder))


def _in_folder(folder: Path) -> Iterator[Path]:
    """Yields the files of bars in a folder and those below it, also behind links, without hidden folders and those of
    what is not done yet, as _temporary. Raises `OSError` where one cannot be read, `DataFileError` for one that is
    hardly a folder of bars, as /."""

    def refuse(error: OSError) -> None:
        raise error

    empty, filled = 0, 0
    seen = {_identity(each) for each in folder.resolve().parents}
    for root, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        if _identity(root) in seen:  # a link that goes round in a circle, or to what lies above
            folders.clear()
            continue
        seen.add(_identity(root))
        if table := LAKES.intersection(folders):
            said = f"{printable(root)}: has {min(table)}, as tables have of which not every file counts"
            raise DataFileError(f"{said}: write it as Parquet")
        folders[:] = (each for each in folders if not each.startswith((".", "_")))
        files = [Path(root, each) for each in names if not each.startswith(".") and is_named(each)]
        yield from files
        empty, filled = empty + (not files), filled + bool(files)
        if empty > MOST_EMPTY + EMPTY_BESIDE * filled:
            raise DataFileError(
                f"{printable(str(folder))}: {filled} of the first {empty + filled} folders have files of bars (CSV or"
                " Parquet): name the folder that has them"
            )


def _identity(folder: str | Path) -> tuple[int, int]:
    status = os.stat(folder)
    return status.st_dev, status.st_ino


def is_named(name: str) -> bool:
    """Returns whether it is a name of a file of bars."""
    return re.search(ENDINGS, name, re.IGNORECASE) is not None
