from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from embeddings.arrays import Labels
from embeddings.progress import no_progress
from embeddings.release.reader import COMPARISON, current_release
from embeddings.release.reports import Comparison
from embeddings.settings import PathSettings
from embeddings.store.store import Store
from training.data.dataset import Dataset, open_dataset
from training.evaluation.versions import Judged, compare_versions


@pytest.fixture(scope="module")
def dataset(home: Path) -> Dataset:
    snapshot = Store(PathSettings(home=home).store_uri).at()
    return open_dataset(snapshot, home / "cache", no_progress, print)


@pytest.fixture(scope="module")
def report(home: Path) -> Comparison:
    path = current_release(PathSettings(home=home).releases_folder) / COMPARISON
    return Comparison.model_validate_json(path.read_bytes())


def predictions(dataset: Dataset, wrong: int) -> Labels:
    """Return the labels of the validation images, those of the last `wrong` ones replaced."""
    labels = dataset.labels[dataset.indices.validation].copy()
    labels[len(labels) - wrong :] = (labels[len(labels) - wrong :] + 1) % len(dataset.classes)
    return labels


def without_first(dataset: Dataset, count: int) -> Dataset:
    """Return the dataset with fewer validation images."""
    indices = replace(dataset.indices, validation=dataset.indices.validation[count:])
    return replace(dataset, indices=indices)


def test_models_are_paired_by_seed_on_the_common_images(
    dataset: Dataset, report: Comparison
) -> None:
    earlier = without_first(dataset, 2)
    common = len(earlier.indices.validation)
    now = {seed: predictions(dataset, wrong) for seed, wrong in {0: 0, 1: 2, 7: 9}.items()}
    then = {seed: predictions(earlier, wrong) for seed, wrong in {0: 4, 1: 8, 2: 1}.items()}
    compared = compare_versions(
        Judged(dataset, {"baseline": now, "new": now, "other": now}),
        Judged(earlier, {"baseline": then, "other": {3: then[0]}}),
        report,
    )
    assert compared is not None
    assert compared.common == common
    (pair,) = compared.experiments
    assert (pair.experiment, pair.seeds) == ("baseline", 2)
    assert pair.before == pytest.approx(1 - 6 / common)
    assert pair.after == pytest.approx(1 - 1 / common)


def test_a_difference_in_all_seeds_is_significant(dataset: Dataset, report: Comparison) -> None:
    half = len(dataset.indices.validation) // 2
    good, bad = predictions(dataset, 0), predictions(dataset, half)

    def verdict(then: Labels, now: Labels) -> str:
        present, earlier = (
            Judged(dataset, {"baseline": {0: each, 1: each}}) for each in (now, then)
        )
        compared = compare_versions(present, earlier, report)
        assert compared is not None
        return compared.experiments[0].verdict

    assert verdict(bad, good) == "better"
    assert verdict(good, bad) == "worse"
    assert verdict(good, good) == "no evidence of a difference"


def test_versions_without_a_common_image_are_not_compared(
    dataset: Dataset, report: Comparison
) -> None:
    validation = dataset.indices.validation
    halves = [
        replace(dataset, indices=replace(dataset.indices, validation=part))
        for part in np.array_split(validation, 2)
    ]
    present, earlier = (Judged(each, {"baseline": {0: predictions(each, 0)}}) for each in halves)
    assert compare_versions(present, earlier, report) is None
