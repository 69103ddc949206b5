"""Which data set the settings ask for, and the generated scenes where it cannot be had."""

from collections.abc import Callable
from pathlib import Path

from embeddings.photographs import GENERATED_SCENES
from training.archive import Advance, DownloadError, PublishedArchive, fetch
from training.files import (
    DataError,
    DataFile,
    DataSource,
    open_folder,
    open_zip,
    paint_files,
    painted_digest,
)
from training.settings import SCENES, TrainingSettings

PUBLISHED = "published archive"
LANDSCAPES = "ml5 Landscapes photographs"

Warn = Callable[[str], None]


def setting_of(settings: TrainingSettings) -> str:
    """What names the wanted data set, before looking at it."""
    return settings.data or PUBLISHED


def open_source(
    settings: TrainingSettings,
    published: PublishedArchive,
    *,
    advance: Advance,
    warn: Warn,
) -> DataSource:
    """Open the data set of the settings. Raises `DataError`.

    Only the published archive is replaced, by generated scenes and with a loud warning, where it
    cannot be downloaded: who names a data set of their own wants that one.
    """
    setting = setting_of(settings)
    if setting == SCENES:
        return _painted(settings, setting)
    if setting != PUBLISHED:
        return _own(settings, Path(setting))
    try:
        archive = fetch(published, settings.downloads, advance)
    except DownloadError as error:
        warn(
            f"{error} GENERATED SCENES take the place of the photographs: nothing below is "
            "measured on photographs. Set BELVEDERE_DATA to a copy of the archive, or run "
            "`belvedere data` again when the network is there."
        )
        return _painted(settings, setting)
    digest, files = open_zip(archive)
    licences = settings.licenses or archive.parent / "licenses"
    return _described(LANDSCAPES, setting, digest, files, licences)


def _own(settings: TrainingSettings, path: Path) -> DataSource:
    if not path.exists():
        raise DataError(f"{path} does not exist; set BELVEDERE_DATA to a zip or a folder.")
    digest, files = open_folder(path) if path.is_dir() else open_zip(path)
    beside = path.parent / "licenses"
    licences = settings.licenses or (beside if beside.is_dir() else None)
    name = path.name if path.is_dir() else path.stem
    return _described(f"{name} photographs", str(path), digest, files, licences)


def _described(
    name: str,
    setting: str,
    digest: str,
    files: tuple[DataFile, ...],
    licences: Path | None,
) -> DataSource:
    lists = open_folder(licences)[0] if licences is not None and licences.is_dir() else ""
    return DataSource(name, setting, f"{digest} {lists}".strip(), lambda: files, licences)


def _painted(settings: TrainingSettings, setting: str) -> DataSource:
    per_class, seed = settings.scenes, settings.seed
    return DataSource(
        GENERATED_SCENES,
        setting,
        painted_digest(per_class, seed),
        lambda: tuple(paint_files(per_class, seed)),
    )
