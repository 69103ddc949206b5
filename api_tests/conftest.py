"""Servers on free ports, their homes, and checks of their responses."""

import io
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import uvicorn
from PIL import ExifTags, Image

from benchmarks.connections import SHORT_KEEP_ALIVE
from conftest import MakeOnce
from embeddings.encoded import Encoded
from embeddings.encoder import Encoder
from embeddings.images import measure, read_pixels
from embeddings.release.parity import Reference
from embeddings.release.publish import Candidate, publish
from embeddings.release.reader import current_release, open_release
from embeddings.release.reports import Comparison, ExperimentReport
from embeddings.store.records import StoredImage
from embeddings.store.store import Store
from service.app import configured
from service.serving.state import After, ServiceState
from service.settings import ServiceSettings
from tests.tiny_release import TRAINING_VERSION, Drawn, fill_store, grow

MAP_SEED = 3
"""Seed of the map in the release with odd ids."""

Serving = Callable[[ServiceSettings], AbstractContextManager[httpx.Client]]

ODD_IDS = (
    "forest/plain",
    "forest/a b#c?d%e&f=g+h",
    "forest/a%2Fb",
    "forest/Wälder über Zürich 山",
    "forest/deep/er/down",
    "lake/own/thumbnail",
    "lake/random",
    "random",
    "lake/..",
    "lake/'quoted' \"twice\"",
)

GEOTAGGED = "forest/deep/er/down"
"""Id of the image whose metadata contain an orientation and the location `LOCATION`."""
LOCATION = b"48.858370N 2.294481E"


@contextmanager
def served(
    settings: ServiceSettings, *, at_once: bool = False, after: After = lambda: None
) -> Iterator[tuple[httpx.Client, ServiceState]]:
    """Run a server; yield a client and the server's state.

    Waits until the server has tried to load its release, unless `at_once` is set.
    """
    server = uvicorn.Server(configured(settings.model_copy(update={"port": 0}), after))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started or (not at_once and server.lifespan.state["service"].opening):
            assert thread.is_alive(), "The server did not start."
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}",
            timeout=60,
            limits=SHORT_KEEP_ALIVE,
            trust_env=False,
        ) as client:
            yield client, server.lifespan.state["service"]
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def _serving(settings: ServiceSettings) -> Iterator[httpx.Client]:
    with served(settings) as (client, _):
        yield client


@pytest.fixture(scope="session")
def serving() -> Serving:
    return _serving


@pytest.fixture(scope="session")
def api(home: Path) -> Iterator[httpx.Client]:
    with _serving(ServiceSettings(home=home)) as client:
        yield client


@pytest.fixture(scope="session")
def grown_home(home: Path, made_once: MakeOnce) -> Path:
    """Return a home whose collection changed after the training; `grow` lists the changes."""

    def make(folder: Path) -> None:
        shutil.copytree(home, folder, symlinks=True, dirs_exist_ok=True)
        grow(folder)

    return made_once("grown-home", make)


@pytest.fixture(scope="session")
def grown(grown_home: Path) -> Iterator[httpx.Client]:
    with _serving(ServiceSettings(home=grown_home)) as client:
        yield client


@pytest.fixture(scope="session")
def odd_home(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home whose release has ids with reserved characters, attributions, another seed."""
    folder = tmp_path_factory.mktemp("odd")
    release = open_release(current_release(home / "releases"))
    encoder = Encoder(release.encoder)
    rng = np.random.default_rng(5)
    images, jpegs = [], []
    for number, identifier in enumerate(ODD_IDS):
        pixels = rng.integers(0, 256, (6, 9, 3), dtype=np.uint8)
        buffer = io.BytesIO()
        large = Image.fromarray(pixels).resize((400, 300), Image.Resampling.BILINEAR)
        large.save(buffer, "JPEG", **_metadata(identifier))
        jpegs.append(buffer.getvalue())
        images.append(_image(identifier, number, jpegs[-1]))
    store = Store(str(folder / "store"))
    fill_store(store, Drawn(tuple(images), tuple(jpegs)))
    encoded = Encoded.concatenate(
        encoder.encode(read_pixels(data, encoder.height, encoder.width)[np.newaxis])
        for data in jpegs
    )
    report = ExperimentReport(
        name="own net/plain", family="own", base=None, change="", status="done"
    )
    comparison = Comparison(
        preset="quick",
        classes=release.manifest.classes,
        train=len(images) // 2,
        tuning=0,
        validation=len(images) // 2,
        best=report.name,
        experiments=(report,),
    )
    candidate = Candidate(
        model=release.encoder,
        comparison=comparison,
        reference=Reference(ODD_IDS, encoded),
        temperature=release.uncertainty.calibration.temperature,
        uncalibrated=release.uncertainty.calibration.before,
        training_version=TRAINING_VERSION,
        label_issues=(),
        explain=lambda ids, _predicted: np.ones((len(ids), 2, 3), np.float32),
    )
    publish(candidate, store, folder / "releases", map_seed=MAP_SEED)
    return folder


def _metadata(identifier: str) -> dict[str, Any]:
    if identifier != GEOTAGGED:
        return {}
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({29: LOCATION.decode()})
    return {"exif": exif, "comment": LOCATION, "xmp": b"<x:xmpmeta>" + LOCATION + b"</x:xmpmeta>"}


def _image(identifier: str, number: int, data: bytes) -> StoredImage:
    width, height = measure(data)
    digest = sha256(data).hexdigest()
    return StoredImage(
        id=identifier,
        label="forest" if identifier.startswith("forest") else "lake",
        split="validation" if number % 2 else "train",
        width=width,
        height=height,
        group=number,
        digest=digest,
        source_digest=digest,
        title=f"Number {number}",
        photographer="A. Photographer",
        photographer_id="12345@N01",
        licence="4",
        url=f"https://live.staticflickr.com/1/{number}_a.jpg",
        source="odd names",
    )


@pytest.fixture(scope="session")
def odd(odd_home: Path) -> Iterator[httpx.Client]:
    with _serving(ServiceSettings(home=odd_home)) as client:
        yield client


@pytest.fixture(scope="module")
def writable_home(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of `home` that the tests of a module change."""
    folder = tmp_path_factory.mktemp("writable")
    return Path(shutil.copytree(home, folder, symlinks=True, dirs_exist_ok=True))


@contextmanager
def answering(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Run a server with a handler; yield its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def copied_home(home: Path, tmp_path: Path) -> Path:
    """Return a copy of the release and store of `home` that a test may damage."""
    for name in ("releases", "store"):
        shutil.copytree(home / name, tmp_path / name, symlinks=True)
    return tmp_path


@pytest.fixture(scope="session")
def records(api: httpx.Client) -> list[dict[str, Any]]:
    """Return the records of all stored images."""
    found: list[dict[str, Any]] = []
    while True:
        page = api.get("/images", params={"limit": 100, "offset": len(found)}).json()
        found += page["images"]
        if len(found) == page["total"]:
            return found


@pytest.fixture(scope="session")
def features(api: httpx.Client, records: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the response of `/features` for each stored image, by id."""
    return {
        record["id"]: api.get("/features", params={"id": record["id"]}).json() for record in records
    }


@pytest.fixture(scope="session")
def a_jpeg(api: httpx.Client, records: list[dict[str, Any]]) -> bytes:
    return api.get(f"/images/{records[0]['id']}").content


@pytest.fixture(scope="session")
def sentence() -> Callable[[httpx.Response, int], str]:
    """Return a check that a response is a problem with a status; the check returns its detail."""

    def check(response: httpx.Response, status: int) -> str:
        assert response.status_code == status, response.text
        assert response.headers["content-type"] == "application/problem+json"
        problem = response.json()
        assert problem["status"] == status
        assert problem["title"]
        detail: str = problem["detail"]
        assert not detail[0].islower()
        assert detail.endswith(".")
        assert "Traceback" not in detail
        return detail

    return check
