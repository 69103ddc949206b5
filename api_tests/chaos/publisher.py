"""Publisher of the current model under another fingerprint; starts on a line of its input."""

import sys
from pathlib import Path

from embeddings.lock import home_lock
from embeddings.release.publish import publish
from embeddings.store.store import Store
from tests.publisher import candidate

BEGINS = "begins"


def main(home: Path, seed: int, folder: Path) -> None:
    """Publish once; print a line at the beginning."""
    made = candidate(home, seed, folder)
    sys.stdin.readline()
    sys.stdout.write(f"{BEGINS}\n")
    sys.stdout.flush()
    with home_lock(home, "publisher"):
        publish(made, Store(str(home / "store")), home / "releases", map_seed=seed)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
