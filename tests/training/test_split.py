from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from training.split import split_groups

memberships = st.lists(
    st.tuples(st.sampled_from(["city", "lake", "road"]), st.integers(0, 60)),
    min_size=1,
    max_size=300,
)


@given(memberships, st.sampled_from([0.1, 0.2]), st.integers(0, 5))
def test_a_class_exceeds_its_share_only_by_a_group_it_could_not_do_without(
    members: list[tuple[str, int]], share: float, seed: int
) -> None:
    labels, groups = [label for label, _ in members], [group for _, group in members]
    aside = split_groups(labels, groups, share, seed)
    counts = Counter(labels)
    taken = Counter(label for label, group in members if group in aside)
    sizes = Counter(members)
    for label, count in counts.items():
        forced = {group for other, group in members if other == label and group in aside}
        room = round(count * share)
        assert taken[label] <= max(
            room, max((sizes[label, group] for group in forced), default=0) + room
        )
        if len({group for other, group in members if other == label}) > 1:
            assert taken[label] > 0


def test_single_photographs_reach_the_share_exactly() -> None:
    labels = ["city"] * 100 + ["lake"] * 55
    aside = split_groups(labels, list(range(155)), 0.2, seed=3)
    assert Counter(labels[group] for group in aside) == {"city": 20, "lake": 11}


def test_the_seed_decides_and_nothing_else() -> None:
    labels, groups = ["city", "lake"] * 50, list(range(100))
    assert split_groups(labels, groups, 0.2, 1) == split_groups(labels, groups, 0.2, 1)
    assert split_groups(labels, groups, 0.2, 1) != split_groups(labels, groups, 0.2, 2)
