"""File of hashed API keys: names, roles, and its reload while the service runs."""

import logging
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from secrets import token_urlsafe
from time import monotonic
from typing import Literal, get_args

from pydantic import Field, ValidationError

from embeddings.atomic import atomic_file
from embeddings.errors import BelvedereError, explain_os_error
from embeddings.frozen_model import StrictModel

Role = Literal["read", "label", "write", "admin"]
"""Right of a key; each role has the rights of those before it."""

ROLES: tuple[Role, ...] = get_args(Role)

_SECRET_BYTES = 32
_RELOAD_SECONDS = 1.0
_OWNER_ONLY = 0o600

_log = logging.getLogger(__name__)


class KeysError(BelvedereError):
    """Unreadable file of keys, or a name that it lacks or has already."""


class Key(StrictModel):
    """Line of the file of keys; the key itself is not stored."""

    name: str = Field(min_length=1, max_length=100)
    role: Role
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


def grants(role: Role, needed: Role) -> bool:
    """Return True if a role has the rights of another."""
    return ROLES.index(role) >= ROLES.index(needed)


def read_keys(path: Path) -> tuple[Key, ...]:
    """Return the keys of a file: a JSON object on each line; () if it does not exist.

    Raises `KeysError`.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        reason = explain_os_error(error) if isinstance(error, OSError) else None
        raise KeysError(f"BELVEDERE_KEYS: {reason or f'{path} is not text ({error}).'}") from error
    numbered = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    return tuple(_key(path, number, line) for number, line in numbered)


def _key(path: Path, number: int, line: str) -> Key:
    try:
        return Key.model_validate_json(line)
    except ValidationError as error:
        # The cause is dropped because it contains the line.
        raise KeysError(
            f"BELVEDERE_KEYS: line {number} of {path} is not a key ({error.errors()[0]['msg']}); "
            "remove the line and create the key again with `belvedere key NAME --role ROLE`."
        ) from None


def add_key(path: Path, name: str, role: Role) -> str:
    """Add a key to a file, which only its owner can read, and return the key.

    Raises `KeysError` if the name exists or is unusable.
    """
    known = read_keys(path)
    if not (name.strip() == name != "" and name.isprintable() and len(name) <= 100):
        raise KeysError(
            f"{name!r:.100} cannot be the name of a key; use up to 100 printable characters, "
            "without spaces at either end."
        )
    if any(each.name == name for each in known):
        raise KeysError(
            f"There is a key {name!r} already; choose another name, or run `belvedere key --remove "
            f"{name}` first."
        )
    secret = token_urlsafe(_SECRET_BYTES)
    _write(path, (*known, Key(name=name, role=role, sha256=digest_of(secret))))
    return secret


def remove_key(path: Path, name: str) -> None:
    """Remove a key from a file. Raises `KeysError` if it has no key of this name."""
    known = read_keys(path)
    others = [each for each in known if each.name != name]
    if len(others) == len(known):
        raise KeysError(
            f"{path} has no key {name!r}; `belvedere key --list` shows the names of all keys."
        )
    _write(path, others)


def _write(path: Path, keys: Iterable[Key]) -> None:
    with atomic_file(path) as draft:
        draft.touch(_OWNER_ONLY)
        draft.write_text("".join(f"{each.model_dump_json()}\n" for each in keys), "utf-8")


def digest_of(secret: str) -> str:
    """Return the SHA-256 of a key, in hexadecimal digits."""
    return sha256(secret.encode()).hexdigest()


class KeyRing:
    """Keys of a file, read again when the file changes, and further keys.

    The file is looked at once a second at most. If it becomes unreadable, the last keys stay valid.
    Raises `KeysError` if it is unreadable at first.
    """

    def __init__(self, path: Path, others: Iterable[Key] = ()) -> None:
        self._path = path
        self._others = tuple(others)
        self._seen = _signature(path)
        self._keys = self._read()
        self._checked = monotonic()
        self.trouble: str | None = None
        """Reason for which a changed file was not read; None without such a file."""

    @property
    def keys(self) -> tuple[Key, ...]:
        """All keys that are valid."""
        if monotonic() - self._checked >= _RELOAD_SECONDS:
            self._checked = monotonic()
            self._reload()
        return self._keys

    def find(self, secret: str) -> Key | None:
        """Return the key with this secret; None if there is none."""
        digest = digest_of(secret)
        return next((each for each in self.keys if each.sha256 == digest), None)

    def _reload(self) -> None:
        found = _signature(self._path)
        if found == self._seen:
            return
        self._seen = found
        try:
            if found is None:
                raise KeysError(
                    f"BELVEDERE_KEYS: {self._path} is gone; create it again, or restart the "
                    "service to drop its keys."
                )
            self._keys, self.trouble = self._read(), None
        except KeysError as error:
            self.trouble = str(error)
            _log.warning("the keys were not reloaded: %s", error)

    def _read(self) -> tuple[Key, ...]:
        return *self._others, *read_keys(self._path)


def _signature(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
