import numpy as np
from PIL import Image, ImageEnhance

from tests.training.pictures import picture
from training.near_duplicates import NEAR, difference_hash, join, near_pairs


def test_a_brighter_smaller_copy_is_near_and_other_pictures_are_not() -> None:
    original = picture(1, 240, 160)
    copy = ImageEnhance.Brightness(original).enhance(1.1).resize((120, 80))
    others = [picture(seed, 240, 160) for seed in range(2, 40)]
    hashes = [difference_hash(image) for image in [original, copy, *others]]
    assert near_pairs(hashes) == [(0, 1)]


def test_pairs_are_those_within_the_distance() -> None:
    rng = np.random.default_rng(0)
    base = rng.random((30, 256)) < 0.5
    flipped = base.copy()
    for row in range(30):
        flipped[row, rng.choice(256, row, replace=False)] ^= True
    pairs = near_pairs([*base, *flipped])
    assert pairs == [(row, 30 + row) for row in range(NEAR + 1)]


def test_joining_follows_chains() -> None:
    groups = join(6, [(0, 1), (1, 2), (4, 5)])
    assert groups[0] == groups[1] == groups[2] != groups[3]
    assert groups[4] == groups[5]
    assert len(set(groups)) == 3


def test_flat_pictures_do_not_break_it() -> None:
    assert near_pairs([difference_hash(Image.new("RGB", (20, 20)))]) == []
