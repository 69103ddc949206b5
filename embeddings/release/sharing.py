"""Releases in object storage, of which the folder of releases is a copy.

A release is uploaded with its manifest last, then the object `current` is written on the condition
that no other process did meanwhile. Readers fetch a release once, verify it, and move their link.
"""

import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from embeddings.atomic import atomic_folder, atomic_symlink, delete_whole
from embeddings.errors import HomeError
from embeddings.lock import home_lock
from embeddings.objects import Found, Objects, WrittenMeanwhile
from embeddings.release.manifest import MANIFEST
from embeddings.release.reader import (
    CURRENT,
    ReleaseError,
    is_intact,
    read_manifest,
    release_folders,
    verify_release,
)
from embeddings.settings import PathSettings

Share = Callable[[Path], None]
"""Function that makes an installed release the current one for other machines."""

_NONE = ""
"""Name in `current` without a current release; without the object, none was published yet."""

_REQUEST_SECONDS = 30

_log = logging.getLogger(__name__)


def keep_local(_: Path) -> None:
    """Share nothing: the folder of releases is the only place."""


@dataclass(frozen=True)
class SharedReleases:
    """Releases under a URI, and the folder with their copies; raises `ObjectStorageError`."""

    objects: Objects
    folder: Path
    _seen: list[Found | None] = field(default_factory=lambda: [None])
    """Pointer `current` that was read last."""

    @classmethod
    def of(cls, settings: PathSettings) -> "SharedReleases | None":
        """Return the releases of the settings; None if they are in a folder alone."""
        if settings.releases_uri is None:
            return None
        objects = Objects.open(settings.releases_uri, seconds=_REQUEST_SECONDS)
        return cls(objects, settings.releases_folder)

    def pull(self, *, verify: bool = False) -> bool:
        """Make the current release of the URI that of the folder; return whether it changed.

        One request if it did not change. With `verify`, a damaged copy is fetched again. Raises
        `ReleaseError` if the fetched files are damaged.
        """
        pointer = self.objects.read(CURRENT)
        self._seen[0] = pointer
        link = self.folder / CURRENT
        if pointer is None:
            return False
        name = _name(pointer, self.objects.uri)
        if name == _NONE:
            if not link.is_symlink():
                return False
            link.unlink()
            return True
        is_current = link.is_symlink() and link.readlink() == Path(name)
        if is_current and not verify and (link / MANIFEST).is_file():
            return False
        fetched = self.fetch(name, verify=verify)
        if not is_current:
            atomic_symlink(link, name)
        return fetched or not is_current

    def pull_all(self) -> None:
        """Copy every release to the folder, then make the current one that of the folder."""
        for name in self.names():
            self.fetch(name)
        self.pull()

    def fetch(self, name: str, *, verify: bool = False) -> bool:
        """Copy a release to the folder unless it is there; return whether it was copied.

        The digests of all files are verified, with `verify` also those of a copy that is there.
        Raises `ReleaseError` if the release is missing or damaged.
        """
        target = self.folder / name
        if (target / MANIFEST).is_file() and (not verify or is_intact(target)):
            return False
        manifest = self.objects.read(f"{name}/{MANIFEST}")
        if manifest is None:
            raise ReleaseError(
                f"The release {name} is missing in {self.objects.uri}; run `belvedere publish` "
                "again."
            )
        with atomic_folder(target) as draft, _named(draft, f"{self.objects.uri}/{name}"):
            (draft / MANIFEST).write_bytes(manifest.content)
            sealed = read_manifest(draft)
            if sealed.folder != name:
                raise ReleaseError(
                    f"{draft} has the manifest of another release; publish it again."
                )
            for file in sealed.files:
                self.objects.download(f"{name}/{file}", draft / file)
            verify_release(draft)
        return True

    def share(self, release: Path) -> None:
        """Upload a release and make it the current one.

        Files that an interrupted call uploaded are not uploaded again. Raises `ReleaseError` if
        another process published since the last `pull`.
        """
        self.objects.check_conditional_writes()
        present = {each.key: each.size for each in self.objects.listed(release.name)}
        for file in (*read_manifest(release).files, MANIFEST):
            key, path = f"{release.name}/{file}", release / file
            if present.get(key) != path.stat().st_size:
                self.objects.upload(key, path)
        self._point(release.name)

    def discard(self, release: Path) -> None:
        """Delete a release; the manifest first, so that a killed call leaves no incomplete one."""
        self.objects.delete(f"{release.name}/{MANIFEST}")
        self.objects.delete(*(each.key for each in self.objects.listed(release.name)))

    def point_to_none(self) -> None:
        """Leave the URI without a current release. Raises `ReleaseError` as `share`."""
        self._point(_NONE)

    def names(self) -> list[str]:
        """Return the names of all complete releases, in alphabetical order."""
        keys = (each.key.split("/") for each in self.objects.listed())
        return sorted(key[0] for key in keys if key[1:] == [MANIFEST])

    def drop_discarded(self, home: Path) -> None:
        """Delete releases of the folder that the URI does not have, unless a process publishes.

        So an erased image leaves the copies of all machines.
        """
        # A process that publishes has a release that is not uploaded yet.
        with suppress(HomeError), home_lock(home, "clean-up of releases", keep_drafts=True):
            current = (self.folder / CURRENT).resolve()
            known = set(self.names())
            for folder in release_folders(self.folder):
                if folder.name not in known and folder != current:
                    delete_whole(folder)
                    _log.info("Deleted %s, which %s does not have.", folder, self.objects.uri)

    def check(self) -> Generator[str, None, int]:
        """Yield a sentence for each problem of the releases at the URI; return their number."""
        sizes = {each.key: each.size for each in self.objects.listed()}
        names = self.names()
        for name in names:
            folder = self.folder / name
            for file in (*read_manifest(folder).files, MANIFEST):
                if sizes.get(f"{name}/{file}") != (folder / file).stat().st_size:
                    yield (
                        f"The file {file} of the release {name} is missing or damaged in "
                        f"{self.objects.uri}; delete this release there, and run `belvedere "
                        "publish`."
                    )
        return len(names)

    def _point(self, name: str) -> None:
        # Each content is different: tags of some servers are digests, so that an equal content
        # would not be noticed by another publisher.
        content, seen = f"{name}\n{uuid4().hex}\n".encode(), self._seen[0]
        try:
            if seen is None:
                tag = self.objects.create(CURRENT, content)
            else:
                tag = self.objects.replace(CURRENT, content, seen.e_tag)
        except WrittenMeanwhile as error:
            raise ReleaseError(
                f"Another process published to {self.objects.uri} meanwhile, and its release is "
                "the current one; run this command again."
            ) from error
        self._seen[0] = Found(content, tag)


def _name(pointer: Found, uri: str) -> str:
    name = pointer.content.decode("utf-8", "replace").split("\n")[0]
    if name.startswith(".") or "/" in name or name == CURRENT:
        raise ReleaseError(f"{uri}/{CURRENT} names no release; run `belvedere publish` again.")
    return name


@contextmanager
def _named(draft: Path, place: str) -> Iterator[None]:
    """Name the place instead of the draft in errors about a fetched release."""
    try:
        yield
    except ReleaseError as error:
        raise type(error)(str(error).replace(str(draft), place)) from error
