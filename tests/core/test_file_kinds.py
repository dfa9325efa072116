"""What a file is, whatever its name: compressed texts, cut files, and what is not a table."""

import bz2
import gzip
import io
import lzma
import os
import pickle
import re
import sqlite3
import tarfile

import numpy as np
import pandas as pd
import pytest
from reference.bars import walk
from reference.tables import assert_bars

from ziggy_async import BarStore

BARS = walk(30)
FRAME = pd.DataFrame(BARS.columns(), index=pd.DatetimeIndex(BARS.timestamp.astype("M8[ns]"), name="Date"))
TEXT = FRAME.to_csv().encode()
JSON = FRAME.reset_index().to_json(orient="records", date_format="iso")


def parquet() -> bytes:
    file = io.BytesIO()
    FRAME.reset_index().to_parquet(file)
    return file.getvalue()


def archive() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        member = tarfile.TarInfo("abc.csv")
        member.size = len(TEXT)
        tar.addfile(member, io.BytesIO(TEXT))
    return file.getvalue()


def array() -> bytes:
    file = io.BytesIO()
    np.save(file, np.ones((3, 6)))
    return file.getvalue()


def database(folder) -> bytes:
    with sqlite3.connect(folder / "x.db") as connection:
        connection.execute("CREATE TABLE bars (close REAL)")
    connection.close()
    return (folder / "x.db").read_bytes()


@pytest.mark.parametrize(("ending", "pack"), [("bz2", bz2.compress), ("xz", lzma.compress), ("gz", gzip.compress)])
def test_compressed_files(ending, pack, tmp_path):
    path = tmp_path / f"abc.csv.{ending}"
    path.write_bytes(pack(TEXT))
    assert_bars(BarStore.read(tmp_path), "ABC", BARS)
    path.write_bytes(pack(TEXT)[:-20])
    with pytest.raises(
        ValueError, match=rf"abc\.csv\.{ending}: is a \w+ file that is cut off: get the whole file again"
    ):
        BarStore.read(path)
    damaged = bytearray(pack(TEXT))
    damaged[40:60] = bytes(20)
    path.write_bytes(damaged)
    with pytest.raises(
        ValueError, match=rf"abc\.csv\.{ending}: is a \w+ file that is (damaged, .*|cut off): get the whole file again"
    ):
        BarStore.read(path)
    path.write_bytes(TEXT)
    with pytest.raises(ValueError, match=r"is not a \w+ file, as its name says"):
        BarStore.read(path)


@pytest.mark.parametrize("length", [4, 8, 500, -1])
def test_a_parquet_file_that_is_cut_off(length, tmp_path):
    for name in ("abc.parquet", "abc.csv"):
        (tmp_path / name).write_bytes(parquet()[:length])
        with pytest.raises(ValueError, match=rf"{name}: is a parquet file that is cut off or damaged"):
            BarStore.read(tmp_path / name)


def test_a_parquet_file_with_a_damaged_footer(tmp_path):
    damaged = bytearray(parquet())
    damaged[-8:-4] = b"\xff\xff\xff\x7f"
    (tmp_path / "abc.parquet").write_bytes(damaged)
    with pytest.raises(ValueError, match=r"abc\.parquet: cannot be read as Parquet: "):
        BarStore.read(tmp_path / "abc.parquet")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (JSON.encode(), "is JSON: .* or load the list of bars that json.load gives"),
        (b"\n {" + JSON.encode(), "is JSON"),
        (b"[[1704153600000, 1, 2, 1, 2, 5]]", "is JSON"),
        (b"\xef\xbb\xbf\n<!doctype HTML>\n<p>Log in</p>", "is a web page"),
        (b"<?xml version='1.0'?>\n<bars/>", "is XML"),
        (pickle.dumps(FRAME), "is a pickle"),
        (array(), "is an array of NumPy"),
        (archive(), "is a tar archive: unpack it"),
        (b"7z\xbc\xaf\x27\x1c\0\4", "is a 7z archive: unpack it"),
        (b"Rar!\x1a\7\1\0", "is a RAR archive: unpack it"),
        (b"\x04\x22\x4d\x18\x64\x40", "is compressed with lz4: unpack it"),
        (bz2.compress(TEXT), r"is compressed with bzip2, and its name does not say so: add \.bz2 to it"),
        ("\n".join(FRAME.to_csv().splitlines()).encode("utf-16-le"), "holds NUL characters.*save it as UTF-8"),
        (b"\n\n  \n", "begins with blank lines only"),
        (bytes(range(1, 256)) * 9, "neither Parquet nor text in UTF-8 .*; write its bars as CSV or Parquet"),
    ],
)
def test_what_is_no_table_is_said(content, said, tmp_path):
    (tmp_path / "abc.csv").write_bytes(content)
    with pytest.raises(ValueError, match=rf"abc\.csv: .*{said}"):
        BarStore.read(tmp_path / "abc.csv")


def test_a_database_and_packed_archives_are_named(tmp_path):
    (tmp_path / "abc.csv").write_bytes(database(tmp_path))
    with pytest.raises(ValueError, match="is a database: write its bars as CSV or Parquet"):
        BarStore.read(tmp_path / "abc.csv")
    (tmp_path / "abc.tgz").write_bytes(gzip.compress(archive()))
    with pytest.raises(ValueError, match="is a tar archive: unpack it"):
        BarStore.read(tmp_path / "abc.tgz")


@pytest.mark.parametrize("first", ["<DATE>", "[Date]", "BZH"])
def test_names_that_begin_like_other_files_are_names(first, tmp_path):
    columns = None if first != "BZH" else {"timestamp": "BZH"}
    (tmp_path / "abc.csv").write_bytes(TEXT.replace(b"Date", first.encode()))
    assert_bars(BarStore.read(tmp_path / "abc.csv", columns=columns), "ABC", BARS)


@pytest.mark.parametrize("end", ["\r\n", "\r"])
@pytest.mark.parametrize("before", ["# a remark\n", "A sentence.\n", "a,b\n\n", "\n", "sep=,\n"])
def test_lines_end_in_any_way_where_some_are_no_rows(before, end, tmp_path):
    text = (before + TEXT.decode() + "# the end\n").replace("\n", end)
    for encoding in ("utf-8", "utf-16"):
        (tmp_path / "abc.csv").write_bytes(text.encode(encoding))
        assert_bars(BarStore.read(tmp_path / "abc.csv"), "ABC", BARS)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("pack", [None, bz2.compress])
def test_comments_far_below_the_names(pack, end, tmp_path):
    many = walk(300)
    frame = pd.DataFrame(many.columns(), index=pd.DatetimeIndex(many.timestamp.astype("M8[ns]"), name="Date"))
    lines = frame.to_csv().splitlines()
    lines[200:200] = ["# a remark", "#"]
    text = end.join(lines).encode()
    path = tmp_path / ("abc.csv.bz2" if pack else "abc.csv")
    path.write_bytes(pack(text) if pack else text)
    assert_bars(BarStore.read(path), "ABC", many)
    lines[250] = lines[250].rsplit(",", 1)[0] + ",x"
    text = end.join(lines).encode()
    path.write_bytes(pack(text) if pack else text)
    with pytest.raises(ValueError, match="ABC, line 251: volume 'x' is not a number"):
        BarStore.read(path)


@pytest.mark.parametrize("behind", ["", "\n", "A sentence.\n"])
def test_a_licence_above_the_names(behind, tmp_path):
    (tmp_path / "abc.csv").write_text("# a line of the licence\n#\n" * 100 + behind + TEXT.decode())
    assert_bars(BarStore.read(tmp_path / "abc.csv"), "ABC", BARS)
    (tmp_path / "abc.csv").write_text("# a line of the licence\n" * 200 + behind + TEXT.decode() + "x\n")
    line = 202 + behind.count("\n") + len(BARS)
    with pytest.raises(ValueError, match=f"line {line} has 1 values for 6 names"):
        BarStore.read(tmp_path / "abc.csv")


@pytest.mark.parametrize("length", [3_000_000, 40_000_000])
def test_a_last_line_of_utf_16_that_is_too_long(length, tmp_path):
    (tmp_path / "abc.csv").write_bytes(TEXT.decode().encode("utf-16") + b"1\0" * length)
    with pytest.raises(ValueError, match=r"abc\.csv: is not a table: its line \d+ has more than 2000000 characters"):
        BarStore.read(tmp_path / "abc.csv")


NAMES = "date,open,high,low,close,volume\n"
ROW = "2024-01-02,1,2,1,1.5,10\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            "date," + NAMES + "2024-01-01," + ROW,
            r"two columns are called 'date': .*'date \(column 2\)' is the other",
        ),
        (
            NAMES + '"' + ROW + ROW,
            "line 2 has a quotation mark that is not closed, '\"2024-01-02,1,.*: close it, or take it out",
        ),
        (
            NAMES + "9999-12-31,1,2,1,1,10\n",
            "ABC, line 2: column 'date': '9999-12-31' is out of range: nano",
        ),
        ((NAMES + ROW).encode("utf-16")[:-1], "is UTF-16 that is cut off or damaged"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(content, said, tmp_path):
    (tmp_path / "abc.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=rf"abc\.csv: .*{said}"):
        BarStore.read(tmp_path / "abc.csv")


@pytest.mark.parametrize("far", ["9999-12-31", "1600-01-01"])
def test_times_out_of_range_are_skipped_like_other_faults(far, tmp_path):
    (tmp_path / "abc.csv").write_text(NAMES + ROW + ROW.replace("2024-01-02", far))
    frame = pd.read_csv(tmp_path / "abc.csv")
    days = np.array(frame["date"], dtype="M8[us]")
    frame.assign(date=days).to_parquet(tmp_path / "abc.parquet")
    for name in ("abc.csv", "abc.parquet"):
        assert len(BarStore.read(tmp_path / name, invalid="skip").bars("ABC")["close"]) == 1
        with pytest.raises(ValueError, match=rf"{name}: ABC, .*column 'date'.* '{far}.*' is out of range"):
            BarStore.read(tmp_path / name)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("behind", ["", "# a remark\n"])
def test_rows_of_another_length_are_skipped_like_other_faults(behind, end, tmp_path, caplog):
    others = '"2024-01-03","0.25 Dividend"\n2024-01-04,1,2,1,1.5,10,11\n'
    text = NAMES + ROW + others + "2024-01-05,1,2,1,1.5,x\n"
    (tmp_path / "abc.csv").write_bytes((text + "2024-03-01,1,2,1,1.5,10\n" + behind).replace("\n", end).encode())
    bars = BarStore.read(tmp_path / "abc.csv", invalid="skip").bars("ABC")
    assert bars["timestamp"].astype("M8[D]").astype(str).tolist() == ["2024-01-02", "2024-03-01"]
    assert "2 row has another length" in caplog.text
    with pytest.raises(
        ValueError, match=r"line 3 has 2 values for 6 .*invalid='skip' \(--skip-invalid\) leaves such rows out"
    ):
        BarStore.read(tmp_path / "abc.csv")


def test_rows_of_a_database_are_mappings(tmp_path):
    with sqlite3.connect(":memory:") as connection:
        connection.row_factory = sqlite3.Row
        FRAME.to_sql("bars", connection)
        rows = connection.execute("SELECT * FROM bars").fetchall()
    connection.close()
    store = BarStore()
    store.load("ABC", rows)
    assert_bars(store, "ABC", BARS)
    store.load("ABC", [row for _, row in FRAME.reset_index().iterrows()])
    assert_bars(store, "ABC", BARS)


def test_a_gzip_file_inside_of_another(tmp_path):
    (tmp_path / "abc.csv.gz").write_bytes(gzip.compress(gzip.compress((NAMES + ROW).encode())))
    assert len(BarStore.read(tmp_path / "abc.csv.gz").bars("ABC")["close"]) == 1
    (tmp_path / "abc.csv.gz").write_bytes(gzip.compress(gzip.compress((NAMES + ROW).encode())[:-10]))
    with pytest.raises(ValueError, match=r"abc\.csv\.gz: is a gzip file that is cut off"):
        BarStore.read(tmp_path / "abc.csv.gz")


@pytest.mark.parametrize("rows", [1, 3000])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("name", ["abc.csv", "abc.csv.gz"])
def test_the_line_that_is_not_utf8(rows, end, name, tmp_path):
    lines = ["symbol," + NAMES.strip(), *(f"A{row},{ROW.strip()}" for row in range(rows))]
    content = (end.join(lines) + end).encode() + b"Caf\xe9," + ROW.encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    said = rf"text in UTF-8 or, with a mark, UTF-16: line {rows + 2} has 'Caf\\xe9,.*'; save it as UTF-8"
    with pytest.raises(ValueError, match=rf"{re.escape(name)}: neither Parquet nor {said}"):
        BarStore.read(tmp_path / name)


def test_a_file_whose_name_is_not_utf8(tmp_path):
    path = os.fsencode(tmp_path) + b"/caf\xe9.csv"
    with open(path, "w") as file:
        file.write(NAMES + ROW)
    with pytest.raises(ValueError, match=r"caf\\udce9\.csv: its name is not UTF-8; say whose bars they are"):
        BarStore.read(path)
    assert len(BarStore.read("ABC=" + os.fsdecode(path)).bars("ABC")["close"]) == 1
    with open(path, "a") as file:
        file.write(ROW.replace("2024-01-02,1", "2024-01-03,x"))
    with pytest.raises(ValueError, match=r"caf\\udce9\.csv: ABC: column 'open', line 3: 'x' is not a number"):
        BarStore.read("ABC=" + os.fsdecode(path))


def test_parquet_with_bytes_for_texts(tmp_path):
    prices = dict.fromkeys(("open", "high", "low", "volume"), 1.5)
    frame = pd.DataFrame({"symbol": [b"A", b"B"], "date": ["2024-01-02", "2024-01-03"], **prices})
    frame.assign(close=[b"1.5", b"1.5"]).to_parquet(tmp_path / "a.parquet")
    assert BarStore.read(tmp_path / "a.parquet").symbols() == ["A", "B"]
    frame.assign(close=1.5, symbol=[b"A", b"\xff"]).to_parquet(tmp_path / "a.parquet")
    (tmp_path / "b.parquet.gz").write_bytes(gzip.compress((tmp_path / "a.parquet").read_bytes()))
    for name in ("a.parquet", "b.parquet.gz"):
        with pytest.raises(ValueError, match=rf"{name}: cannot be read as Parquet: .*\"{name}\": value \"\\xFF\""):
            BarStore.read(tmp_path / name)


@pytest.mark.parametrize("address", ["http://host/x.csv", "s3://bucket/x.csv", "A=https://host/x.csv"])
def test_addresses_are_not_read(address):
    with pytest.raises(ValueError, match=f"^{address}: is an address, and files of this machine are read"):
        BarStore.read(address)
