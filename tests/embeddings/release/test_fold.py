"""Folding of changes into a release of the same model."""

import shutil
from pathlib import Path

from embeddings.release.fold import fold
from embeddings.release.reader import current_release, open_release, release_folders
from embeddings.settings import IndexSettings
from embeddings.store.retention import RELEASE_PREFIX
from embeddings.store.store import Store


def test_folds_keep_the_first_and_the_newest_releases(home: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(home, tmp_path / "home", symlinks=True))
    settings, store = IndexSettings(home=copy), Store(str(copy / "store"))
    first = current_release(settings.releases_folder)
    assert fold(settings) is None
    image = store.at().images[0]
    folded = []
    for number in range(6):
        store.put([image.model_copy(update={"label": f"label {number}"})])
        folder = fold(settings)
        assert folder is not None
        folded.append(folder.resolve())
    assert current_release(settings.releases_folder) == folded[-1]
    assert {each.resolve() for each in release_folders(settings.releases_folder)} == {
        first,
        *folded[-3:],
    }
    kept = {open_release(each).manifest.tag for each in (first, *folded[-3:])}
    assert {tag for tag in store.tags() if tag.startswith(RELEASE_PREFIX)} == kept


def test_a_fold_builds_another_kind_of_index(home: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(home, tmp_path / "home", symlinks=True))
    settings = IndexSettings(home=copy, index="hnsw")
    folder = fold(settings)
    assert folder is not None
    assert open_release(folder).manifest.index.kind == "hnsw"
    assert fold(settings) is None
    assert fold(IndexSettings(home=copy)) is None
