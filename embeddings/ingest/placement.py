"""Placement of images in the split: known images keep their part, new groups fill the shares.

Images are linked by near-duplication or by an equal photographer. No link joins images of two of
the parts fit, tuning and validation: an image that would join two of them is placed in the pool.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from embeddings.arrays import Mask, Rows
from embeddings.ingest.near_duplicates import NEW, Links, connected_groups
from embeddings.ingest.split import TUNING_SHARE, VALIDATION_SHARE, Counts, split_groups
from embeddings.store.split import Split

Parts = npt.NDArray[np.int8]
"""Values of `Part`."""

NO_LABEL = "no label"
"""Reason for the pool of images without a label."""

NO_SIDE = "in no folder of a side"
"""Reason for the pool of images that the user's own split leaves out."""


class Part(IntEnum):
    """Part of the split that an image belongs to, in the order of precedence."""

    NEW = -1
    """Not placed yet."""
    FIT = 0
    """Training images outside of the tuning part."""
    TUNING = 1
    VALIDATION = 2
    POOL = 3
    """Neither learned from nor evaluated on."""


SPLITS: Mapping[Part, Split] = {
    Part.FIT: "train",
    Part.TUNING: "train",
    Part.VALIDATION: "validation",
    Part.POOL: "pool",
}
"""Column `split` of each part."""

_BEFORE = f"{NO_LABEL}, before in "
"""Start of the reason for the pool of an image whose label was removed."""

_DRAWS = (
    (VALIDATION_SHARE, (Part.FIT, Part.TUNING, Part.VALIDATION)),
    (TUNING_SHARE, (Part.FIT, Part.TUNING)),
)
"""Shares of held-out images, each with the parts that it is a share of; the last part is drawn."""


def reason_without_label(part: Part, reason: str | None) -> str:
    """Return the reason for the pool of an image whose label is removed, with its earlier part."""
    return f"{_BEFORE}{part.name.lower()}{f', {reason}' if reason else ''}"


def place_before(reason: str | None) -> dict[str, Any] | None:
    """Return the columns of the earlier part in a reason for the pool; None if it has none."""
    if reason is None or not reason.startswith(_BEFORE):
        return None
    name, _, earlier = reason.removeprefix(_BEFORE).partition(", ")
    part = Part[name.upper()]
    return {
        "split": SPLITS[part],
        "tuning": part is Part.TUNING,
        "pool_reason": earlier or None,
    }


def part_of(columns: Mapping[str, Any]) -> Part:
    """Return the part that the columns of an image describe."""
    if columns["split"] == "train":
        return Part.TUNING if columns["tuning"] else Part.FIT
    return Part.VALIDATION if columns["split"] == "validation" else Part.POOL


@dataclass(frozen=True)
class SplitTable:
    """Columns of the known images, with tombstones, and of the new images.

    A known image without a label that gets one is new: its part is `Part.NEW`, its group `NEW`.
    """

    ids: Sequence[str]
    labels: Sequence[str | None]
    photographers: Sequence[str | None]
    """Key of each image's photographer."""
    groups: Rows
    """Group number of each known image; `NEW` for new images."""
    parts: Parts
    """`Part` of each known image; `Part.NEW` for new images."""
    live: Mask
    """False for tombstones, which count as known, but not in the shares."""
    beside: Mapping[Part, Counter[str]] = field(default_factory=dict)
    """Numbers of live images of each class and part that have no row here, but count in the shares.

    Groups of images with a row have all their rows here.
    """


@dataclass(frozen=True)
class Placement:
    """Groups and parts of all images of a table, in its order of rows."""

    groups: Rows
    parts: Parts
    reasons: dict[int, str]
    """Reason for the pool, by row, for the images that were placed in or moved to the pool."""


def link_keys(table: SplitTable, replaced: Rows) -> Rows:
    """Return the keys of all images for `find_links`; `replaced` are rows with new content."""
    keys = 2 * table.groups + (table.parts == Part.POOL)
    keys[replaced] = keys.max(initial=NEW) + 1 + np.arange(len(replaced))
    keys[table.parts == Part.NEW] = NEW
    return np.asarray(keys, np.int64)


def place(table: SplitTable, links: Links, replaced: Rows, seed: int) -> Placement:
    """Return the placement of new images, and the changes of known ones.

    `links` are those of `find_links` for the new and the `replaced` rows, with the keys of
    `link_keys`. The order of rows has no effect on the parts.

    - A known image keeps its part or moves to the pool: if its new content is linked to another
      part, or if a photographer joins its group to a group of a part that precedes its own.
    - A connected component of new images that is linked to one part joins it. Of a component that
      is linked to several, the images linked to all but one of them, the fewest possible, go to
      the pool. Other components are new groups, placed by `split_groups`.
    - Links to images of the pool count only for a component without other links to known images.
    - Images without a label go to the pool.
    """
    draft = _Draft(table)
    _join_photographers(draft, replaced)
    _check_replaced(draft, links, replaced)
    _place_components(draft, links)
    _draw_parts(draft, seed)
    return Placement(draft.groups, draft.parts, draft.reasons)


def place_alone(label: str | None, counts: Mapping[Part, Counter[str]], seed: int) -> Part:
    """Return the part of a new image that nothing links to another, as `place` gives it.

    `counts` are the numbers of live images of its class by part.
    """
    if label is None:
        return Part.POOL
    for share, among in _DRAWS:
        known = Counts(sum((counts[part] for part in among), Counter()), counts[among[-1]])
        if split_groups([label], [0], share, seed, known):
            return among[-1]
    return Part.FIT


def keep_sides(
    table: SplitTable, links: Links, sides: Sequence[Split | None], seed: int
) -> Placement:
    """Return the placement of images with the user's own split.

    `sides` are the sides given for new images and for known images at this ingest; None for other
    images. New images without a side or a label go to the pool, and known images of another side
    than the given one. Groups are recorded, and decide about the tuning part only.
    """
    draft = _Draft(table)
    new = draft.new()
    number = {None: -1, "train": 0, "validation": 1}
    given = np.array([number[side] for side in sides], np.int64)
    _pool_moved(draft, given)
    _record_groups(draft, links)
    for row in new[(given[new] < 0) | (draft.labels[new] < 0)].tolist():
        draft.pool(row, NO_LABEL if draft.labels[row] < 0 else NO_SIDE)
    rows = new[draft.parts[new] == Part.NEW]
    draft.parts[rows[given[rows] == 1]] = Part.VALIDATION
    train = rows[given[rows] == 0]
    masks = draft.masks()[draft.groups[train]]
    for part in (Part.TUNING, Part.FIT):
        draft.parts[train[masks >> part & 1 > 0]] = part
    _draw_tuning(draft, seed)
    return Placement(draft.groups, draft.parts, draft.reasons)


def _pool_moved(draft: "_Draft", given: Rows) -> None:
    """Move known images to the pool whose side differs from the given one."""
    moved = (given >= 0) & draft.evidence()
    moved &= (given == 1) != (draft.parts == Part.VALIDATION)
    for row in np.flatnonzero(moved).tolist():
        one, other = ("validation", "train") if given[row] == 0 else ("train", "validation")
        draft.pool(row, f"moved from {one} to {other} by its folder")


class _Draft:
    """Placement in the making."""

    def __init__(self, table: SplitTable) -> None:
        self.table = table
        self.groups = table.groups.astype(np.int64)
        self.parts = table.parts.astype(np.int8)
        self.known = table.parts != Part.NEW
        self.labels = _codes(table.labels)
        self.photographers = _codes(table.photographers)
        self.reasons: dict[int, str] = {}
        self.count = int(self.groups.max(initial=NEW)) + 1
        """Number of group numbers in use."""

    def new(self) -> Rows:
        """Return the rows of new images in the order of their ids."""
        rows = np.flatnonzero(~self.known).tolist()
        return np.array(sorted(rows, key=lambda row: self.table.ids[row]), np.int64)

    def evidence(self) -> Mask:
        """Return whether images are known and not in the pool."""
        return np.asarray(self.known & (self.parts < Part.POOL))

    def masks(self) -> Rows:
        """Return the parts of each group except the pool, as bits 1 << part."""
        masks = np.zeros(self.count, np.int64)
        for part in (Part.FIT, Part.TUNING, Part.VALIDATION):
            masks[self.groups[self.parts == part]] |= 1 << part
        return masks

    def has_pooled(self) -> Mask:
        """Return whether groups contain an image of the pool with a label."""
        return _any(self.groups[(self.parts == Part.POOL) & (self.labels >= 0)], self.count)

    def pool(self, row: int, reason: str) -> None:
        """Place an image in the pool."""
        self.parts[row] = Part.POOL
        self.reasons[row] = reason

    def own_group(self, row: int) -> None:
        """Give a known image a new group."""
        self.groups[row] = self.count
        self.count += 1

    def merge(self, first: Rows, second: Rows) -> Rows:
        """Join groups and return the new number of each group: the smallest that it joins."""
        component = connected_groups(self.count, first, second)
        numbers = np.unique(component, return_index=True)[1][component]
        self.groups[self.known] = numbers[self.groups[self.known]]
        return np.asarray(numbers, np.int64)

    def name(self, row: int, part: int) -> str:
        """Return the words for the group of an image and its part."""
        return f"the group of {self.table.ids[row]!r} in {Part(part).name.lower()}"


def _codes(values: Sequence[str | None]) -> Rows:
    """Return a number for each value, numbered by first occurrence; -1 for None."""
    numbers: dict[str | None, int] = {}
    found = (-1 if value is None else numbers.setdefault(value, len(numbers)) for value in values)
    return np.fromiter(found, np.int64, len(values))


def _first_of_each(codes: Rows) -> Rows:
    """Return the position of the first equal code, for each code."""
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    return np.asarray(first[inverse], np.int64)


def _lowest(masks: Rows) -> Rows:
    """Return the first part of masks of parts; `Part.POOL` for empty masks."""
    return np.asarray([3, 0, 1, 0, 2, 0, 1, 0], np.int64)[masks]


def _join_photographers(draft: _Draft, replaced: Rows) -> None:
    """Join known groups of one photographer; the part that comes first stays."""
    eligible = draft.evidence() & (draft.photographers >= 0)
    eligible[replaced] = False
    rows = np.flatnonzero(eligible)
    partners = rows[_first_of_each(draft.photographers[rows])]
    parts = _lowest(draft.masks())
    before = draft.groups.copy()
    numbers = draft.merge(draft.groups[rows], draft.groups[partners])
    kept = np.full(draft.count, Part.POOL, np.int64)
    np.minimum.at(kept, numbers, parts)
    known = np.flatnonzero(draft.evidence())
    losing = known[parts[before[known]] > kept[draft.groups[known]]]
    if len(losing):
        _move_losers(draft, losing, kept)


def _move_losers(draft: _Draft, losing: Rows, kept: Rows) -> None:
    staying = np.flatnonzero(draft.evidence())
    staying = staying[draft.parts[staying] == kept[draft.groups[staying]]]
    example = dict(zip(draft.groups[staying].tolist(), staying.tolist(), strict=True))
    for row in losing.tolist():
        group, part = int(draft.groups[row]), int(draft.parts[row])
        other = draft.name(example[group], int(kept[group]))
        draft.pool(row, f"its group in {Part(part).name.lower()} has a photographer of {other}")


def _check_replaced(draft: _Draft, links: Links, replaced: Rows) -> None:
    """Move known images to the pool if their new content is linked to another part."""
    images, partners = _links_of_replaced(draft, links, replaced)
    is_replaced = np.zeros(len(draft.parts), bool)
    is_replaced[replaced] = True
    masks = draft.masks()
    apart = masks[draft.groups[partners]] & ~(1 << draft.parts[images].astype(np.int64)) > 0
    apart &= draft.groups[images] != draft.groups[partners]
    later = ~is_replaced[partners] | (draft.parts[images] > draft.parts[partners])
    for image, partner in zip(
        images[apart & later].tolist(), partners[apart & later].tolist(), strict=True
    ):
        if draft.parts[image] == Part.POOL:
            continue
        own = Part(int(draft.parts[image])).name.lower()
        other = draft.name(partner, int(draft.table.parts[partner]))
        draft.pool(image, f"its new content links its group in {own} to {other}")
        draft.own_group(image)
    alike = (draft.parts[images] < Part.POOL) & (draft.parts[partners] < Part.POOL) & ~apart
    draft.merge(draft.groups[images[alike]], draft.groups[partners[alike]])


def _links_of_replaced(draft: _Draft, links: Links, replaced: Rows) -> tuple[Rows, Rows]:
    """Return the links from replaced images to known ones, both outside of the pool."""
    evidence = draft.evidence()
    is_replaced = np.zeros(len(evidence), bool)
    is_replaced[replaced] = True
    pairs = [(links.images, links.partners)]
    for among in (evidence & ~is_replaced, evidence & is_replaced):
        at, others = _of_equal_photographer(draft, replaced, among)
        pairs.append((replaced[at], others))
    images, partners = (np.concatenate(each) for each in zip(*pairs, strict=True))
    wanted = evidence[images] & evidence[partners]
    return images[wanted], partners[wanted]


def _of_equal_photographer(draft: _Draft, rows: Rows, among: Mask) -> tuple[Rows, Rows]:
    """Return positions in `rows` and one image of each key that has the same photographer."""
    known = np.flatnonzero(among & draft.known & (draft.photographers >= 0))
    keys = 2 * draft.groups[known] + (draft.parts[known] == Part.POOL)
    span = 2 * draft.count
    codes, first = np.unique(draft.photographers[known] * span + keys, return_index=True)
    owners, partners = codes // span, known[first]
    asked = draft.photographers[rows]
    start, stop = (np.searchsorted(owners, asked, side) for side in ("left", "right"))
    stop = np.where(asked >= 0, stop, start)
    lengths = stop - start
    at = np.repeat(np.arange(len(rows)), lengths)
    offset = np.arange(len(at)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return at, partners[start[at] + offset]


def _components(draft: _Draft, links: Links, new: Rows) -> Rows:
    """Return the component of each new image, by near-duplicates and photographers among them."""
    positions = np.arange(len(new))
    photographed = np.flatnonzero(draft.photographers[new] >= 0)
    same = photographed[_first_of_each(draft.photographers[new[photographed]])]
    alike = _first_of_each(links.clusters[new].astype(np.int64))
    first = np.concatenate([positions, photographed])
    second = np.concatenate([alike, same])
    return np.asarray(connected_groups(len(new), first, second), np.int64)


def _links_to_known(draft: _Draft, links: Links, new: Rows) -> tuple[Rows, Rows]:
    """Return positions in `new` and known images linked to them."""
    position = np.full(len(draft.parts), -1)
    position[new] = np.arange(len(new))
    near = position[links.images] >= 0
    at, partners = _of_equal_photographer(draft, new, draft.known)
    return (
        np.concatenate([position[links.images[near]], at]),
        np.concatenate([links.partners[near], partners]),
    )


def _record_groups(draft: _Draft, links: Links) -> None:
    """Join the groups of all linked images, and number the groups of new images."""
    new = draft.new()
    components = _components(draft, links, new)
    at, partners = _links_to_known(draft, links, new)
    known = np.flatnonzero(draft.known & (draft.photographers >= 0))
    same = known[_first_of_each(draft.photographers[known])]
    replaced = draft.known[links.images]
    joined = (draft.groups[known], draft.groups[links.images[replaced]])
    others = (draft.groups[same], draft.groups[links.partners[replaced]])
    units, groups = _join(
        draft,
        np.concatenate([components[at] + draft.count, *joined]),
        np.concatenate([draft.groups[partners], *others]),
        int(components.max(initial=-1)) + 1,
    )
    _number(draft, new, units[components], groups[components])


def _join(draft: _Draft, first: Rows, second: Rows, components: int) -> tuple[Rows, Rows]:
    """Join groups and components of new images, whose numbers follow those of the groups.

    The result contains the number of a unit of joined components, and the smallest group that it
    joins or `NEW`, for each component.
    """
    units = connected_groups(draft.count + components, first, second)
    smallest = np.unique(units, return_index=True)[1][units]
    draft.groups[draft.known] = smallest[draft.groups[draft.known]]
    own = smallest[draft.count :]
    return own, np.where(own < draft.count, own, NEW)


def _number(draft: _Draft, new: Rows, units: Rows, groups: Rows) -> None:
    """Store the groups of new images; units without one are numbered by their first image."""
    fresh = groups == NEW
    _, first, inverse = np.unique(units[fresh], return_index=True, return_inverse=True)
    draft.groups[new] = groups
    draft.groups[new[fresh]] = draft.count + np.argsort(np.argsort(first))[inverse]
    draft.count += len(first)


@dataclass(frozen=True)
class _Arrivals:
    """New images in the order of their ids, and their links to known images."""

    rows: Rows
    components: Rows
    """Number of each image's component."""
    at: Rows
    """Position in `rows` of each link's new image."""
    partners: Rows
    """Row of each link's known image."""
    decides: Mask
    """True for links of labelled images to images outside of the pool."""

    @property
    def count(self) -> int:
        """Number of components."""
        return int(self.components.max(initial=-1)) + 1

    @property
    def owners(self) -> Rows:
        """Component of each link."""
        return np.asarray(self.components[self.at], np.int64)


def _place_components(draft: _Draft, links: Links) -> None:
    """Give new images their groups, and the parts of the known groups that they join."""
    rows = draft.new()
    at, partners = _links_to_known(draft, links, rows)
    decides = (draft.labels[rows[at]] >= 0) & (draft.parts[partners] < Part.POOL)
    arrivals = _Arrivals(rows, _components(draft, links, rows), at, partners, decides)
    joining = _pool_joining(draft, arrivals)
    groups, parts, units = _resolve(draft, arrivals, joining)
    of_image = groups[arrivals.components]
    of_image[joining] = NEW
    of_unit = units[arrivals.components]
    of_unit[joining] = units.max(initial=0) + 1 + np.flatnonzero(joining)
    _number(draft, rows, of_unit, of_image)
    _set_parts(draft, arrivals, parts[arrivals.components], ~joining)


def _pool_joining(draft: _Draft, arrivals: _Arrivals) -> Mask:
    """Place the images in the pool that would join parts, and return which ones."""
    masks = draft.masks()
    at, partners = arrivals.at[arrivals.decides], arrivals.partners[arrivals.decides]
    reached = _union(at, masks[draft.groups[partners]], len(arrivals.rows))
    kept = _kept_parts(arrivals.components, reached)[arrivals.components]
    joining = reached & ~(1 << kept) > 0
    affected = np.isin(arrivals.components, arrivals.components[joining])
    examples: dict[tuple[str, int, int], int] = {}
    for position, partner in zip(
        at[affected[at]].tolist(), partners[affected[at]].tolist(), strict=True
    ):
        for part in _parts_of(int(masks[draft.groups[partner]])):
            examples.setdefault(("image", position, part), partner)
            examples.setdefault(("component", int(arrivals.components[position]), part), partner)
    for position in np.flatnonzero(joining).tolist():
        own = _parts_of(int(reached[position]))
        named = {part: examples["image", position, part] for part in own}
        if len(own) == 1:
            part = int(kept[position])
            named[part] = examples["component", int(arrivals.components[position]), part]
        one, other = sorted(named)[:2]
        words = f"{draft.name(named[one], one)} and {draft.name(named[other], other)}"
        draft.pool(int(arrivals.rows[position]), f"links {words}")
    return np.asarray(joining)


def _kept_parts(components: Rows, reached: Rows) -> Rows:
    """Return the part that each component keeps: the fewest images are linked to the others."""
    count = int(components.max(initial=-1)) + 1
    masks = _union(components, reached, count)
    moved = np.full((3, count), np.inf)
    for part in range(3):
        others = np.bincount(components[reached & ~(1 << part) > 0], minlength=count)
        moved[part] = np.where(masks >> part & 1, others, np.inf)
    return np.asarray(moved.argmin(axis=0), np.int64)


def _resolve(draft: _Draft, arrivals: _Arrivals, joining: Mask) -> tuple[Rows, Rows, Rows]:
    """Return the group, the part and the unit of each component; `NEW` if still to be given.

    Links that do not decide count for components without a link that does.
    """
    owners, count = arrivals.owners, arrivals.count
    masks = draft.masks()
    groups = draft.groups[arrivals.partners]
    reached_by_link = masks[groups]
    ended = (draft.has_pooled() & (masks == 0))[groups]
    strong = arrivals.decides & ~joining[arrivals.at]
    decided = _any(owners[strong], count)
    weak = ~decided[owners] & ~joining[arrivals.at]
    counting = strong | weak
    reached = _union(owners[counting], reached_by_link[counting], count)
    closed = (np.bitwise_count(reached) > 1) | (reached == 0) & _any(owners[weak & ended], count)
    opened = weak & (reached[owners] == 0) & ~closed[owners]
    edges = strong | opened
    units, joined = _join(draft, owners[edges] + draft.count, groups[edges], count)
    usable = weak & np.where(closed[owners], ended, reached_by_link > 0)
    nearest = np.full(count, draft.count)
    np.minimum.at(nearest, owners[usable], draft.groups[arrivals.partners[usable]])
    joined = np.where((joined == NEW) & (nearest < draft.count), nearest, joined)
    parts = np.where(closed, Part.POOL, np.where(reached > 0, _lowest(reached), Part.NEW))
    return joined, parts, units


def _set_parts(draft: _Draft, arrivals: _Arrivals, parts: Rows, staying: Mask) -> None:
    """Store the parts of new images, with the reasons for the pool."""
    labelled = draft.labels[arrivals.rows] >= 0
    draft.parts[arrivals.rows[labelled & staying]] = parts[labelled & staying]
    example = dict(
        zip(arrivals.owners[::-1].tolist(), arrivals.partners[::-1].tolist(), strict=True)
    )
    for position in np.flatnonzero(labelled & staying & (parts == Part.POOL)).tolist():
        partner = draft.table.ids[example[int(arrivals.components[position])]]
        row = int(arrivals.rows[position])
        draft.pool(row, f"linked only to images of the pool, such as {partner!r}")
    for row in arrivals.rows[~labelled].tolist():
        draft.pool(row, NO_LABEL)


def _union(owners: Rows, masks: Rows, count: int) -> Rows:
    """Return the union of the masks of each owner."""
    union = np.zeros(count, np.int64)
    np.bitwise_or.at(union, owners, masks)
    return union


def _any(owners: Rows, count: int) -> Mask:
    """Return whether each of `count` owners occurs."""
    occurs = np.zeros(count, bool)
    occurs[owners] = True
    return occurs


def _parts_of(mask: int) -> list[int]:
    return [part for part in range(Part.POOL) if mask >> part & 1]


def _draw_parts(draft: _Draft, seed: int) -> None:
    """Place new groups in validation, tuning and fit."""
    for share, among in _DRAWS:
        _draw(draft, share, seed, among)
    draft.parts[_waiting(draft)] = Part.FIT


def _draw_tuning(draft: _Draft, seed: int) -> None:
    share, among = _DRAWS[-1]
    _draw(draft, share, seed, among)
    draft.parts[_waiting(draft)] = Part.FIT


def _waiting(draft: _Draft) -> Rows:
    return np.flatnonzero(draft.parts == Part.NEW)


def _draw(draft: _Draft, share: float, seed: int, among: tuple[Part, ...]) -> None:
    """Place groups of the waiting images in the last of these parts, up to a share of each class.

    The share is that of the images in all of them.
    """
    labels, rows = draft.table.labels, _waiting(draft)
    counts = {part: _count(draft, part) for part in among}
    known = Counts(sum(counts.values(), Counter()), counts[among[-1]])
    of_rows = [label for row in rows.tolist() if (label := labels[row])]
    chosen = split_groups(of_rows, draft.groups[rows].tolist(), share, seed, known)
    held_out = rows[np.isin(draft.groups[rows], list(chosen))]
    draft.parts[held_out] = among[-1]


def _count(draft: _Draft, part: Part) -> Counter[str]:
    """Return the numbers of live images of each class in a part."""
    labels = draft.table.labels
    rows = np.flatnonzero(draft.table.live & (draft.parts == part)).tolist()
    here = Counter(label for row in rows if (label := labels[row]))
    return here + draft.table.beside.get(part, Counter())
