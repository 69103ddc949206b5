"""Classes of a collection, and labels that would become new ones."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from embeddings.file_names import to_nfc
from embeddings.ingest.changes import InvalidChange
from embeddings.release.reader import ReleaseError, current_release, read_manifest
from embeddings.store.store import Store

NEW_CLASS_OPTION = "Add --new-class to create a class."
"""Remedy on the command line."""

_LISTED = 20
_NAMED = 3


class UnknownClass(InvalidChange):
    """Label that no image of the collection has, and that is no class of the model."""


def refuse_new_classes(labels: Iterable[str | None], classes: Collection[str], remedy: str) -> None:
    """Raise `UnknownClass` if a label is none of the classes; `remedy` ends the message.

    A collection without classes takes every label.
    """
    if not classes:
        return
    given = dict.fromkeys(to_nfc(each) for each in labels if each is not None)
    unknown = [each for each in given if each not in classes]
    if unknown:
        raise UnknownClass(f"{_missing(unknown, classes)} {remedy}")


def classes_of(store: Store, releases: Path) -> tuple[str, ...]:
    """Return the labels of all images of a store and the classes of the current release.

    Without labelled images there are none. Raises `StoreError`.
    """
    labels = store.at().images.classes if store.exists else ()
    if not labels:
        return ()
    try:
        published = read_manifest(current_release(releases)).classes
    except ReleaseError:
        published = ()
    return tuple(dict.fromkeys((*labels, *published)))


def nearest(name: str, classes: Iterable[str]) -> str:
    """Return the class with the smallest edit distance to a name, the first of several."""
    return min(classes, key=lambda each: edit_distance(name.casefold(), each.casefold()))


def edit_distance(one: str, other: str) -> int:
    """Return the number of inserted, deleted and replaced characters between two texts."""
    above: list[int] = [*range(len(other) + 1)]
    for row, character in enumerate(one, 1):
        line = [row]
        for column, counterpart in enumerate(other, 1):
            replaced = above[column - 1] + (character != counterpart)
            line.append(min(replaced, above[column] + 1, line[-1] + 1))
        above = line
    return above[-1]


def _missing(unknown: Sequence[str], classes: Collection[str]) -> str:
    named = [f"{each!r} (the nearest is {nearest(each, classes)!r})" for each in unknown[:_NAMED]]
    more = f" and {len(unknown) - _NAMED:,} more" if len(unknown) > _NAMED else ""
    kind = "is no class" if len(unknown) == 1 else "are no classes"
    listed = ", ".join([*classes][:_LISTED])
    others = f" and {len(classes) - _LISTED:,} more" if len(classes) > _LISTED else ""
    return f"There {kind} {', '.join(named)}{more}; the classes are {listed}{others}."
