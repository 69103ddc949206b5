"""`python -m benchmarks.actions`: review, selection, search and export.

The result is saved in BELVEDERE_HOME and written to `docs/benchmarks.md`. Only copies of the home
are changed. Large collections are generated (`benchmarks/large_home.py`) with the encoder of its
release.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from benchmarks.actions.calls import measure_calls
from benchmarks.actions.exports import measure_export
from benchmarks.actions.lasso import measure_lasso
from benchmarks.actions.page import section
from benchmarks.actions.results import (
    ActionsMeasurement,
    CollectionFigures,
    LassoFigures,
    ReviewFigures,
)
from benchmarks.actions.review import measure_review
from benchmarks.chromium import BrowserMissing, chromium
from benchmarks.copies import client_of, copy_home, started
from benchmarks.environment import describe_machine
from benchmarks.large_home import write_large_home
from benchmarks.markdown import with_section
from benchmarks.measurements import bench_home, save
from benchmarks.visits import MANY
from embeddings.release.reader import Release, current_release, open_release
from embeddings.settings import IndexSettings
from embeddings.store.store import Store

PAGE = Path("docs/benchmarks.md")


class ActionSettings(BaseSettings):
    """Size of the measurements; smaller values are for a trial."""

    model_config = SettingsConfigDict(
        env_prefix="BENCH_ACTIONS_", env_ignore_empty=True, frozen=True
    )

    keys: int = Field(200, description="Keys pressed in the review.")
    lassos: int = Field(15, description="Lassos on the map.")
    sizes: tuple[int, ...] = Field(
        (10_000, 100_000), description="Images of the generated collections, JSON."
    )


def main() -> None:
    """Measure, save the results in BELVEDERE_HOME after each part, and write the section."""
    home, settings = bench_home(), ActionSettings()
    with TemporaryDirectory(prefix=".actions-", dir=home) as folder:
        for measured in measure(home, Path(folder), settings):
            save(measured, home)
    page = with_section(PAGE.read_text(encoding="utf-8"), section(measured))
    PAGE.write_text(page, encoding="utf-8")


def measure(home: Path, folder: Path, settings: ActionSettings) -> Iterator[ActionsMeasurement]:
    """Measure copies of a home and generated ones in a folder; yield the results so far."""
    load, release = os.getloadavg()[0], open_release(current_release(home / "releases"))
    stored = _measure_collection(copy_home(home, folder / "stored"))
    review, lasso = _measure_page(home, folder, release, settings)
    measured = ActionsMeasurement(
        machine=describe_machine(), load=load, review=review, lasso=lasso, collections=(stored,)
    )
    yield measured
    for size in settings.sizes:
        target = _generated(home, folder / str(size), release, size)
        found = (*measured.collections, _measure_collection(target))
        shutil.rmtree(target)
        measured = measured.model_copy(update={"collections": found})
        yield measured


def _measure_page(
    home: Path, folder: Path, release: Release, settings: ActionSettings
) -> tuple[ReviewFigures | None, LassoFigures | None]:
    try:
        with chromium() as browser:
            copy = copy_home(home, folder / "review")
            review = measure_review(browser, copy, release.manifest.classes, settings.keys)
            large = _generated(home, folder / "lasso", release, MANY)
            return review, measure_lasso(browser, large, MANY, settings.lassos)
    except BrowserMissing as missing:
        print(f"The page was not measured. {missing}")  # noqa: T201
        return None, None


def _generated(home: Path, target: Path, release: Release, count: int) -> Path:
    made = write_large_home(target, release, Store(str(home / "store")), count)
    made.publish(IndexSettings(index="flat"))
    return target


def _measure_collection(home: Path) -> CollectionFigures:
    """Measure a home, which is written."""
    release = open_release(current_release(home / "releases"))
    ids = Store(str(home / "store")).at().images.ids
    # A writer reads the store meanwhile, which would count as memory of the export.
    with started(home) as service, client_of(service) as client:
        export = measure_export(service, client, ids[0])
    with started(home, BELVEDERE_WRITABLE="1") as service, client_of(service) as client:
        calls = measure_calls(service, client, ids, release.manifest.classes)
    return CollectionFigures(
        images=len(ids), dimension=release.embeddings.shape[1], calls=calls, export=export
    )


if __name__ == "__main__":
    main()
