"""Columns in Arrow memory give the same as lists of Python objects."""

from bisect import bisect_left

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from embeddings.store.columns import Categories, Strings, is_ascending

_TEXTS = st.text(max_size=4)
_LABELS = st.sampled_from([None, "", "lake", "forest", "Wälder", "山"])


@given(st.sets(_TEXTS), st.lists(_TEXTS))
def test_strings_are_found_as_in_a_list(present: set[str], wanted: list[str]) -> None:
    expected = sorted(present)
    array = pa.array(expected, pa.string())
    strings = Strings(array)
    assert is_ascending(array)
    assert list(strings) == expected
    for each in [*expected, *wanted]:
        assert strings.find(each) == (expected.index(each) if each in present else None)
        assert bisect_left(strings, each) == bisect_left(expected, each)


@given(st.lists(_TEXTS, min_size=1), st.data())
def test_rows_and_slices_of_strings(values: list[str], data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.integers(0, len(values) - 1)))
    strings = Strings(pa.array(values, pa.string()))
    assert strings.take(np.array(rows, np.int64)) == [values[row] for row in rows]
    assert list(strings[1:3]) == values[1:3]


def test_equal_or_descending_strings_are_not_ascending() -> None:
    assert not is_ascending(pa.array(["a", "a"]))
    assert not is_ascending(pa.array(["b", "a"]))
    assert is_ascending(pa.array([], pa.string()))


@given(st.lists(_LABELS), st.lists(_LABELS), st.data())
def test_categories_equal_a_list(
    values: list[str | None], added: list[str | None], data: st.DataObject
) -> None:
    column: Categories[str | None] = Categories.of(pa.array(values, pa.string()))
    changed = data.draw(
        st.dictionaries(st.integers(0, max(len(values) - 1, 0)), _LABELS) if values else st.just({})
    )
    known = column.numbers.copy()
    later = column.extended(
        len(values) + len(added), {**changed, **dict(enumerate(added, len(values)))}
    )
    expected = [changed.get(row, each) for row, each in enumerate(values)] + added
    assert [column[row] for row in range(len(column))] == values
    assert [later[row] for row in range(len(later))] == expected
    assert (column.numbers == known).all()
    for label in (None, "lake", "山", "elsewhere"):
        assert later.equal(label).tolist() == [each == label for each in expected]
    chosen = np.array(data.draw(st.lists(st.booleans(), min_size=len(later), max_size=len(later))))
    chosen = chosen.astype(np.bool_)
    assert later.present(chosen) == {
        each for each, is_chosen in zip(expected, chosen, strict=True) if is_chosen
    }
    same = [row for row, each in enumerate(values) if expected[row] == each]
    assert [row for row in range(len(values)) if later.numbers[row] == known[row]] == same
