"""Texts are read and refused alike in every compression."""

import bz2
import gzip
import io
import lzma
import zipfile

import pyarrow as pa
import pytest
from reference.bars import walk
from reference.tables import assert_bars

from ziggy_async import BarStore

BARS = walk(600)
NAMES = "date,open,high,low,close,volume"
ROWS = [
    f"{str(time)[:10]},{','.join(map(repr, map(float, figures)))}"
    for time, *figures in zip(BARS.timestamp.astype("M8[ns]"), *BARS.columns().values(), strict=True)
]
LIMIT = 2_000_000
MEGA = "1" * 1_000_000


def zipped(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("abc.csv", content)
    return file.getvalue()


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


PACK = {
    "abc.csv": lambda content: content,
    "abc.csv.gz": lambda content: gzip.compress(content, 1),
    "abc.csv.bz2": lambda content: bz2.compress(content, 1),
    "abc.csv.xz": lambda content: lzma.compress(content, preset=0),
    "abc.csv.zst": zstd,
    "abc.zip": zipped,
}


@pytest.fixture(params=PACK)
def packed(request, tmp_path):
    """Writes lines with ends, or bytes, and returns the path."""

    def write(*lines, end="\n"):
        content = lines[0] if isinstance(lines[0], bytes) else end.join(lines).encode()
        (tmp_path / request.param).write_bytes(PACK[request.param](content))
        return tmp_path / request.param

    return write


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("before", ["", "\ufeff"])
@pytest.mark.parametrize("behind", [[], [""], ["", "", ""]])
def test_lines(end, before, behind, packed):
    assert_bars(BarStore.read(packed(before + NAMES, *ROWS, *behind, end=end)), "ABC", BARS)


def test_the_line_of_a_fault(packed):
    rows = [*ROWS[:500], "2029-01-01,1,2,1,x,1", *ROWS[500:]]
    with pytest.raises(ValueError, match="ABC, line 504: close 'x' is not a number"):
        BarStore.read(packed("A remark.", "", NAMES, *rows))


@pytest.mark.parametrize("at", [0, 300, 599])
def test_a_quotation_mark_that_is_not_closed(at, packed):
    rows = [*ROWS[:at], ROWS[at].replace(",", ',"', 1), *ROWS[at + 1 :]]
    with pytest.raises(
        ValueError, match=rf"line {at + 2} has a quotation mark that is not closed, '\".*: close it, or"
    ):
        BarStore.read(packed(NAMES, *rows, ""))
    with pytest.raises(ValueError, match="line 1 has a quotation mark that is not closed: close it, or take it out"):
        BarStore.read(packed(f'"{NAMES}', *ROWS, ""))


@pytest.mark.parametrize("at", [0, 300, 599])
def test_a_quotation_mark_that_is_not_closed_where_tickers_stand_side_by_side(at, packed):
    """Such a file is read in one thread."""
    names = ",".join(f"{name.title()},{name.title()}" for name in NAMES.split(",")[1:])
    rows = [
        ",".join([day, *(each for each in figures for _ in "AB")]) for day, *figures in (r.split(",") for r in ROWS)
    ]
    header = [f",{names}", f"Ticker{',A,B' * 5}"]
    assert_bars(BarStore.read(packed(*header, *rows, "")), "B", BARS)
    rows[at] = rows[at].replace(",", ',"', 1)
    with pytest.raises(
        ValueError, match=f"line {at + 3} has a quotation mark that is not closed: close it, or take it"
    ):
        BarStore.read(packed(*header, *rows, ""))


def test_a_quotation_mark_that_another_one_closes_below(packed):
    notes = [f"{row}," for row in ROWS]
    notes[100] += '"a, b, c, d, e, f\nand a second line, with, commas, of, its, own"'
    assert_bars(BarStore.read(packed(f"{NAMES},note", *notes, "")), "ABC", BARS)
    notes[200] += '"a remark'
    notes[203] += 'another one"'
    with pytest.raises(
        ValueError, match="line 203 has a quotation mark that line 206 closes, and between them are rows"
    ):
        BarStore.read(packed(f"{NAMES},note", *notes, ""))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('2031-01-01,1,2,1,"1,5', "has a quotation mark that is not closed, '\"1,5.*: close it, or take it out"),
        ("\0" * 500, "holds NUL characters"),
        ("2031-01-01,1,2,1" + "1" * 500, "has 4 values for 6 names of columns, '2031-01-01,1,2,1111"),
    ],
)
def test_a_fault_far_below(line, said, tmp_path):
    """The stream of values has begun then, and brings a short text of what DuckDB says."""
    count = 300_000
    rows = [f"{1_000_000_000 + 60 * at},10.25,12.25,9.25,11.25,1000" for at in range(count)]
    rows.insert(250_000, line)
    (tmp_path / "abc.csv").write_text("\n".join([NAMES, *rows, ""]))
    with pytest.raises(ValueError, match=rf"abc\.csv: line 250002 {said}"):
        BarStore.read(tmp_path / "abc.csv")
    if "values" in said:
        assert len(BarStore.read(tmp_path / "abc.csv", invalid="skip").bars("ABC")["close"]) == count


def test_a_line_that_is_not_utf8(packed):
    content = "\n".join([NAMES, *ROWS, "Caf\xe9,1,1,1,1,1", ""]).encode("latin-1")
    with pytest.raises(ValueError, match=r"UTF-8.*line 602 .*save it as UTF-8"):
        BarStore.read(packed(content))


@pytest.mark.parametrize("megas", [2.1, 3, 40])
@pytest.mark.parametrize("place", ["names", "middle", "end", "alone"])
def test_a_line_that_is_too_long(megas, place, packed):
    """Gigabytes of one are a small file, would fill the disk, and take DuckDB minutes, or are left out."""
    long = (MEGA * 40)[: int(megas * 1_000_000)]
    lines = {
        "names": [long, NAMES, *ROWS],
        "middle": [NAMES, *ROWS, "", long, "2029-01-02,1,1,1,1,1", ""],
        "end": [NAMES, *ROWS, f"2029-01-02,1,1,1,1,{long}"],
        "alone": [long],
    }[place]
    number = lines.index(max(lines, key=len)) + 1
    said = f"its line {number} has more than {LIMIT} characters; end it where its row ends, or take it out"
    with pytest.raises(ValueError, match=said) as caught:
        BarStore.read(packed(*lines))
    assert len(str(caught.value)) < 300


def test_a_zstd_file_of_lines_that_end_in_carriage_returns_may_be_long(tmp_path):
    """To the look for long lines it is one."""
    count = 400_000
    rows = "\r".join(f"{1_600_000_000 + 60 * at},10.25,12.25,9.25,11.25,1000000000000" for at in range(count))
    (tmp_path / "abc.csv.zst").write_bytes(zstd(f"{NAMES}\r{rows}\r".encode()))
    assert len(BarStore.read(tmp_path / "abc.csv.zst").bars("ABC")["close"]) == count


def test_a_zstd_file_of_something_else(tmp_path):
    (tmp_path / "abc.csv.zst").write_bytes(zstd(bytes(range(256)) * 100))
    with pytest.raises(ValueError, match=r"holds no text in UTF-8, .*: unpack it, or save it as UTF-8"):
        BarStore.read(tmp_path / "abc.csv.zst")
    damaged = bytearray(zstd("\n".join([NAMES, *ROWS]).encode()))
    damaged[40:60] = bytes(20)
    (tmp_path / "abc.csv.zst").write_bytes(damaged)
    with pytest.raises(ValueError, match="is a zstd file that is damaged: get the whole file again"):
        BarStore.read(tmp_path / "abc.csv.zst")


def test_a_zip_file_of_what_is_packed_again(tmp_path):
    """Each with the name that it has inside."""
    for name, pack in PACK.items():
        with zipfile.ZipFile(tmp_path / "abc.zip", "w") as archive:
            archive.writestr(name, pack("\n".join([NAMES, *ROWS]).encode()))
        assert_bars(BarStore.read(tmp_path / "abc.zip"), "ABC", BARS)


@pytest.mark.parametrize("last", ["", "\n"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_utf_16(packed, end, last):
    path = packed((end.join([NAMES, *ROWS]) + (last and end)).encode("utf-16"))
    assert_bars(BarStore.read(path, capacity=1000), "ABC", BARS)
    path = packed(end.join([NAMES, *ROWS[:300], "", ROWS[300] + "\u00e9", *ROWS[301:]]).encode("utf-16"))
    with pytest.raises(ValueError, match=r"line 303: volume '.*\u00e9' is not a number"):
        BarStore.read(path)
    path = packed((end.join([NAMES, *ROWS, MEGA * 3])).encode("utf-16"))
    with pytest.raises(ValueError, match=r"is not a table: its line 60\d|is not a table: its line 12\d\d"):
        BarStore.read(path)
