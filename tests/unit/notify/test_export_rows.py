"""Exports: what is a formula to a spreadsheet is text here, and every cell comes back as it was."""

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from milepost.exports import ROW_STARTS, Format
from milepost_notify import export_rows as rows

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
EVIL = TEXT | st.sampled_from(
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        " =1",
        "＝1",
        "\n=1",
        "\0\n",
        '"=1',
        "=cmd|' /C calc'!A0",
    ]
)
RECORDS = st.lists(
    st.fixed_dictionaries(
        {
            name: st.none() | EVIL | st.integers() | st.lists(EVIL) | st.dictionaries(TEXT, EVIL)
            for name in rows.COLUMNS
        }
    ),
    max_size=4,
)
FORMULA_STARTS = "=+-@\t\r\n＝＋－＠"


def _file(form: Format, records: list[dict[str, Any]], cut: int) -> bytes:
    parts = [records[:cut], records[cut:]]
    body = rows.rows(form, parts[0], first=True)
    body += rows.rows(form, parts[1], first=not parts[0])
    return rows.head(form) + body + rows.tail(form)


@given(RECORDS, st.integers(0, 4))
@example([dict.fromkeys(rows.COLUMNS, "\0\n1")], 0)
def test_no_cell_of_a_csv_is_a_formula_and_none_is_lost(
    records: list[dict[str, Any]], cut: int
) -> None:
    content = _file("csv", records, cut)
    table = list(csv.reader(io.StringIO(content.decode(), newline="")))
    assert table[0] == list(rows.COLUMNS)
    assert len(table) == len(records) + 1
    for record, line in zip(records, table[1:], strict=True):
        for name, cell in zip(rows.COLUMNS, line, strict=True):
            assert not cell.lstrip(" \0").startswith(tuple(FORMULA_STARTS)), cell
            value = record[name]
            if isinstance(value, str):
                assert cell.removeprefix("'") == value.replace("\r\n", "\n").replace(
                    "\r", "\n"
                ).removeprefix("'")
    assert content.count(ROW_STARTS["csv"]) == len(records) + 1


@given(RECORDS, st.integers(0, 4))
def test_a_json_file_is_its_records_and_a_line_each(
    records: list[dict[str, Any]], cut: int
) -> None:
    content = _file("json", records, cut)
    assert json.loads(content) == records
    assert content.count(ROW_STARTS["json"]) == len(records)


@pytest.mark.parametrize(
    "cell", ["=1", "+1", "-1", "@a", "\t=1", " =1", "|x", "%x", "＠a", "\r\nx"]
)
def test_what_a_spreadsheet_would_run_is_marked_as_text(cell: str) -> None:
    assert rows.safe(cell).startswith("'")


@pytest.mark.parametrize("cell", ["", "a=1", "Mail: hello", "한글", "1-2", "{}"])
def test_what_is_harmless_stays_as_it_is(cell: str) -> None:
    assert rows.safe(cell) == cell
