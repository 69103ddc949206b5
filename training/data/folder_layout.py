"""Folder layout of a data set: class folders and folders of a predefined split."""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal, Protocol

from embeddings.ingest.file_types import without_suffix
from embeddings.store.split import Split

_Parts = tuple[str, ...]
_Side = Literal["train", "validation", "unlabelled"]

_WORDS: dict[str, _Side] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(
        ("val", "valid", "validation", "validate", "dev", "test", "testing", "eval", "evaluation"),
        "validation",
    ),
    **dict.fromkeys(
        ("pred", "predict", "prediction", "predictions", "unlabeled", "unlabelled"), "unlabelled"
    ),
}
# fmt: off
_FILLERS = frozenset({
    "cropped", "data", "dataset", "files", "folder", "image", "images", "img", "imgs", "photos",
    "pics", "pictures", "raw", "resized", "samples", "seg", "set", "sets", "split",
})
# fmt: on
_SHOWN = 10
_FILLED = re.compile(f"({'|'.join(_WORDS)})({'|'.join(_FILLERS)})")


@dataclass(frozen=True)
class Place:
    """Class and split of a file, derived from its folders."""

    label: str | None = None
    split: Split | None = None
    """Predefined split, if there is one."""
    reason: str = ""
    """Reason for a missing label."""


class DataLayout(Protocol):
    """Rule that gives the class and the id of each file of a data set."""

    def place(self, path: PurePosixPath) -> Place:
        """Return the class and the predefined split of a file."""

    def identifier(self, path: PurePosixPath) -> str:
        """Return the id of the image in a file, unless it is taken."""

    def describe(self, labels: Collection[str]) -> str:
        """Return one sentence that describes the layout."""


@dataclass(frozen=True)
class ParentLayout:
    """Layout of single files: the class is the name of the parent folder."""

    classes: frozenset[str]
    """Classes of the collection; other folders name no class."""

    def place(self, path: PurePosixPath) -> Place:
        """Return the class of a file."""
        name = path.parent.name
        if name in self.classes:
            return Place(name)
        return Place(
            reason=f"in no class folder: the collection has no class {name!r}; set it with --label"
        )

    def identifier(self, path: PurePosixPath) -> str:
        """Return the path without the extension."""
        return str(without_suffix(path))

    def describe(self, labels: Collection[str]) -> str:
        """Return one sentence that lists the classes."""
        return f"Files of {len(labels)} classes ({_listed(sorted(labels))})."


@dataclass(frozen=True)
class _Branch:
    """Folder of one side of a predefined split."""

    side: _Side
    wrapper: _Parts
    """Wrapper folders within it: they contain all files and name no class."""
    labels: frozenset[str]
    """Names of its class folders."""


@dataclass(frozen=True)
class Layout:
    """Nesting of the folders of a data set."""

    wrapper: _Parts
    """Wrapper folders: they contain all files and name no class."""
    branches: Mapping[str, _Branch]
    """Sides of a split, by folder name; empty if the outermost folders are classes."""
    split_within: bool = False
    """True if each class folder contains the sides of a split."""
    has_split: bool = False
    """True if the predefined split is kept."""

    def place(self, path: PurePosixPath) -> Place:
        """Return the class and the predefined split of a file."""
        inner = _within(path.parts, self.wrapper)
        if inner is None:
            return Place(reason="in no class folder: outside of the data set's folder")
        side: _Side | None = None
        if self.branches:
            branch = self.branches.get(inner[0]) if len(inner) > 1 else None
            if branch is None:
                return Place(reason="in no class folder: outside of the folders of the split")
            if branch.side == "unlabelled":
                return Place(reason=f"unlabelled: {inner[0]} has no class folders")
            side, inner = branch.side, _within(inner[1:], branch.wrapper)
        elif self.split_within and len(inner) > 2:
            side = side_of(inner[1])
        if inner is None or len(inner) < 2:
            return Place(reason="in no class folder")
        return Place(inner[0], side if self.has_split and side != "unlabelled" else None)

    def identifier(self, path: PurePosixPath) -> str:
        """Return the path in the data set without the extension."""
        return str(
            without_suffix(PurePosixPath(*(_within(path.parts, self.wrapper) or path.parts)))
        )

    def describe(self, labels: Collection[str]) -> str:
        """Return one sentence that describes the detected layout."""
        named: dict[_Side, list[str]] = defaultdict(list)
        for name, branch in sorted(self.branches.items()):
            named[branch.side].append(name)
        facts = [f"{len(labels)} classes ({_listed(sorted(labels))})"]
        if self.wrapper:
            facts.append(f"in the folder {'/'.join(self.wrapper)}")
        if self.split_within:
            facts.append("predefined split in each class folder")
        elif self.has_split:
            facts.append(
                f"predefined split (train: {_listed(named['train'])}; "
                f"validation: {_listed(named['validation'])})"
            )
        else:
            facts.append("no predefined split")
        if named["unlabelled"]:
            facts.append(f"unlabelled: {_listed(named['unlabelled'])}")
        odd = [label for label in sorted(labels) if side_of(label)]
        if odd:
            facts.append(f"{_listed(odd)} read as a class because its siblings are classes")
        return f"Folders: {'; '.join(facts)}."


def side_of(name: str) -> _Side | None:
    """Return the side of a split that a folder name such as `seg_train` or `TestSet` denotes."""
    words = _FILLED.sub(r"\1 \2", name.lower())
    found = [word for word in re.findall(r"[^\W\d_]+", words) if word not in _FILLERS]
    return _WORDS.get(found[0]) if len(found) == 1 else None


def find_layout(paths: Sequence[PurePosixPath]) -> Layout:
    """Return the layout of the images with these paths."""
    wrapper, inside = _without_wrapper([path.parts for path in paths])
    folders: dict[str, list[_Parts]] = defaultdict(list)
    for parts in inside:
        if len(parts) > 1:
            folders[parts[0]].append(parts[1:])
    branches = _branches(folders)
    sides = {branch.side for branch in branches.values()}
    within = not branches and bool(folders) and all(map(_is_split, folders.values()))
    return Layout(wrapper, branches, within, within or {"train", "validation"} <= sides)


def _within(parts: _Parts, wrapper: _Parts) -> _Parts | None:
    return parts[len(wrapper) :] if parts[: len(wrapper)] == wrapper else None


def _without_wrapper(paths: list[_Parts]) -> tuple[_Parts, list[_Parts]]:
    """Return the wrapper folders, and the paths within them."""
    wrapper: _Parts = ()
    while True:
        inside = [parts for parts in paths if len(parts) > 1]
        deep = sum(len(parts) > 2 for parts in inside)
        if len({parts[0] for parts in inside}) != 1 or 2 * deep < len(inside):
            return wrapper, paths
        wrapper += inside[0][:1]
        paths = [parts[1:] for parts in inside]


def _branches(folders: Mapping[str, list[_Parts]]) -> dict[str, _Branch]:
    """Return the sides of the predefined split; none if the outermost folders are classes."""
    sides = {name: side for name in folders if (side := side_of(name))}
    branches = {
        name: _branch(name, folders[name], "train")
        for name, side in sides.items()
        if side == "train"
    }
    known = frozenset(label for branch in branches.values() for label in branch.labels)
    for name, side in sides.items():
        if side != "train":
            branches[name] = _branch(name, folders[name], side, known)
    held_out = [branches[name] for name, side in sides.items() if side == "validation"]
    others = [folders[name] for name in folders if name not in sides]
    if not others:
        return branches if set(sides.values()) & {"train", "validation"} else {}
    # Beside other folders, a side and a class of the same name differ only in the classes within.
    alike = all(branch.side == "unlabelled" or branch.labels & known for branch in held_out)
    apart = not any(known & _labels(paths) for paths in others)
    return branches if held_out and len(known) > 1 and alike and apart else {}


def _branch(
    name: str, paths: list[_Parts], side: _Side, known: frozenset[str] = frozenset()
) -> _Branch:
    """Return the layout of one side; `known` are the classes of the training side."""
    wrapper: _Parts = ()
    while True:
        inside = [parts for parts in paths if len(parts) > 1]
        labels = _labels(paths)
        (only, *more) = labels or {""}
        deep = sum(len(parts) > 2 for parts in inside)
        says_nothing = side_of(only) or only.lower() in {name.lower(), *_FILLERS}
        if not inside or more or only in known or not (2 * deep >= len(inside) or says_nothing):
            break
        wrapper += (only,)
        paths = [parts[1:] for parts in inside]
    # A single folder whose name is no class, such as `test/unknown`, holds unlabelled images.
    nameless = len(labels) == 1 and len(known) > 1 and not labels & known
    return _Branch("unlabelled" if not labels or nameless else side, wrapper, labels)


def _is_split(paths: list[_Parts]) -> bool:
    """Return whether a class folder contains both sides of a split and nothing else."""
    return {side_of(parts[0]) if len(parts) > 1 else None for parts in paths} == {
        "train",
        "validation",
    }


def _labels(paths: list[_Parts]) -> frozenset[str]:
    return frozenset(parts[0] for parts in paths if len(parts) > 1)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown
