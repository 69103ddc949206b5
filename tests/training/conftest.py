from pathlib import Path

import pytest

from embeddings.store.images import ImageTable
from embeddings.store.records import Collection
from tests.training.pictures import Take
from training.console import Display
from training.data.download import PublishedArchive
from training.experiments.presets import PRESETS
from training.settings import TrainingSettings
from training.workspace import Stage, take_data


@pytest.fixture
def unreachable() -> PublishedArchive:
    """An archive that nobody serves: port 9 of this machine discards."""
    return PublishedArchive(
        url="http://127.0.0.1:9/landscapes_small.zip", licences_url="http://127.0.0.1:9/licenses"
    )


@pytest.fixture
def take(tmp_path: Path, silent: Display, unreachable: PublishedArchive) -> Take:
    """Take a data set into a store under `tmp_path` and open its photographs."""

    def take(data: Path | str | None, **settings: object) -> ImageTable:
        wanted = None if data is None else str(data)
        chosen = TrainingSettings(home=tmp_path / "home", data=wanted, **settings)
        collection = take_data(Stage(chosen, PRESETS["quick"], silent), unreachable)
        assert isinstance(collection, Collection)
        return ImageTable.open(chosen.store_uri)

    return take
