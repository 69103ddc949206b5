"""One small, real release for each test run: painted, trained and published."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

from rich.console import Console

from training.console import Display
from training.data.download import PublishedArchive
from training.experiments.config import Preset
from training.experiments.from_scratch import BASELINE, DROPOUT
from training.experiments.transfer import MOBILENETV2_FROZEN
from training.settings import TrainingSettings
from training.workspace import Stage, take_data

_REAL_ARCHIVE = os.environ.get("BELVEDERE_DATA")
_REAL_LICENCES = os.environ.get("BELVEDERE_LICENSES")

TINY = Preset(
    name="tiny",
    epochs=6,
    experiments=(
        replace(BASELINE, input=(32, 48)),
        replace(DROPOUT, input=(32, 48)),
        replace(MOBILENETV2_FROZEN, input=(96, 96), epochs=3),
    ),
)


MakeOnce = Callable[[str, Callable[[Path], None]], Path]

# They would lead clients past the services of the tests, or change what processes print.
_OUTSIDE = {
    *("all_proxy", "http_proxy", "https_proxy", "pythonwarnings"),
    *("clicolor_force", "columns", "force_color", "lines", "tty_compatible"),
}

_LONGEST = Path(__file__).parent / "tests" / "training"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first, so that no process works on when the others have done."""
    items.sort(key=lambda item: _LONGEST not in item.path.parents)


@pytest.fixture(autouse=True, scope="session")
def _no_settings_from_outside() -> Iterator[None]:
    """Settings of the person who runs the tests must not lead them to other data."""
    led = [each for each in os.environ if each[:10] == "BELVEDERE_" or each.lower() in _OUTSIDE]
    before = {name: os.environ.pop(name) for name in led}
    yield
    os.environ.update(before)


@dataclass(frozen=True)
class RealArchive:
    """The ml5 Landscapes archive and its licence lists."""

    data: Path
    licences: Path


@pytest.fixture(scope="session")
def real_archive() -> RealArchive:
    """The real photographs, where the person who runs the tests has them."""
    if not _REAL_ARCHIVE or not _REAL_LICENCES:
        pytest.skip("set BELVEDERE_DATA and BELVEDERE_LICENSES to the ml5 Landscapes archive")
    return RealArchive(Path(_REAL_ARCHIVE), Path(_REAL_LICENCES))


@pytest.fixture(scope="session")
def silent() -> Display:
    return Display(Console(quiet=True))


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> MakeOnce:
    """Makes a folder once for all processes of a test run and gives each a copy of its own."""
    everybody = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        everybody = everybody.parent

    def give(name: str, make: Callable[[Path], None]) -> Path:
        made = everybody / f"{name}-for-everybody"
        with made.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists():
                draft = tmp_path_factory.mktemp(name)
                make(draft)
                draft.rename(made)
        return Path(shutil.copytree(made, tmp_path_factory.mktemp(name) / "copy", symlinks=True))

    return give


@pytest.fixture(scope="session")
def random_weights(made_once: MakeOnce) -> Path:
    """A folder with a weight file of MobileNetV2's shape; untrained, since none is downloaded."""

    def make(folder: Path) -> None:
        import keras

        backbone = keras.applications.MobileNetV2(
            input_shape=(96, 96, 3), include_top=False, pooling="avg", weights=None
        )
        backbone.save_weights(folder / "mobilenet_v2_1.0_224_no_top.weights.h5")

    return made_once("weights", make)


@pytest.fixture(scope="session")
def stage(made_once: MakeOnce, silent: Display, random_weights: Path) -> Stage:
    """Everything up to the published release, on 7 x 24 generated scenes."""

    def stage_in(home: Path) -> Stage:
        settings = TrainingSettings(home=home, data="scenes", scenes=24, weights=random_weights)
        return Stage(settings, TINY, silent)

    def make(home: Path) -> None:
        from training.export import publish_best
        from training.runner import train

        stage = stage_in(home)
        take_data(stage, PublishedArchive())
        train(stage)
        publish_best(stage)

    return stage_in(made_once("home", make))


@pytest.fixture(scope="session")
def home(stage: Stage) -> Path:
    """The folder BELVEDERE_HOME with store, runs and the release."""
    return stage.settings.home
