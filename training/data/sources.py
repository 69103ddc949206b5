"""Data sets: of the settings, with generated scenes as the fallback for a download, or of paths."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from embeddings.file_names import file_name
from embeddings.store.records import GENERATED_SCENES
from training.data.download import Advance, DownloadError, PublishedArchive, fetch
from training.data.files import DataFile, DataSource, scene_files, scenes_digest
from training.data.folder_files import list_folder, list_single_files
from training.data.folder_layout import ParentLayout
from training.data.zip_files import open_zip
from training.errors import DataError
from training.settings import OUTCOMES, SCENES, TrainingSettings

LANDSCAPES = "ml5 Landscapes photographs"

Warn = Callable[[str], None]


def key_of(settings: TrainingSettings) -> str:
    """Return the key of the data set that the settings select, without opening it."""
    if settings.data == SCENES:
        return GENERATED_SCENES
    return file_name(settings.data) if settings.data else LANDSCAPES


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
    if settings.data == SCENES:
        yield _generated(settings)
    elif settings.data:
        with open_path(settings, Path(settings.data)) as source:
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
            yield _generated(settings)
            return
        licences = settings.licenses or archive.parent / "licenses"
        with open_zip(archive) as files:
            yield DataSource(LANDSCAPES, _listed(files), licences)


@contextmanager
def open_path(settings: TrainingSettings, path: Path) -> Iterator[DataSource]:
    """Open a folder or a zip; its files are readable within the block. Raises `DataError`."""
    if not path.exists():
        raise DataError(
            f"{file_name(path)} does not exist; set BELVEDERE_DATA to an existing zip or folder."
        )
    beside = path.parent / "licenses"
    licences = settings.licenses or (beside if beside.is_dir() else None)
    if path.is_dir():
        files = list_folder(path, _excluded(settings, licences))
        yield DataSource(file_name(path), _listed(files), licences)
        return
    with open_zip(path) as files:
        yield DataSource(file_name(path), _listed(files), licences)


def group_files(paths: Sequence[Path], classes: Collection[str]) -> list[DataSource]:
    """Return single files as parts of the data sets that contain their class folders."""
    folders: dict[Path, dict[Path, None]] = defaultdict(dict)
    for path in paths:
        # A linked file keeps its name, and the class folder its path without links.
        located = path.parent.resolve() / path.name
        folders[located.parent.parent].setdefault(located)
    layout = ParentLayout(frozenset(classes))
    return [
        DataSource(
            file_name(folder),
            _listed(list_single_files(folder, located)),
            layout=layout,
            has_other=_exists_in(folder),
        )
        for folder, located in sorted(folders.items())
    ]


def _listed(files: tuple[DataFile, ...]) -> Callable[[], tuple[DataFile, ...]]:
    return lambda: files


def _exists_in(folder: Path) -> Callable[[PurePosixPath], bool]:
    return lambda path: (folder / path).exists()


def _excluded(settings: TrainingSettings, licences: Path | None) -> list[Path]:
    """Return the paths of other files that may be inside the folder of a data set."""
    home = (settings.releases_folder, settings.runs, settings.cache, settings.downloads)
    own = [settings.home, *home, settings.home / OUTCOMES, Path(settings.store_uri)]
    return own if licences is None else [*own, licences]


def _generated(settings: TrainingSettings) -> DataSource:
    per_class, seed = settings.scenes, settings.seed
    return DataSource(
        GENERATED_SCENES,
        lambda: tuple(scene_files(per_class, seed)),
        digest=scenes_digest(per_class, seed),
    )
