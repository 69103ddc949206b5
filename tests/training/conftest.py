"""Fixtures: a small release trained on generated scenes, and ingest of data sets."""

import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from conftest import MakeOnce
from embeddings.store.images import Snapshot
from embeddings.store.store import Store
from tests.training.pictures import Take
from training.console import Display
from training.data.download import PublishedArchive
from training.experiments.config import FrozenTransfer, Preset
from training.experiments.from_scratch import BASELINE, DROPOUT
from training.experiments.presets import PRESETS
from training.settings import TrainingSettings
from training.workspace import Workspace, ingest

_REAL_ARCHIVE = os.environ.get("BELVEDERE_DATA")
_REAL_LICENCES = os.environ.get("BELVEDERE_LICENSES")

SMALL_FROZEN = FrozenTransfer(
    "small-frozen",
    "A head on the features of a small network.",
    backbone="mine",
    input=(32, 48),
    hidden=16,
    epochs=3,
)
TINY = Preset(
    name="tiny",
    epochs=6,
    experiments=(
        replace(BASELINE, input=(32, 48)),
        replace(DROPOUT, input=(32, 48)),
        SMALL_FROZEN,
    ),
)


@dataclass(frozen=True)
class RealArchive:
    """Paths of the ml5 Landscapes archive and of its licence lists."""

    data: Path
    licences: Path


@pytest.fixture(scope="session")
def real_archive() -> RealArchive:
    """Return the ml5 archive set by the environment, or skip the test."""
    if not _REAL_ARCHIVE or not _REAL_LICENCES:
        pytest.skip("set BELVEDERE_DATA and BELVEDERE_LICENSES to the ml5 Landscapes archive")
    return RealArchive(Path(_REAL_ARCHIVE), Path(_REAL_LICENCES))


@pytest.fixture(scope="session")
def silent() -> Display:
    return Display(Console(quiet=True))


@pytest.fixture(scope="session")
def small_weights(made_once: MakeOnce) -> Path:
    """A folder with the small network `mine`."""

    def make(folder: Path) -> None:
        from tests.training.backbones import write_backbone

        write_backbone(folder)

    return made_once("small-weights", make)


@pytest.fixture(scope="session")
def workspace(made_once: MakeOnce, silent: Display, small_weights: Path) -> Workspace:
    """Return a workspace with a published release of 7 x 24 generated scenes."""

    def workspace_in(home: Path) -> Workspace:
        settings = TrainingSettings(home=home, data="scenes", scenes=24, weights=small_weights)
        return Workspace(settings, TINY, silent)

    def make(home: Path) -> None:
        from training.export import publish_best
        from training.runner import train

        workspace = workspace_in(home)
        ingest(workspace, PublishedArchive())
        train(workspace)
        publish_best(workspace)

    return workspace_in(made_once("home", make))


@pytest.fixture
def unreachable() -> PublishedArchive:
    """Return an archive that cannot be downloaded: no server listens on port 9."""
    return PublishedArchive(
        url="http://127.0.0.1:9/landscapes_small.zip", licences_url="http://127.0.0.1:9/licenses"
    )


@pytest.fixture
def take(tmp_path: Path, silent: Display, unreachable: PublishedArchive) -> Take:
    """Return a function that ingests a data set under `tmp_path` and opens its images."""

    def take(data: Path | str | None, **settings: Any) -> Snapshot:
        wanted = None if data is None else str(data)
        given: dict[str, Any] = {"home": tmp_path / "home", "data": wanted, **settings}
        chosen = TrainingSettings(**given)
        ingest(Workspace(chosen, PRESETS["quick"], silent), unreachable)
        return Store(chosen.store_uri).at()

    return take


@pytest.fixture(scope="module")
def own(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return a workspace in a copy of the home, which the tests of a module change."""
    home = tmp_path_factory.mktemp("own") / "home"
    shutil.copytree(workspace.settings.home, home, symlinks=True)
    settings = workspace.settings.model_copy(update={"home": home})
    return Workspace(settings, workspace.preset, workspace.display)
