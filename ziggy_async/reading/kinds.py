"""Tells the kind of a file by its first bytes."""

import re
from pathlib import Path

LOOK = 512
"""Bytes that tell."""
PARQUET_MAGIC, ZSTD_MAGIC = b"PAR1", b"\x28\xb5\x2f\xfd"
FORMATS = (
    (PARQUET_MAGIC, "parquet", (".parquet", ".pq")),
    (b"\x1f\x8b", "gzip", (".gz", ".tgz")),
    (b"BZh", "bzip2", (".bz2",)),
    (b"\xfd7zXZ\0", "xz", (".xz",)),
    (ZSTD_MAGIC, "zstd", (".zst",)),
    (b"PK\x03\x04", "zip", (".zip",)),
)
"""First bytes, name and endings of what is read."""
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
UNPACK, AS_TABLE = "unpack it", "write its bars as CSV or Parquet"
OTHERS = (
    (rb"\xd0\xcf\x11\xe0", "an Excel workbook: save it as CSV"),
    (rb"PK\x03\x04.{26}(\[Content_Types\]|_rels/|docProps/|xl/)", "an Excel workbook: save it as CSV"),
    (rb"PK\x03\x04.{26}(mimetypeapplication/vnd\.oasis|Index/)", "a spreadsheet: save it as CSV"),
    (rb"PK\x03\x04.{26}[^\0]{1,50}\.npy", f"arrays of NumPy: {AS_TABLE}, or load what numpy.load gives"),
    (rb"PK\x05\x06", "a zip file without a file in it"),
    (rb"ARROW1|\xff\xff\xff\xff", f"an Arrow (Feather) file: {AS_TABLE}"),
    (rb"\x89HDF", f"an HDF5 file: {AS_TABLE}"),
    (rb"ORC[\0-\x1f]", f"an ORC file: {AS_TABLE}"),
    (rb"PARE", "an encrypted Parquet file: write it without"),
    (rb"MATLAB 5", f"a file of MATLAB: {AS_TABLE}"),
    (rb"<stata_dta>", f"a file of Stata: {AS_TABLE}"),
    (rb"[\x90\x91]\x01\0\0", "a history of MetaTrader: export its bars as CSV"),
    (rb"\x93NUMPY", f"an array of NumPy: {AS_TABLE}, or load what numpy.load gives"),
    (rb"\x80[\x02-\x05][^\0-\x08]", f"a pickle: {AS_TABLE}, or load what is in it"),
    (rb"SQLite format 3\0|.{8}DUCK", f"a database: {AS_TABLE}"),
    (rb"Obj\x01", f"an Avro file: {AS_TABLE}"),
    (rb"DBN[\x01-\x09]", "a DBN file of Databento: load what its to_df gives"),
    (rb"7z\xbc\xaf", f"a 7z archive: {UNPACK}"),
    (rb"Rar!", f"a RAR archive: {UNPACK}"),
    (rb".{257}ustar", f"a tar archive: {UNPACK}"),
    (rb"\x04\x22\x4d\x18", f"compressed with lz4: {UNPACK}"),
    (rb"\xff\x06\0\0sNaPpY", f"compressed with snappy: {UNPACK}"),
    (rb"\x5d\0\0.\0", f"compressed with lzma: {UNPACK}"),
    (rb"version https://git-lfs", "a pointer of Git LFS: get the file itself with git lfs pull"),
    (rb"\x1f\x9d", f"compressed with compress: {UNPACK}"),
    (rb"\x89PNG|GIF8|\xff\xd8\xff", "a picture: get the bars that it shows as CSV"),
    (rb"%PDF-", "a PDF document: get the bars as CSV"),
    (rb"00COTAHIST", f"a file of B3, whose columns have fixed widths and no names: {AS_TABLE}"),
    (rb"(\xef\xbb\xbf)?\s*(<!doctype html|<html)", "a web page: what it shows may say why there is no table"),
    (rb"(\xef\xbb\xbf)?\s*<\?xml", f"XML: {AS_TABLE}"),
    (
        rb"(\xef\xbb\xbf)?\s*(\[\s*)?(\{\s*([\[{}]|[\"'][^\"']*[\"']\s*:)|\[\s*\[)",
        f"JSON: {AS_TABLE}, or load the list of bars that json.load gives",
    ),
)
"""The beginnings of files that are not read, what those are, and what to do."""


BY_NAME = {
    ".ods": "a spreadsheet: save it as CSV",
    ".numbers": "a spreadsheet: save it as CSV",
    ".br": f"compressed with brotli: {UNPACK}",
}
"""The same of files that begin in many ways, by the endings of their names."""


def kind_of(path: Path, is_packed: bool = False) -> str:
    """Returns one of `FORMATS`, or "none" for what may be a text. Raises `ValueError` for a file that is neither, is
    empty, or is not what its name says. `is_packed`: it was in another file, and its name need not say how it is
    compressed."""
    with path.open("rb") as file:
        start = file.read(LOOK)
    if not start:
        raise ValueError("is empty: get it again, or leave it out")
    if (ending := path.suffix.lower()) in BY_NAME:
        raise ValueError(f"is {BY_NAME[ending]}")
    text = start.decode("utf-16", "ignore").encode() if start.startswith(UTF16_MARKS) else start
    for pattern, sentence in OTHERS:
        if re.match(pattern, text, re.DOTALL | re.IGNORECASE):
            raise ValueError(f"is {sentence}")
    by_bytes = next(((name, endings) for magic, name, endings in FORMATS if start.startswith(magic)), ("none", ("",)))
    by_name = next((name for _, name, endings in FORMATS if path.suffix.lower() in endings), "none")
    kind, (own, *_) = by_bytes
    if kind in (by_name, "parquet") or not path.suffix or (is_packed and by_name == "none"):
        return kind
    if by_name != "none":
        said = f"is not a {by_name} file, as its name says"
        if kind == "none":
            raise ValueError(f"{said}: take {path.suffix} off its name, if it is CSV")
        raise ValueError(f"{said}, but {kind}: put {own} for {path.suffix} in it")
    if kind == "zip" and path.suffix.lower() in (".xlsx", ".xlsm"):
        raise ValueError("is an Excel workbook: save it as CSV")
    raise ValueError(f"is compressed with {kind}, and its name does not say so: add {own} to it")
