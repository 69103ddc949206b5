"""Rule that chooses the published experiment."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.release.reports import ExperimentReport, choose_best, rank_experiments

TUNING = 300

shares = st.integers(0, 30).map(lambda number: number / 30)


def report(
    name: str, accuracy: float, precision: float | None, weights: int = 10, validation: float = 0.5
) -> ExperimentReport:
    return ExperimentReport(
        name=name,
        family="own network",
        base=None,
        change="",
        status="done",
        accuracy=validation,
        precision_at_3=validation,
        tuning_accuracy=accuracy,
        tuning_precision_at_3=precision,
        parameters=weights,
    )


@st.composite
def reports(draw: st.DrawFn, searched=shares) -> list[ExperimentReport]:
    drawn = draw(st.lists(st.tuples(shares, searched, st.integers(1, 3), shares), min_size=1))
    return [report(str(number), *each) for number, each in enumerate(drawn)]


def least(found: list[ExperimentReport], tuning: int) -> float:
    best = max(each.tuning_accuracy or 0.0 for each in found)
    return best - math.sqrt(best * (1 - best) / tuning)


@given(st.data(), reports(st.none() | shares), st.integers(0, 1000))
def test_the_order_of_the_reports_has_no_effect(data, found, tuning) -> None:
    ranked = rank_experiments(found, tuning)
    assert rank_experiments(data.draw(st.permutations(found)), tuning) == ranked
    assert sorted(each.name for each in ranked) == sorted(each.name for each in found)


@given(reports(), st.integers(1, 1000))
def test_the_best_search_within_one_standard_error_is_published(found, tuning) -> None:
    best = choose_best(found, tuning)
    near = [each for each in found if (each.tuning_accuracy or 0.0) >= least(found, tuning)]
    assert best in near
    highest = max(each.tuning_precision_at_3 or 0.0 for each in near)
    assert best.tuning_precision_at_3 == highest
    ties = [each.parameters for each in near if each.tuning_precision_at_3 == highest]
    assert best.parameters == min(ties)


@given(reports(), shares)
def test_the_validation_set_has_no_effect(found, other) -> None:
    changed = [
        each.model_copy(update={"accuracy": other, "precision_at_3": other}) for each in found
    ]
    assert choose_best(changed, TUNING).name == choose_best(found, TUNING).name


def test_accuracy_counts_first_beyond_one_standard_error() -> None:
    # One standard error of 0.90 on 300 images is 0.0173.
    found = [report("accurate", 0.90, 0.6), report("near", 0.885, 0.7), report("far", 0.88, 0.9)]
    assert [each.name for each in rank_experiments(found, TUNING)] == ["near", "accurate", "far"]


@pytest.mark.parametrize("tuning", [0, TUNING])
def test_without_measured_search_the_accuracy_alone_counts(tuning: int) -> None:
    known = 0.9 if tuning == 0 else None
    found = [report("first", 0.90, 0.5), report("second", 0.895, known)]
    assert choose_best(found, tuning).name == "first"


def test_every_other_experiment_follows_by_accuracy() -> None:
    found = [report(str(number), number / 10, 1 - number / 10) for number in range(10)]
    names = [each.name for each in rank_experiments(found, TUNING)]
    assert names == [str(number) for number in reversed(range(10))]
