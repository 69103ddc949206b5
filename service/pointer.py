"""The pointer `current` as it is seen from outside: cheap to look at, different when it changed."""

from pathlib import Path

from embeddings.release.reader import ReleaseError, current_release

Seen = tuple[str, tuple[tuple[str, int, int], ...]]
"""The folder that the pointer names; name, bytes and time of change of each file in it."""


def seen(releases: Path) -> Seen | None:
    """What the pointer names now; None where it names nothing.

    A release that was damaged, repaired or only half copied when it was first looked at differs
    from what it was, though its name is the same.
    """
    try:
        folder = current_release(releases)
        files = [(path.name, path.stat()) for path in sorted(folder.iterdir())]
    except (ReleaseError, OSError):
        return None
    return str(folder), tuple((name, it.st_size, it.st_mtime_ns) for name, it in files)
