"""Labels that would become new classes."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.ingest.classes import UnknownClass, edit_distance, nearest, refuse_new_classes

TEXTS = st.text("abc", max_size=7)


@cache
def by_definition(one: str, other: str) -> int:
    if not one or not other:
        return len(one) + len(other)
    return min(
        by_definition(one[1:], other) + 1,
        by_definition(one, other[1:]) + 1,
        by_definition(one[1:], other[1:]) + (one[0] != other[0]),
    )


@given(TEXTS, TEXTS)
def test_edit_distance_is_that_of_its_definition(one: str, other: str) -> None:
    assert edit_distance(one, other) == by_definition(one, other)


def test_the_nearest_class_ignores_case_and_is_the_first_of_several() -> None:
    assert nearest("LAEK", ["city", "lake"]) == "lake"
    assert nearest("bat", ["hat", "cat"]) == "hat"


def test_a_label_of_no_class_is_named_with_the_nearest_class_and_a_remedy() -> None:
    with pytest.raises(UnknownClass) as caught:
        refuse_new_classes(["lake", None, "laek"], ("city", "lake"), "Ask.")
    assert str(caught.value) == (
        "There is no class 'laek' (the nearest is 'lake'); the classes are city, lake. Ask."
    )


def test_many_labels_and_classes_are_cut() -> None:
    classes = [f"class{number}" for number in range(30)]
    with pytest.raises(UnknownClass, match=r"'x4'.* and 2 more; .*class19 and 10 more\.") as caught:
        refuse_new_classes([f"x{number}" for number in (4, 3, 2, 1, 0)], classes, "")
    assert str(caught.value).startswith("There are no classes 'x4' (the nearest is 'class4')")


def test_a_collection_without_classes_takes_every_label() -> None:
    refuse_new_classes(["lake"], (), "")


def test_composed_and_decomposed_names_are_the_same_class() -> None:
    refuse_new_classes(
        ["cafe\N{COMBINING ACUTE ACCENT}"], ["caf\N{LATIN SMALL LETTER E WITH ACUTE}"], ""
    )
