"""Records are found where Arrow and Python find them, and told by their lines."""

from pathlib import Path

import pytest

from seedbed.errors import DataError
from seedbed.tables.csv_file import CsvFile
from seedbed.tables.csv_records import Records


def opened(path: Path, content: bytes, encoding: str = "utf-8", delimiter: str = ",") -> CsvFile:
    path.write_bytes(content)
    return CsvFile(path, "data.path", delimiter, encoding)


@pytest.mark.parametrize(
    ("text", "records", "lines"),
    [
        ("a,b\n1,2\n", ["a,b", "1,2"], [1, 2]),
        ("\n\na,b\r\n\r\n1,2", ["a,b", "1,2"], [3, 5]),
        ('a,b\r"x\r\ny","""q"""\r1,2', ["a,b", '"x\r\ny","""q"""', "1,2"], [1, 2, 4]),
        ('a,b\nx"y,2\n"1"2,3\n', ["a,b", 'x"y,2', '"1"2,3'], [1, 2, 3]),
        ('a,b\n1,"open\n2,3', ["a,b", '1,"open\n2,3'], [1, 2]),
    ],
    ids=["plain", "blank lines", "quoted line ends", "quotes within", "open"],
)
def test_records_and_their_lines(text: str, records: list[str], lines: list[int]) -> None:
    found = Records(text, ",")
    assert [found.text(number) for number in range(len(found.spans))] == records
    assert [found.line(number) for number in range(len(found.spans))] == lines
    assert Records.first(text.encode(), ",") == records[0].encode()


@pytest.mark.parametrize("content", [b'a,b\n1,"x\n2,y\n', b'a,b\n5"",6"\n1,"x""\n2,y\n'])
def test_a_quote_that_is_never_closed_is_refused(tmp_path: Path, content: bytes) -> None:
    line = content[: content.rindex(b',"')].count(b"\n") + 1
    with pytest.raises(DataError, match=f"line {line} of .* opens a quote that is never closed"):
        opened(tmp_path / "a.csv", content)


def test_the_line_of_too_many_cells_counts_quoted_line_ends(tmp_path: Path) -> None:
    file = opened(tmp_path / "a.csv", b'a,b\n"two\nlines",2\n\n"1,1",2,3\n')
    with pytest.raises(DataError, match=r'line 5 of .* has 3 cells, the header 2: "1,1",2,3'):
        file.cells(["a"])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "cp1252"])
def test_other_encodings_are_read(tmp_path: Path, encoding: str) -> None:
    content = "größe,b\né,2\n".encode(encoding)
    file = opened(tmp_path / "a.csv", content, encoding)
    assert file.names == ["größe", "b"]
    assert file.cells(["größe"])["größe"].to_pylist() == ["é"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-32"])
def test_a_byte_order_mark_tells_the_encoding(tmp_path: Path, encoding: str) -> None:
    assert opened(tmp_path / "a.csv", "a,b\nö,2\n".encode(encoding)).names == ["a", "b"]


def test_a_mark_within_the_file_belongs_to_its_text(tmp_path: Path) -> None:
    file = opened(tmp_path / "a.csv", b"\r\n\xef\xbb\xbfa,b\n1,2\n")
    assert file.names == ["\ufeffa", "b"]
    assert file.cells(file.names)["\ufeffa"].to_pylist() == ["1"]


@pytest.mark.parametrize(
    ("content", "encoding", "says"),
    [
        ("a,b\n1,2\n".encode("utf-16-le"), "utf-8", "holds zero bytes; type data.encoding=utf-16"),
        (b"\xff\xfea,b\n1,2", "utf-8", "is not utf-16-le text"),
        ("größe,b\n1,2\n".encode("latin-1"), "utf-8", "is not utf-8 text; type data.encoding=lat"),
        (b"a,b\n1,2\n", "hex", "data.encoding: no encoding 'hex'"),
        (b"a,b\n1,2\n", "rot13", "data.encoding: no encoding 'rot13'"),
        (b"a,b\n1,2\n", "punycode", "data.encoding: no encoding 'punycode'"),
        (b"a,b\n1,2\n", "unicode_escape", "data.encoding: no encoding 'unicode_escape'"),
        (b"a,b\n1,2\n", "nope", "data.encoding: no encoding 'nope'"),
        (b"a,b\n1,2\n", "\0", "data.encoding: no encoding"),
        (b"\n\n", "utf-8", "is empty"),
    ],
    ids=[
        "utf-16",
        "cut",
        "latin-1",
        "hex",
        "rot13",
        "punycode",
        "escape",
        "unknown",
        "zero",
        "blank",
    ],
)
def test_an_encoding_that_does_not_fit_is_refused(
    tmp_path: Path, content: bytes, encoding: str, says: str
) -> None:
    with pytest.raises(DataError, match=says):
        opened(tmp_path / "a.csv", content, encoding)


@pytest.mark.parametrize("delimiter", ["ä", '"', "\r", ",,", "\0"])
def test_a_delimiter_that_cannot_be_one_is_refused(tmp_path: Path, delimiter: str) -> None:
    with pytest.raises(DataError, match=r"data\.delimiter must be one ASCII character"):
        opened(tmp_path / "a.csv", b"a,b\n1,2\n", delimiter=delimiter)


@pytest.mark.parametrize("ending", ["gz", "bz2", "zst"])
def test_a_damaged_packed_file_is_refused(tmp_path: Path, ending: str) -> None:
    with pytest.raises(DataError, match=r"data\.path: cannot read '.*': "):
        opened(tmp_path / f"a.csv.{ending}", b"a,b\n1,2\n")
