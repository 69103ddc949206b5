"""Clients that change images without pause, and know what must be stored afterwards."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path

import httpx
import numpy as np

from api_tests.chaos.running import Running
from api_tests.pictures import jpeg_of
from embeddings.store.store import Store
from service.schemas import REVISION_HEADER
from tests.home_state import problems_of

_IMAGES = 100
"""Images of each writer; so few that folding them is short."""
_PICTURES = 400
"""Pictures of each writer, more than its images; none is sent under two ids at a time."""
_LABELS = ("lake", "ocean", "road")


@cache
def picture(seed: int) -> bytes:
    """Return the JPEG file of a picture, unlike those of other seeds."""
    return jpeg_of(100_000 + seed)


@dataclass(frozen=True)
class Stored:
    """State of one image that a client can tell from the store."""

    source: str
    """SHA-256 of the file that was sent."""
    label: str
    deleted: bool = False


@dataclass
class ImageWriter:
    """Client that adds, replaces, relabels, deletes and restores images of its own, one by one."""

    number: int
    seed: int
    acknowledged: dict[str, Stored] = field(default_factory=dict)
    """State of each image after its last answer."""
    pending: tuple[str, Stored] | None = None
    """Change without an answer, which may be stored or not."""
    writes: int = 0
    failures: list[str] = field(default_factory=list)
    revision: int = 0

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng([self.seed, self.number])
        self._sent = 0

    def write(self, client: httpx.Client) -> None:
        """Send one change and record its answer. Raises `httpx.TransportError`."""
        known = [*self.acknowledged]
        identifier = (
            known[int(self._rng.integers(len(known)))]
            if known and (len(known) == _IMAGES or self._rng.random() < 0.6)
            else f"chaos/{self.number}-{self.writes}"
        )
        before = self.acknowledged.get(identifier)
        kind = "put" if before is None else str(self._rng.choice(["put", "label", "delete"]))
        label = str(self._rng.choice(_LABELS))
        if kind == "put":
            content = self._next_picture()
            after = Stored(sha256(content).hexdigest(), label)
            self.pending = identifier, after
            answer = client.put(
                f"/images/{identifier}", content=content, params={"label": label, "restore": True}
            )
        elif kind == "label" and before is not None and not before.deleted:
            after = Stored(before.source, label)
            self.pending = identifier, after
            answer = client.patch("/images", params={"id": identifier}, json={"label": label})
        else:
            assert before is not None
            after = Stored(before.source, before.label, not before.deleted)
            self.pending = identifier, after
            answer = (
                client.delete("/images", params={"id": identifier})
                if after.deleted
                else client.post("/restore", json={"ids": [identifier]})
            )
        self.pending = None
        if answer.is_success:
            self.acknowledged[identifier] = after
            self.revision = int(answer.headers[REVISION_HEADER])
            self.writes += 1
        else:
            self.failures.append(f"{answer.status_code} {answer.text[:200]}")

    def _next_picture(self) -> bytes:
        """Return a picture that none of the images has now."""
        held = {each.source for each in self.acknowledged.values()}
        while True:
            self._sent += 1
            content = picture(self.number * _PICTURES + self._sent % _PICTURES)
            if sha256(content).hexdigest() not in held:
                return content


@contextmanager
def continuous_writes(
    service: Running, writers: list[ImageWriter], pause: float = 0.0, most: int | None = None
) -> Iterator[list[threading.Thread]]:
    """Let each writer write in a thread until the block ends, or `most` times in all of it."""
    done = threading.Event()

    def write(writer: ImageWriter) -> None:
        until = None if most is None else writer.writes + most
        with service.client() as client:
            while not done.is_set() and (until is None or writer.writes < until):
                try:
                    writer.write(client)
                except httpx.TransportError:
                    return
                time.sleep(pause)

    threads = [threading.Thread(target=write, args=(each,)) for each in writers]
    for thread in threads:
        thread.start()
    try:
        yield threads
    finally:
        done.set()
        for thread in threads:
            thread.join()


def check_stored(home: Path, writers: list[ImageWriter]) -> None:
    """Check that nothing acknowledged is lost, nothing doubled, and that the home is consistent.

    Takes over what a change without an answer left.
    """
    assert problems_of(home) == []
    images = Store(str(home / "store")).at().all
    assert len(set(images.ids)) == len(images.ids)
    found = {
        image.id: Stored(image.source_digest or "", image.label or "", image.deleted is not None)
        for image in images
        if image.id.startswith("chaos/")
    }
    for writer in writers:
        allowed = dict(writer.acknowledged)
        if writer.pending is not None:
            identifier, after = writer.pending
            if found.get(identifier) == after:
                allowed[identifier] = after
            writer.pending = None
        own = f"chaos/{writer.number}-"
        mine = {each: state for each, state in found.items() if each.startswith(own)}
        assert mine == allowed
        writer.acknowledged = allowed
