"""Cells of CSV tables as spreadsheets read them."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from embeddings.export.csv_table import lines, safe_text

_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(st.lists(st.lists(_TEXTS, min_size=2, max_size=4)))
def test_rows_are_read_as_they_were_written(rows: list[list[str]]) -> None:
    assert list(csv.reader(io.StringIO(lines(rows).decode(), newline=""))) == rows


@given(st.sampled_from(["", "=", "+", "-", "@", "\t", "\r", "\n"]), _TEXTS)
def test_no_text_begins_like_a_formula_and_the_rest_is_unchanged(start: str, rest: str) -> None:
    text = start + rest
    safe = safe_text(text)
    assert safe[:1] not in {"=", "+", "-", "@", "\t", "\r", "\n"}
    assert safe in {text, f"'{text}"}
    assert safe == text or text[0] in "=+-@\t\r\n"
