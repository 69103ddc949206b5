"""Lease of a feature store in object storage: the lock of its one writer.

The lease is an object that its holder writes again every few seconds, each time on the condition
that no other process did. A process that waits takes over a lease whose content stays the same for
longer than it lasts, by the clock of this process, so that the clocks of machines need not agree.
"""

import json
import logging
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Lock, Thread
from time import monotonic
from uuid import uuid4

from embeddings.errors import HomeError
from embeddings.objects import Found, Objects, ObjectStorageError, WrittenMeanwhile

LEASE = ".lease"
"""Key of the lease beside the tables."""

SECONDS = 20.0
"""Seconds without a renewal after which a lease can be taken over."""

_RENEWAL_SECONDS = 5.0
_VALID_SECONDS = 15.0
"""Seconds after the last renewal in which the holder may commit; less than `SECONDS`."""

_LOOK_SECONDS = 0.5
_REQUEST_SECONDS = 4

_log = logging.getLogger(__name__)


class LeaseHeld(HomeError):
    """Lease that another process renews."""

    def __init__(self, holder: str) -> None:
        super().__init__(holder)
        self.holder = holder


class LeaseLost(HomeError):
    """Lease that another process took over, or that could not be renewed in time."""


@dataclass
class _Held:
    """State of a lease that this process holds or lost."""

    uri: str
    renewed: float
    """Time at which the last successful renewal began, by the monotonic clock."""
    e_tag: str
    lost: bool = False


_held: dict[str, _Held] = {}
"""Leases of this process by the URI of the store."""

_changing = Lock()


def require_lease(location: str) -> None:
    """Raise `LeaseLost` before a commit to a table of a store whose lease this process lost.

    Without a lease of this process, nothing is required: features and tags are written without.
    """
    for uri, held in list(_held.items()):
        if location != uri and not location.startswith(f"{uri}/"):
            continue
        if held.lost:
            raise LeaseLost(
                f"Another process took over the lease of {uri} while this one could not renew it; "
                "nothing more is written. Start it again."
            )
        if (silent := monotonic() - held.renewed) > _VALID_SECONDS:
            raise LeaseLost(
                f"The lease of {uri} could not be renewed for {silent:.0f} s; nothing is written "
                "until it is. Check the connection to the object storage."
            )


@contextmanager
def lease(uri: str, holder: str) -> Iterator[None]:
    """Hold the lease of a store while the block runs; it is renewed in a thread.

    A lease that a killed process left is taken over after 20 seconds. Raises `LeaseHeld` if another
    process renews it, and `ObjectStorageError` if the server cannot be reached or ignores the
    conditions of writes.
    """
    uri = uri.rstrip("/")
    objects = Objects.open(uri, seconds=_REQUEST_SECONDS)
    objects.check_conditional_writes()
    owner = uuid4().hex
    held = _acquire(objects, owner, holder)
    with _changing:
        _held[uri] = held
    stop = Event()
    thread = Thread(
        target=_renew, args=(objects, held, owner, holder, stop), name="lease", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        with _changing:
            _held.pop(uri, None)
        if not held.lost:
            # A released lease stays as an object: deleting it has no condition.
            with suppress(ObjectStorageError):
                objects.replace(LEASE, _content(None, "", 0), held.e_tag)


def _acquire(objects: Objects, owner: str, holder: str) -> _Held:
    """Return the lease once it is free or was not renewed for too long. Raises `LeaseHeld`."""
    content = _content(owner, holder, 0)
    seen: Found | None = None
    since, pause = monotonic(), Event()
    while True:
        found = objects.read(LEASE)
        now = monotonic()
        expired = seen is not None and found == seen and now - since >= SECONDS
        if found is None or expired or _holder(found) is None:
            try:
                write = _writing(objects, content, found)
                return _Held(objects.uri.rstrip("/"), now, write())
            except WrittenMeanwhile:
                continue
        if seen is None:
            seen, since = found, now
            _log.warning(
                "The feature store %s was last written by %s; waiting up to %d s to see whether "
                "this process still runs.", objects.uri, _holder(found), SECONDS,
            )  # fmt: skip
        elif found != seen:
            raise LeaseHeld(_holder(found) or "another process")
        pause.wait(_LOOK_SECONDS)


def _writing(objects: Objects, content: bytes, found: Found | None) -> Callable[[], str]:
    if found is None:
        return lambda: objects.create(LEASE, content)
    return lambda: objects.replace(LEASE, content, found.e_tag)


def _renew(objects: Objects, held: _Held, owner: str, holder: str, stop: Event) -> None:
    """Renew a lease until it is to be released or another process took it over."""
    count, pause = 0, _RENEWAL_SECONDS
    while not stop.wait(pause):
        count += 1
        begun = monotonic()
        try:
            held.e_tag = objects.replace(LEASE, _content(owner, holder, count), held.e_tag)
            held.renewed, pause = begun, _RENEWAL_SECONDS
        except WrittenMeanwhile:
            if not _is_own(objects, held, owner):
                held.lost = True
                _log.error("Another process took over the lease of %s.", held.uri)
                return
            pause = _LOOK_SECONDS
        except ObjectStorageError as error:
            _log.warning("The lease was not renewed: %s", error)
            pause = _LOOK_SECONDS


def _is_own(objects: Objects, held: _Held, owner: str) -> bool:
    """Return whether the lease is still that of this owner, such as after a lost answer."""
    try:
        found = objects.read(LEASE)
    except ObjectStorageError:
        return True
    if found is None or _read(found).get("owner") != owner:
        return False
    held.e_tag = found.e_tag
    return True


def _holder(found: Found) -> str | None:
    """Return the holder of a lease; None if it is released."""
    content = _read(found)
    return content.get("holder") if content.get("owner") else None


def _read(found: Found) -> dict[str, str]:
    try:
        content = json.loads(found.content)
    except ValueError:
        return {"owner": "?", "holder": "another process"}
    return content if isinstance(content, dict) else {}


def _content(owner: str | None, holder: str, count: int) -> bytes:
    """Return the content of a lease, which is different at each renewal."""
    shown = f"`{holder}` (process {os.getpid()} on {socket.gethostname()})"
    written = {"owner": owner, "holder": shown, "renewals": count, "nonce": uuid4().hex}
    return json.dumps(written).encode()
