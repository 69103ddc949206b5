"""Checksums of the files of a folder, stored in the folder itself."""

from collections.abc import Collection
from pathlib import Path

from pydantic import TypeAdapter

from embeddings.digests import file_digest
from embeddings.frozen_model import FrozenModel

CHECKSUMS = "checksums.json"


class _Checksum(FrozenModel):
    size: int
    """Size in bytes."""
    sha256: str


_CHECKSUMS = TypeAdapter(dict[str, _Checksum])


def write_checksums(folder: Path) -> None:
    """Write the checksums of the files in a folder."""
    checksums = {
        path.name: _Checksum(size=path.stat().st_size, sha256=file_digest(path))
        for path in sorted(folder.iterdir())
    }
    (folder / CHECKSUMS).write_bytes(_CHECKSUMS.dump_json(checksums, indent=1))


def damaged_file(
    folder: Path, names: Collection[str] | None = None, *, content: bool
) -> Path | None:
    """Return the first file that is missing or differs from its checksum; None if there is none.

    With `content`, the SHA-256 of each file is compared, otherwise only its size. `names` restricts
    the check to these files.
    """
    try:
        kept = _CHECKSUMS.validate_json((folder / CHECKSUMS).read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return folder / CHECKSUMS
    for name in kept if names is None else names:
        path, checksum = folder / name, kept.get(name)
        if checksum is None or not path.is_file() or path.stat().st_size != checksum.size:
            return path
        if content and file_digest(path) != checksum.sha256:
            return path
    return None
