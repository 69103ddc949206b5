"""Inspecting every file of a data set: what can be taken, what is left out, and why."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import islice

from embeddings.images import ImageRejected, open_rgb
from embeddings.photographs import LeftOut, Split
from embeddings.progress import Track
from training.classes import Layout, find_layout, is_photograph
from training.files import DataFile
from training.near_duplicates import Hash, difference_hash, join, near_pairs

_AHEAD = 64


@dataclass(frozen=True)
class Inspected:
    """A photograph that can be taken."""

    id: str
    label: str
    split: Split | None
    """The user's own split, where there is one."""
    file: DataFile
    digest: str
    hash: Hash
    width: int
    height: int


@dataclass(frozen=True)
class Inspection:
    """All photographs that can be taken, and all files that cannot."""

    photographs: tuple[Inspected, ...]
    """In the order of their ids."""
    clusters: tuple[int, ...]
    """Number of each photograph's cluster of near-duplicates."""
    left_out: tuple[LeftOut, ...]


_Outcome = Inspected | LeftOut


def inspect(files: tuple[DataFile, ...], workers: int, track: Track) -> Inspection:
    """Decode every file and sort out damaged ones, duplicates and label conflicts.

    The order of `files` changes nothing.
    """
    ordered = sorted(files, key=lambda file: (file.path.parts, file.state))
    layout = find_layout([file.path for file in ordered])
    outcomes = list(track(_examine_all(ordered, layout, workers), "Photographs", len(ordered)))
    left_out = [outcome for outcome in outcomes if isinstance(outcome, LeftOut)]
    found = [outcome for outcome in outcomes if isinstance(outcome, Inspected)]
    once = _without_copies(_distinct_ids(found), left_out)
    kept = sorted(once, key=lambda photograph: photograph.id)
    pairs = near_pairs([photograph.hash for photograph in kept]) if kept else []
    conflicts = _same_name_conflicts(kept, pairs)
    left_out += [_left_out(kept[row], conflicts[row]) for row in sorted(conflicts)]
    clusters = join(len(kept), pairs)
    rows = [row for row in range(len(kept)) if row not in conflicts]
    return Inspection(
        tuple(kept[row] for row in rows), tuple(clusters[row] for row in rows), tuple(left_out)
    )


def _examine_all(files: Sequence[DataFile], layout: Layout, workers: int) -> Iterator[_Outcome]:
    """Examine on several threads, in order, never holding many photographs in memory."""
    with ThreadPoolExecutor(workers) as pool:
        source = iter(files)
        while chunk := list(islice(source, _AHEAD)):
            yield from pool.map(lambda file: _examine(file, layout), chunk)


def _examine(file: DataFile, layout: Layout) -> _Outcome:
    def refused(reason: str) -> LeftOut:
        return LeftOut(path=str(file.path), reason=reason)

    if not is_photograph(file.path):
        return refused("not a JPEG, PNG or WebP file")
    label = layout.label(file.path)
    if label is None:
        return refused("in no class folder")
    if file.size == 0:
        return refused("empty file")
    if file.too_large:
        return refused("larger than any photograph")
    try:
        content = file.read()
        image = open_rgb(content)
    except ImageRejected as error:
        return refused(f"{error.rejection}: {error}")
    except Exception as error:  # a damaged archive member raises many kinds
        return refused(f"unreadable: {error}")
    return Inspected(
        id=layout.identifier(file.path),
        label=label,
        split=layout.split(file.path),
        file=file,
        digest=sha256(content).hexdigest(),
        hash=difference_hash(image),
        width=image.width,
        height=image.height,
    )


def _distinct_ids(found: list[Inspected]) -> list[Inspected]:
    """Where `a.jpg` and `a.png` would share an id, the later ones keep their extension."""
    taken: set[str] = set()
    distinct = []
    for photograph in found:
        identifier = photograph.id
        if identifier in taken:
            identifier += photograph.file.path.suffix
        while identifier in taken:
            identifier += "_"
        taken.add(identifier)
        distinct.append(replace(photograph, id=identifier))
    return distinct


def _without_copies(found: list[Inspected], left_out: list[LeftOut]) -> list[Inspected]:
    """Keep byte-identical photographs once, and none where their classes differ."""
    copies: dict[str, list[Inspected]] = defaultdict(list)
    for photograph in found:
        copies[photograph.digest].append(photograph)
    kept = []
    for photograph in found:
        same = copies[photograph.digest]
        if len({copy.label for copy in same}) > 1:
            others = ", ".join(str(copy.file.path) for copy in same if copy is not photograph)
            left_out.append(_left_out(photograph, f"label conflict: also at {others}"))
        elif photograph is not same[0]:
            left_out.append(_left_out(photograph, f"copy of {same[0].file.path}"))
        else:
            kept.append(photograph)
    return kept


def _same_name_conflicts(kept: list[Inspected], pairs: list[tuple[int, int]]) -> dict[int, str]:
    """Near-duplicates of the same name in two classes: the same photograph, saved twice."""
    conflicts: dict[int, str] = {}
    for first, second in pairs:
        one, other = kept[first], kept[second]
        if one.label != other.label and one.file.path.name == other.file.path.name:
            conflicts[first] = f"label conflict: also at {other.file.path}"
            conflicts[second] = f"label conflict: also at {one.file.path}"
    return conflicts


def _left_out(photograph: Inspected, reason: str) -> LeftOut:
    return LeftOut(path=str(photograph.file.path), reason=reason)
