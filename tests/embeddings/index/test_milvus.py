"""The kind of index `milvus` with Milvus Lite, and without a server."""

import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from embeddings.errors import SettingsError
from embeddings.index import IndexUnavailable, SealedIndex, open_kind
from embeddings.settings import IndexSettings
from service.local_server import LOCAL, reserve_port
from tests.congruence import COLLECTIONS, check, searches
from tests.indexes import build

SECRET = "very-secret"


@pytest.fixture(scope="module")
def lite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IndexSettings]:
    """Return the settings of a server of Milvus Lite."""
    pytest.importorskip("milvus_lite")
    folder, port = tmp_path_factory.mktemp("lite"), reserve_port()
    program = str(Path(sys.executable).with_name("milvus-lite"))
    command = [program, "server", "--data-dir", str(folder), "--host", LOCAL, "--port", str(port)]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as process,
    ):
        settings = IndexSettings(index="milvus", milvus_uri=f"http://{LOCAL}:{port}")
        try:
            _wait_for(settings, process)
            yield settings
        finally:
            process.kill()


def _wait_for(settings: IndexSettings, process: subprocess.Popen[bytes]) -> None:
    absent = SealedIndex(
        kind="milvus", exact=False, recall=1.0, parameters={"collection": "belvedere_absent"}
    )
    while True:
        assert process.poll() is None, "Milvus Lite ended."
        try:
            return open_kind("milvus", settings).discard(absent)
        except IndexUnavailable:
            time.sleep(0.1)


@pytest.mark.parametrize("name", ["cloud", "ties", "one"])
def test_searches_agree_with_brute_force(lite: IndexSettings, tmp_path: Path, name: str) -> None:
    embeddings = COLLECTIONS[name][:600]
    built = build("milvus", embeddings, tmp_path, lite)
    assert built.sealed.recall == 1.0
    index, kinds = built.open(), set()
    for search in searches(embeddings, seed=1):
        found = search.of(index)
        assert check(found, search, embeddings) == 1.0
        kinds.add((found.kind, found.exact))
    assert kinds <= {("milvus", False), ("flat", True)}
    assert ("milvus", False) in kinds or name == "one"
    built.kind.discard(built.sealed)
    if name != "one":
        with pytest.raises(IndexUnavailable, match="is missing"):
            built.open().search(embeddings[0], 1)


def test_a_server_that_is_away_fails_soon_and_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = IndexSettings(
        milvus_uri=f"http://{LOCAL}:{reserve_port()}", milvus_token=f"root:{SECRET}"
    )
    kind, embeddings = open_kind("milvus", settings), COLLECTIONS["ties"]
    contents = build("flat", embeddings, tmp_path).contents
    sealed = SealedIndex(
        kind="milvus",
        exact=False,
        recall=1.0,
        parameters={"collection": "belvedere_x", "clusters": 0, "probes": 0},
    )
    index, messages = kind.open(tmp_path, sealed, contents), []

    def search() -> None:
        with pytest.raises(IndexUnavailable) as caught:
            index.search(embeddings[0], 3)
        messages.append(str(caught.value))

    threads = [Thread(target=search) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(messages) == 20
    assert all("BELVEDERE_MILVUS_URI" in each for each in messages)
    assert len([each for each in caplog.records if "not searched" in each.message]) == 1
    assert SECRET not in caplog.text + "".join(messages)
    # Searches that need no server are answered.
    strict = np.arange(len(embeddings)) < 10
    assert index.search(embeddings[0], 3, among=strict).exact
    assert index.search(embeddings[0], 3, exact=True).exact


@pytest.mark.parametrize(
    "address", ["milvus:19530", "ftp://milvus", "http://", f"http://root:{SECRET}@milvus:19530"]
)
def test_a_wrong_address_is_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("BELVEDERE_MILVUS_URI", address)
    with pytest.raises(SettingsError, match=r"^BELVEDERE_MILVUS_URI: an address ") as caught:
        IndexSettings.from_environment()
    assert SECRET not in str(caught.value)


def test_the_address_is_needed_except_for_deletion(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kind = open_kind("milvus", IndexSettings())
    built = build("flat", COLLECTIONS["two"], tmp_path)
    with pytest.raises(SettingsError, match="BELVEDERE_MILVUS_URI"):
        kind.build(tmp_path, built.contents)
    with caplog.at_level(logging.WARNING):
        kind.discard(
            SealedIndex(
                kind="milvus", exact=False, recall=1.0, parameters={"collection": "belvedere_x"}
            )
        )
    assert "belvedere_x" in caplog.text
