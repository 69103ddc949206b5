"""Ingest of the published ml5 Landscapes archive gives the known figures."""

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from embeddings.store.attribution import attribution_of
from embeddings.store.images import Snapshot
from embeddings.store.store import Store
from tests.training.conftest import RealArchive
from tests.training.pictures import outcomes
from training.console import Display
from training.data.download import PublishedArchive
from training.experiments.presets import PRESETS
from training.settings import TrainingSettings
from training.workspace import Workspace, ingest


@pytest.fixture(scope="module")
def ingested(
    real_archive: RealArchive, tmp_path_factory: pytest.TempPathFactory, silent: Display
) -> TrainingSettings:
    settings = TrainingSettings(
        home=tmp_path_factory.mktemp("real"),
        data=str(real_archive.data),
        licenses=real_archive.licences,
    )
    ingest(Workspace(settings, PRESETS["quick"], silent), PublishedArchive())
    return settings


@pytest.fixture(scope="module")
def table(ingested: TrainingSettings) -> Snapshot:
    return Store(ingested.store_uri).at()


def test_copies_and_the_one_label_conflict_are_left_out(
    table: Snapshot, ingested: TrainingSettings
) -> None:
    found = outcomes(ingested.home)
    conflicts = {path for path, outcome in found.items() if outcome == "conflict"}
    assert len(table.images) == 3767
    assert Counter(found.values())["duplicate_of"] == 12
    assert conflicts == {f"{label}/139432484_ddd5d3d4c7.jpg" for label in ("mountain", "road")}


def test_every_photograph_has_its_photographer_and_licence(table: Snapshot) -> None:
    for image in table.images:
        attribution = attribution_of(image)
        assert attribution is not None
        assert attribution.photographer
        assert attribution.licence
        assert attribution.page
        assert attribution.source


def test_a_fifth_of_each_class_is_set_aside_and_no_photographer_crosses(table: Snapshot) -> None:
    counts = Counter((image.label, image.split) for image in table.images)
    for label in table.images.classes:
        train, validation = counts[label, "train"], counts[label, "validation"]
        assert validation / (train + validation) == pytest.approx(0.2, abs=0.005)
    sides: dict[str | None, set[str]] = defaultdict(set)
    for image in table.images:
        sides[image.photographer_id].add(image.split)
    assert len(sides) > 2000
    assert all(len(side) == 1 for side in sides.values())


def test_pixels_are_small_and_the_store_is_not_much_larger_than_the_archive(
    table: Snapshot, real_archive: RealArchive
) -> None:
    assert max(max(each.width, each.height) for each in table.images) == 280
    stored = sum(path.stat().st_size for path in Path(table.uri).rglob("*.lance"))
    assert stored < 1.1 * real_archive.data.stat().st_size
