"""What is said of files that cannot be read or written: where, and what to do."""

import gzip
import io
import lzma
import zipfile

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet
from reference.bars import walk

from ziggy_async import BarStore

BARS = walk(30)
FRAME = pd.DataFrame({"date": BARS.timestamp.astype("M8[ns]"), **BARS.columns()})
TEXT = FRAME.to_csv(index=False)
NAMES, *LINES = TEXT.splitlines()


def test_a_file_that_cannot_be_written(tmp_path):
    for path, said in (
        (tmp_path / "no" / "x.parquet", f"there is no folder {tmp_path / 'no'}: make it first"),
        (tmp_path, "it is a folder: name a file in it"),
    ):
        with pytest.raises(ValueError, match=f"^{path}: cannot be written: {said}"):
            BarStore().write_parquet(path)
    with pytest.raises(ValueError, match=r"^an empty path names no file to be written$"):
        BarStore().write_parquet("")
    with pytest.raises(ValueError, match=r"^/proc/x\.parquet: cannot be written: No such file or directory$"):
        BarStore().write_parquet("/proc/x.parquet")


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (NAMES, r"line 32 holds names of columns again: take it out; invalid='skip' \(--skip-invalid\)"),
        (NAMES.upper(), r"line 32 holds names of columns again: take it out; invalid='skip' \(--skip-invalid\)"),
        ("date,close", "line 32 holds names of columns, 'date,close', 2 for 6 above: split the file there"),
        (f"{NAMES},adj", "line 32 holds names of columns, 'date,.*,adj', 7 for 6 above: split the file there"),
        ("date,close,high,low,open,volume", "line 32 holds names of columns in another order, 'date', 'close', "),
    ],
)
@pytest.mark.parametrize("owner", ["", "symbol,"])
def test_a_header_that_stands_twice(owner, second, said, tmp_path):
    path = tmp_path / "a.csv"
    symbol = owner and "A,"
    lines = [owner + NAMES, *(symbol + line for line in LINES), owner + second, symbol + LINES[0]]
    path.write_text("\n".join(lines) + "\n")
    if owner:
        said = said.replace("'date,", "'symbol,date,").replace("2 for 6", "3 for 7").replace("7 for 6", "8 for 7")
    with pytest.raises(ValueError, match=rf"a\.csv: {said}"):
        BarStore.read(path)


def test_a_date_in_digits_that_is_none_is_named(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(TEXT.replace("-", "").replace(LINES[20][:10].replace("-", ""), "20240140"))
    with pytest.raises(ValueError, match=r"line 22: 20240140 is not a time .*: write dates and times as texts"):
        BarStore.read(path)


@pytest.mark.parametrize("behind", ["\x1a", "(30 rows)\n", "\n(1 row)", "\x1a\x1a"])
def test_ends_that_programs_write(behind, tmp_path):
    (tmp_path / "a.csv").write_text(TEXT + behind)
    assert len(BarStore.read(tmp_path).bars("A")["close"]) == 30


@pytest.mark.parametrize("ending", ["csv", "csv.gz"])
def test_a_file_that_was_not_written_to_its_end(ending, tmp_path):
    """Its blocks had their place on the disk already, and are full of zeros."""
    content = TEXT.encode() + bytes(4096)
    (tmp_path / f"a.{ending}").write_bytes(gzip.compress(content) if ending == "csv.gz" else content)
    with pytest.raises(
        ValueError, match="line 32 holds NUL characters, as a file does that was not written to its end"
    ):
        BarStore.read(tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (lzma.compress(TEXT.encode(), lzma.FORMAT_ALONE), "is compressed with lzma: unpack it"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "is a pointer of Git LFS: get the file itself"),
        (b"PK\5\6" + bytes(18), "is a zip file without a file in it"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is a picture: get the bars that it shows as CSV"),
        ("<html><body>no</body></html>".encode("utf-16"), "is a web page: "),
        ('[{"close": 1}]'.encode("utf-16"), "is JSON: "),
    ],
)
def test_what_is_no_table(content, said, tmp_path):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(ValueError, match=said):
        BarStore.read(tmp_path)


@pytest.mark.parametrize(("ending", "said"), [("ods", "is a spreadsheet"), ("br", "is compressed with brotli: unpack")])
def test_what_its_name_says_that_it_is(ending, said, tmp_path):
    with zipfile.ZipFile(tmp_path / f"a.{ending}", "w") as archive:
        archive.writestr("content.xml", "<x/>")
    with pytest.raises(ValueError, match=said):
        BarStore.read(tmp_path / f"a.{ending}")


def test_a_member_of_a_zip_file_that_is_above_it(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("../../x.csv", TEXT)
        archive.writestr("./.hidden", "")
    assert len(BarStore.read(tmp_path / "a.zip").bars("A")["close"]) == 30


def test_a_full_disk():
    with pytest.raises(ValueError, match=r"^/dev/full: cannot be written: No space left on device$"):
        BarStore().write_parquet("/dev/full")


def test_a_list_of_paths():
    with pytest.raises(TypeError, match=r"^paths: a list is not a path; read\(\*paths\) takes several$"):
        BarStore.read(["a.csv"])


def test_a_file_of_names_only(tmp_path):
    (tmp_path / "a.csv").write_text(f"{NAMES}\n")
    FRAME[:0].to_parquet(tmp_path / "b.parquet")
    for name in ("a.csv", "b.parquet"):
        with pytest.raises(ValueError, match=f"{name}: has column names but no rows: get it again, or leave it out"):
            BarStore.read(tmp_path / name)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("name", "column", "said"),
    [
        (
            "adj",
            [f"{at + 0.5:.2f}" for at in range(30)],
            "has no line end, and its last value, '29.{0}', is cut off, as",
        ),
        (
            "close2",
            [f"{at:.4f}" for at in range(30)],
            "'29.{0}', is cut off, as the others have all 4 decimals: get the",
        ),
        ("symbol", ["AAPL"] * 30, "'AAP', is cut off, as the others are all 'AAPL': get the whole file again"),
    ],
)
def test_a_file_that_is_cut_off_in_its_last_value(name, column, said, end, tmp_path):
    text = FRAME.assign(**{name: column}).to_csv(index=False).rstrip().replace("\n", end)
    path = tmp_path / "a.csv"
    for content in (text, text + end):
        path.write_bytes(content.encode())
        assert len(BarStore.read(path).bars("AAPL" if name == "symbol" else "A")["close"]) == 30
    path.write_bytes(text[:-1].encode())
    with pytest.raises(ValueError, match=rf"a\.csv: line 31, the last one, .*{said.format(column[-1][3:-1])}"):
        BarStore.read(path)


def test_a_last_value_that_is_shorter_than_all_above_it_is_remarked(tmp_path, caplog):
    path = tmp_path / "a.csv"
    text = FRAME.assign(volume=[1000 + at for at in range(30)]).to_csv(index=False).rstrip()
    path.write_text(text)
    assert len(BarStore.read(path).bars("A")["close"]) == 30
    assert caplog.records == []
    path.write_text(text[:-2])
    assert BarStore.read(path).bars("A")["volume"][-1] == 10
    (record,) = caplog.records
    assert record.message == (
        f"{path}: line 31, the last one, has no line end, and its last value, '10', is shorter than all above it:"
        " the file may be cut off"
    )


def of_arrow(columns, names) -> bytes:
    file = io.BytesIO()
    parquet.write_table(pa.Table.from_arrays(columns, names=names), file)
    return file.getvalue()


@pytest.mark.parametrize("name", ["close", "Close"])
def test_two_columns_of_one_name_in_parquet(name, tmp_path):
    table = pa.Table.from_pandas(FRAME)
    path = tmp_path / "a.parquet"
    path.write_bytes(of_arrow([*table.columns, table["open"]], [*table.column_names, name]))
    with pytest.raises(ValueError, match=rf"a\.parquet: .*'close'.*'{name} \(column 7\)'"):
        BarStore.read(path)
    assert BarStore.read(path, columns={"close": "close"}).bars("A")["close"].tolist() == FRAME["close"].tolist()
    if name == "Close":
        assert BarStore.read(path, columns={"close": name}).bars("A")["close"].tolist() == FRAME["open"].tolist()
    other = BarStore.read(path, columns={"close": f"{name} (column 7)"})
    assert other.bars("A")["close"].tolist() == FRAME["open"].tolist()


def test_parquet_files_one_behind_the_other(tmp_path):
    table = pa.Table.from_pandas(FRAME)
    content = of_arrow(table.columns, table.column_names)
    (tmp_path / "a.parquet").write_bytes(content + content)
    with pytest.raises(ValueError, match="is several Parquet files one behind the other: name them one by one"):
        BarStore.read(tmp_path)
    (tmp_path / "a.parquet").write_bytes(content[:8] + bytes(200) + content[208:])
    with pytest.raises(ValueError, match=r"cannot be read as Parquet: .*; get the whole file again, or write it anew"):
        BarStore.read(tmp_path)
