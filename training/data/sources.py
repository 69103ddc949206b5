"""Which data set the settings ask for, and the generated scenes where it cannot be had."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from embeddings.file_names import file_name
from embeddings.store.records import GENERATED_SCENES
from training.console import LEFT_OUT
from training.data.download import Advance, DownloadError, PublishedArchive, fetch
from training.data.files import DataFile, DataSource, digest_of, paint_files, painted_digest
from training.data.folder_files import list_folder
from training.data.zip_files import open_zip
from training.errors import DataError
from training.settings import SCENES, TrainingSettings

PUBLISHED = "published archive"
LANDSCAPES = "ml5 Landscapes photographs"

Warn = Callable[[str], None]


def setting_of(settings: TrainingSettings) -> str:
    """What names the wanted data set, before looking at it."""
    return file_name(settings.data) if settings.data else PUBLISHED


@contextmanager
def open_source(
    settings: TrainingSettings,
    published: PublishedArchive,
    *,
    advance: Advance,
    warn: Warn,
) -> Iterator[DataSource]:
    """Open the data set of the settings; its files can be read within the block.

    Only the published archive is replaced, by generated scenes and with a loud warning, where it
    cannot be downloaded: who names a data set of their own wants that one. Raises `DataError`.
    """
    setting = setting_of(settings)
    if setting == SCENES:
        yield _painted(settings, setting)
    elif settings.data:
        with _own(settings, Path(settings.data)) as source:
            yield source
    else:
        try:
            archive = fetch(published, settings.downloads, advance)
        except DownloadError as error:
            warn(
                f"{error} GENERATED SCENES take the place of the photographs: nothing below is "
                "measured on photographs. Set BELVEDERE_DATA to a copy of the archive, or run "
                "`belvedere data` again when the network is there."
            )
            yield _painted(settings, setting)
            return
        licences = settings.licenses or archive.parent / "licenses"
        with open_zip(archive) as files:
            yield _described(LANDSCAPES, setting, files, licences)


@contextmanager
def _own(settings: TrainingSettings, path: Path) -> Iterator[DataSource]:
    if not path.exists():
        raise DataError(
            f"{file_name(path)} does not exist; set BELVEDERE_DATA to a zip or a folder."
        )
    beside = path.parent / "licenses"
    licences = settings.licenses or (beside if beside.is_dir() else None)
    setting = file_name(path)
    if path.is_dir():
        name = file_name(path.resolve().name)
        files = list_folder(path, _not_data(settings, licences))
        yield _described(f"{name} photographs", setting, files, licences)
        return
    name = re.sub(r"\.zip$", "", file_name(path.name), flags=re.IGNORECASE)
    with open_zip(path) as files:
        yield _described(f"{name} photographs", setting, files, licences)


def _not_data(settings: TrainingSettings, licences: Path | None) -> list[Path]:
    """Return what may stand in a folder of data without being part of it."""
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


def _painted(settings: TrainingSettings, setting: str) -> DataSource:
    per_class, seed = settings.scenes, settings.seed
    return DataSource(
        GENERATED_SCENES,
        setting,
        painted_digest(per_class, seed),
        lambda: tuple(paint_files(per_class, seed)),
    )
