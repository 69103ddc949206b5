"""Data set selected by the settings, with generated scenes as the fallback for a download."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from embeddings.file_names import file_name
from embeddings.store.records import GENERATED_SCENES
from training.data.download import Advance, DownloadError, PublishedArchive, fetch
from training.data.files import DataFile, DataSource, digest_of, scene_files, scenes_digest
from training.data.folder_files import list_folder
from training.data.zip_files import open_zip
from training.errors import DataError
from training.settings import LEFT_OUT, SCENES, TrainingSettings

PUBLISHED = "published archive"
LANDSCAPES = "ml5 Landscapes photographs"

Warn = Callable[[str], None]


def setting_of(settings: TrainingSettings) -> str:
    """Return the setting that selects the data set, without opening it."""
    return file_name(settings.data) if settings.data else PUBLISHED


@contextmanager
def open_source(
    settings: TrainingSettings,
    published: PublishedArchive,
    *,
    advance: Advance,
    warn: Warn,
) -> Iterator[DataSource]:
    """Open the data set of the settings; its files are readable within the block.

    If the published archive cannot be downloaded, generated scenes replace it, with a warning. A
    data set that the settings name is never replaced. Raises `DataError`.
    """
    setting = setting_of(settings)
    if setting == SCENES:
        yield _generated(settings, setting)
    elif settings.data:
        with _open_named(settings, Path(settings.data)) as source:
            yield source
    else:
        try:
            archive = fetch(published, settings.downloads, advance)
        except DownloadError as error:
            warn(
                f"{error} GENERATED SCENES are used instead: no figure below is measured on real "
                "images. Set BELVEDERE_DATA to a copy of the archive, or run `belvedere data` "
                "again when the network is available."
            )
            yield _generated(settings, setting)
            return
        licences = settings.licenses or archive.parent / "licenses"
        with open_zip(archive) as files:
            yield _described(LANDSCAPES, setting, files, licences)


@contextmanager
def _open_named(settings: TrainingSettings, path: Path) -> Iterator[DataSource]:
    if not path.exists():
        raise DataError(
            f"{file_name(path)} does not exist; set BELVEDERE_DATA to an existing zip or folder."
        )
    beside = path.parent / "licenses"
    licences = settings.licenses or (beside if beside.is_dir() else None)
    setting = file_name(path)
    if path.is_dir():
        name = file_name(path.resolve().name)
        files = list_folder(path, _excluded(settings, licences))
        yield _described(f"{name} photographs", setting, files, licences)
        return
    name = re.sub(r"\.zip$", "", file_name(path.name), flags=re.IGNORECASE)
    with open_zip(path) as files:
        yield _described(f"{name} photographs", setting, files, licences)


def _excluded(settings: TrainingSettings, licences: Path | None) -> list[Path]:
    """Return the paths of other files that may be inside the folder of a data set."""
    home = (settings.releases, settings.runs, settings.cache, settings.downloads)
    own = [settings.home, *home, settings.home / LEFT_OUT, Path(settings.store_uri)]
    return own if licences is None else [*own, licences]


def _described(
    name: str, setting: str, files: tuple[DataFile, ...], licences: Path | None
) -> DataSource:
    lists = ""
    if licences is not None and licences.is_dir():
        lists = digest_of(list_folder(licences))
    digest = f"{digest_of(files)} {lists}".strip()
    return DataSource(name, setting, digest, lambda: files, licences)


def _generated(settings: TrainingSettings, setting: str) -> DataSource:
    per_class, seed = settings.scenes, settings.seed
    return DataSource(
        GENERATED_SCENES,
        setting,
        scenes_digest(per_class, seed),
        lambda: tuple(scene_files(per_class, seed)),
    )
