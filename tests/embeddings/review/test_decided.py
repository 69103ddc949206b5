from embeddings.review.decided import DISTINCT, JournalRow, decided_of

NUMBERS = iter(range(1000))


def row(identifier, why, after="lake", undoes=None, key=None):
    return JournalRow(key or f"key-{next(NUMBERS)}", identifier, after, why, undoes)


def test_the_last_label_that_a_person_set_or_kept_holds() -> None:
    found = decided_of([row("a", "review"), row("a", "reviewed", "beach"), row("b", "attributes")])
    assert found.labels == {"a": "beach"}


def test_a_decision_that_was_taken_back_does_not_hold() -> None:
    kept = row("a", "reviewed")
    assert decided_of([kept, row("a", "review", undoes=kept.key)]).labels == {}


def test_an_earlier_decision_holds_again_after_the_later_one_was_taken_back() -> None:
    later = row("a", "review", "beach")
    rows = [row("a", "reviewed"), later, row("a", "review", undoes=later.key)]
    assert decided_of(rows).labels == {"a": "lake"}


def test_another_file_ends_the_decisions_about_an_image() -> None:
    key = f"{DISTINCT}1"
    rows = [row("a", "review"), row("a", key), row("b", key), row("a", "replacement")]
    assert decided_of(rows).labels == {}
    assert decided_of(rows).distinct == ()
    assert decided_of([*rows, row("a", "review")]).labels == {"a": "lake"}


def test_images_of_one_decision_are_different_from_each_other() -> None:
    one, other = f"{DISTINCT}1", f"{DISTINCT}2"
    found = decided_of([row("a", one), row("b", one), row("b", other), row("c", other)])
    assert set(found.distinct) == {frozenset("ab"), frozenset("bc")}


def test_images_are_duplicates_again_if_the_decision_was_taken_back() -> None:
    rows = [row("a", f"{DISTINCT}1"), row("b", f"{DISTINCT}1")]
    undone = [row(each.id, each.why, undoes=each.key) for each in rows]
    assert decided_of([*rows, *undone]).distinct == ()
