"""Splitting without leaks: stratified by class, and no group stands on both sides."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Literal

SPLIT_RULE = 3
"""Version of the rule below, of the rule for groups and of the order that groups are numbered in.

A store that was split by another version is split anew.
"""

SplitName = Literal["grouped", "random"]
"""By photographer and near-duplicate, as the store has it; or every photograph for itself."""

VALIDATION_SHARE = 0.2
TUNING_SHARE = 0.1


def split_groups(
    labels: Sequence[str], groups: Sequence[int], share: float, seed: int
) -> frozenset[int]:
    """Choose the groups to set aside: `share` of each class, as nearly as whole groups allow.

    Groups are drawn in random order from bands of like size, the largest first. After each band no
    class exceeds its share of what has been drawn from, so that prolific photographers are set
    aside as often as others; only a group larger than its class's share stays behind, unless the
    class would otherwise have nothing set aside. No class is set aside whole.
    """
    members: dict[int, Counter[str]] = defaultdict(Counter)
    for label, group in zip(labels, groups, strict=True):
        members[group][label] += 1
    chosen: set[int] = set()
    seen: Counter[str] = Counter()
    taken: Counter[str] = Counter()
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
    """Groups of 1, of 2-3, of 4-7 photographs and so on, the largest first, each band shuffled."""
    bands: dict[int, list[int]] = defaultdict(list)
    for group in sorted(members):
        bands[members[group].total().bit_length()].append(group)
    for _, band in sorted(bands.items(), reverse=True):
        order.shuffle(band)
        yield band
