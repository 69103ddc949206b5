"""Stratified split by group: no group is on both sides."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

SPLIT_RULE = 3
"""Version of the split rule, of the rule for groups and of the order of group numbers.

A store records it. Under another version, known images keep their part of the split.
"""

SplitName = Literal["grouped", "random"]
"""Unit of the split: groups (photographer, near-duplicates) as stored, or single images."""

VALIDATION_SHARE = 0.2
TUNING_SHARE = 0.1


@dataclass(frozen=True)
class Counts:
    """Numbers of images of each class that are split already."""

    seen: Counter[str] = field(default_factory=Counter)
    """Images on both sides."""
    taken: Counter[str] = field(default_factory=Counter)
    """Held-out images."""


def split_groups(
    labels: Sequence[str],
    groups: Sequence[int],
    share: float,
    seed: int,
    known: Counts | None = None,
) -> frozenset[int]:
    """Return the groups to hold out: about `share` of each class, in whole groups.

    Groups are drawn in random order from bands of similar size, largest first. After each band, the
    held-out images of a class do not exceed `share` of its images in the bands so far, so that
    prolific photographers are held out as often as others. A group larger than the share of its
    class is kept, unless the class would otherwise have no held-out image. No class is held out
    completely. Images that are split already (`known`) count as a first band.

    Of n images of a class, at most share x n + 1/2 are held out, unless they are one group. In a
    class that shares no group with another, more than share x n - m are held out if its largest
    group has m images. A class that starts outside of these bounds approaches them.
    """
    members: dict[int, Counter[str]] = defaultdict(Counter)
    for label, group in zip(labels, groups, strict=True):
        members[group][label] += 1
    chosen: set[int] = set()
    seen = Counter(known.seen if known else ())
    taken = Counter(known.taken if known else ())
    for band in _bands_of_like_size(members, random.Random(seed)):
        for group in band:
            seen.update(members[group])
        for group in band:
            counts = members[group].items()
            if all(taken[label] + count <= round(seen[label] * share) for label, count in counts):
                chosen.add(group)
                taken.update(members[group])
    for label in sorted(seen):
        ranked = sorted((count[label], group) for group, count in members.items() if count[label])
        for _, group in ranked if not taken[label] else ():
            counts = members[group].items()
            if all(taken[other] + count < seen[other] for other, count in counts):
                chosen.add(group)
                taken.update(members[group])
                break
    return frozenset(chosen)


def _bands_of_like_size(
    members: dict[int, Counter[str]], order: random.Random
) -> Iterator[list[int]]:
    """Yield the groups of ..., 4-7, 2-3 and 1 images, each band shuffled."""
    bands: dict[int, list[int]] = defaultdict(list)
    for group in sorted(members):
        bands[members[group].total().bit_length()].append(group)
    for _, band in sorted(bands.items(), reverse=True):
        order.shuffle(band)
        yield band
