from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from embeddings.ingest.split import split_groups

memberships = st.lists(
    st.tuples(st.sampled_from(["city", "lake", "road"]), st.integers(0, 60)),
    min_size=1,
    max_size=300,
)


@given(memberships, st.sampled_from([0.1, 0.2]), st.integers(0, 5))
def test_a_class_exceeds_its_share_only_by_its_one_held_out_group(
    members: list[tuple[str, int]], share: float, seed: int
) -> None:
    numbers = {member: number for number, member in enumerate(sorted(set(members)))}
    labels = [label for label, _ in members]
    aside = split_groups(labels, [numbers[member] for member in members], share, seed)
    sizes = Counter(members)
    for label, count in Counter(labels).items():
        of_class = [size for (other, _), size in sizes.items() if other == label]
        taken = sum(
            sizes[member] for member in numbers if numbers[member] in aside and member[0] == label
        )
        assert taken <= max(round(count * share), min(of_class))
        if len(of_class) > 1:
            assert 0 < taken < count


@given(memberships, st.integers(0, 5))
def test_groups_of_several_classes_leave_no_class_without_held_out_images(
    members: list[tuple[str, int]], seed: int
) -> None:
    labels, groups = [label for label, _ in members], [group for _, group in members]
    aside = split_groups(labels, groups, 0.2, seed)
    for label in set(labels):
        of_class = {group for other, group in members if other == label}
        assert len(of_class) == 1 or of_class & aside


def test_single_images_reach_the_share_exactly() -> None:
    labels = ["city"] * 100 + ["lake"] * 55
    aside = split_groups(labels, list(range(155)), 0.2, seed=3)
    assert Counter(labels[group] for group in aside) == {"city": 20, "lake": 11}


def test_the_split_depends_on_the_seed_only() -> None:
    labels, groups = ["city", "lake"] * 50, list(range(100))
    assert split_groups(labels, groups, 0.2, 1) == split_groups(labels, groups, 0.2, 1)
    assert split_groups(labels, groups, 0.2, 1) != split_groups(labels, groups, 0.2, 2)
