import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from embeddings.errors import SettingsError
from embeddings.index import UnknownKind, open_kind
from embeddings.index_kinds import GROUP, index_kind, index_kinds
from embeddings.settings import IndexSettings
from tests.indexes import EMBEDDED, build

_ROOT = Path(__file__).parents[3]

_PACKAGE = """
from embeddings.index.flat import FlatIndex
from embeddings.index import SealedIndex

class Kind:
    def __init__(self, settings):
        self.settings = settings
    def build(self, draft, contents):
        return SealedIndex(kind="plain", exact=True, recall=1.0)
    def open(self, folder, sealed, contents):
        return FlatIndex(contents.embeddings)
    def discard(self, sealed):
        pass
"""


@pytest.mark.parametrize("kind", EMBEDDED)
def test_the_kind_is_chosen_by_name(kind: str, tmp_path: Path) -> None:
    ones = np.ones((100, 2), np.float32)
    index = build(kind, ones, tmp_path).open()
    assert len(index) == 100
    assert index.search(ones[0], 1).kind == kind


def test_the_kinds_are_those_of_the_metadata() -> None:
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
    listed = project["entry-points"][GROUP]
    found = {name: index_kind(name) for name in listed}
    assert {name: kind and kind.value for name, kind in found.items()} == listed
    assert set(EMBEDDED) <= set(listed)


def test_an_unknown_kind_is_refused_with_the_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELVEDERE_INDEX", "cosmic")
    with pytest.raises(SettingsError, match=r"^BELVEDERE_INDEX: .*flat, .*hnsw, .*; got 'cosmic'"):
        IndexSettings.from_environment()
    with pytest.raises(UnknownKind, match=r"cosmic.*flat, .*hnsw"):
        open_kind("cosmic", IndexSettings.model_construct())


def test_a_kind_of_another_package_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plain_kind.py").write_text(_PACKAGE)
    metadata = tmp_path / "plain_kind-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: plain-kind\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        f"[{GROUP}]\nplain = plain_kind:Kind\nflat = plain_kind:Kind\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "plain" in index_kinds()
    settings = IndexSettings(index="plain")
    embeddings = np.arange(8, dtype=np.float32).reshape(4, 2)
    found = build("plain", embeddings, tmp_path, settings).open().search(embeddings[2], 2)
    assert found.rows.tolist() == [2, 1]
    # A kind of this package cannot be replaced.
    assert type(open_kind("flat", settings)).__name__ == "FlatKind"


def test_types_and_kinds_load_neither_faiss_nor_openvino() -> None:
    program = (
        "import sys, embeddings.arrays, embeddings.index, embeddings.frozen_model\n"
        "assert not {'faiss', 'openvino', 'lance'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
