"""Tables as Excel, LibreOffice and Numbers write and read them."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.errors import InvalidInput
from clearline.tables import BOM, FORMULA, NotATable, cell_text, decode_file, is_workbook, read_table, write_table

KNOWN = ("id", "type", "label")
EXPECTED = (["id", "type", "label"], [(2, ["P-1", "Port", "Zürich, 1;2"]), (3, ["P-2", "Port", ""])])


def read(text: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    table = read_table(text, KNOWN)
    return table.heading, list(table.rows)


@pytest.mark.parametrize(
    "text",
    [
        'id,type,label\r\nP-1,Port,"Zürich, 1;2"\r\nP-2,Port,\r\n',
        'id;type;label\r\nP-1;Port;"Zürich, 1;2"\r\nP-2;Port;\r\n',
        "id\ttype\tlabel\r\nP-1\tPort\tZürich, 1;2\r\nP-2\tPort\t\r\n",
        '"id","type","label"\n"P-1","Port","Zürich, 1;2"\n"P-2","Port",\n',
        'ID; Type ;LABEL\nP-1;Port;"Zürich, 1;2"\nP-2;Port;\n',
        'id,type,label,,\nP-1,Port,"Zürich, 1;2",,\nP-2,Port,,,\n,,,,\n',
        'id;type;label\nP-1;Port;"Zürich, 1;2"\nP-2;Port\n;;\n\n',
        'id,type,label\rP-1,Port,"Zürich, 1;2"\rP-2,Port,\r',
    ],
    ids=[
        "comma",
        "semicolon",
        "tab",
        "all quoted",
        "blanks",
        "empty columns and rows",
        "short rows",
        "carriage returns",
    ],
)
def test_what_spreadsheets_write_is_read(text: str) -> None:
    assert read(text) == EXPECTED
    assert read(decode_file(text.encode("utf-8-sig"))) == EXPECTED


def test_the_first_line_may_name_the_separator() -> None:
    heading, rows = read('sep=;\r\nid;type;label\r\nP-1;Port;"Zürich, 1;2"\r\n')
    assert (heading, rows) == (EXPECTED[0], [(3, EXPECTED[1][0][1])])


@pytest.mark.parametrize("before", ["\n", "\r\n\r\n", ";;\n", '"";"";""\n \n'])
def test_empty_rows_may_stand_before_the_heading(before: str) -> None:
    heading, rows = read(before + 'id;type;label\nP-1;Port;"Zürich, 1;2"\nP-2;Port\n')
    assert (heading, [cells for _line, cells in rows]) == (EXPECTED[0], [cells for _line, cells in EXPECTED[1]])
    assert [line for line, _cells in rows] == [before.count("\n") + 2, before.count("\n") + 3]


def test_a_row_with_more_cells_than_the_heading_has_them_all() -> None:
    assert read("id,type,label\na,b,c,d,\n")[1] == [(2, ["a", "b", "c", "d"])]


@pytest.mark.parametrize(("text", "line"), [('id,type\na,"b\n', 2), ('"id,type\n', 1), ('id\n"a"b\n', 2)])
def test_a_line_that_is_no_row_is_named(text: str, line: int) -> None:
    with pytest.raises(NotATable) as error:
        read(text)
    assert error.value.line == line


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("id,type\n".encode("utf-16"), "it is UTF-16"),
        ("id,type\n".encode("utf-16-be"), "it is UTF-16"),
        ("id,type\n".encode("utf-16-le"), "it is UTF-16"),
        ("id,type\n".encode("utf-32"), "it is UTF-32"),
        ("id,type\nP-1,Zürich\n".encode("cp1252"), "line 2 is not; it may be Windows-1252"),
        ("id\nP-1\n€\n".encode("cp1252"), "line 3 is not; it may be Windows-1252"),
        ("日本\n".encode("shift_jis"), "line 1 is not; it may be Windows-1252"),
    ],
)
def test_another_encoding_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        decode_file(body)
    assert str(refused.value) == f"file must be UTF-8 ({why}): save it as UTF-8"


@pytest.mark.parametrize("body", [b"PK\x03\x04\x14\0\x08", bytes.fromhex("d0cf11e0a1b11ae1")], ids=["xlsx", "xls"])
def test_a_workbook_is_named(body: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"^file is a workbook of a spreadsheet program: save it as CSV in UTF-8$"):
        decode_file(body)
    assert is_workbook(body.decode("utf-8", "replace"))


@pytest.mark.parametrize("first", [*FORMULA, "'", "''", "'="])
def test_no_cell_is_a_formula_and_each_comes_back(first: str) -> None:
    text = f"{first}1+1"
    written = write_table([[text]])
    [[cell]] = csv.reader(io.StringIO(written, newline=""))
    assert cell == f"'{text}"
    assert cell_text(cell) == text


def test_an_apostrophe_of_somebody_else_stays() -> None:
    assert [cell_text(cell) for cell in ("'s-Hertogenbosch", "'", "it's")] == ["'s-Hertogenbosch", "'", "it's"]


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=1, max_size=4))
def test_what_is_written_is_read_again(cells: list[str]) -> None:
    cells = ["x", *cells]
    heading = ["id", *(f"c{index}" for index in range(1, len(cells)))]
    table = read_table(decode_file((BOM + write_table([heading, cells])).encode()), heading)
    assert [[cell_text(cell) for cell in row] for _line, row in table.rows] == [cells]


def test_a_cell_that_is_too_long_is_named_with_its_line() -> None:
    table = read_table("a,b\n1,2\n3," + "x" * 1_000_000 + "\n", {"a", "b"})
    with pytest.raises(NotATable, match="is no CSV: a cell has more than 131072 characters in line 3"):
        list(table.rows)
