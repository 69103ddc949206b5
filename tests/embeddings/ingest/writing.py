"""Process that writes images to a store until it is killed.

`python -m tests.embeddings.ingest.writing FOLDER FIRST` puts the scenes from number FIRST on,
several at once, and prints the number of each image when it is acknowledged.
"""

import sys
from concurrent.futures import FIRST_COMPLETED, Future, wait
from itertools import count
from pathlib import Path

from embeddings.ingest.changes import Put, Written
from tests.embeddings.ingest.prepared import OpenWriter, prepared

_AT_ONCE = 4


def main(folder: str, first: str) -> None:
    """Write images without end."""
    with OpenWriter(Path(folder), group_seconds=0.005) as it:
        waiting: dict[Future[Written], int] = {}
        for scene in count(int(first)):
            waiting[it.submit(Put(f"lake/{scene}", "lake", prepared(scene), "ada"))] = scene
            if len(waiting) < _AT_ONCE:
                continue
            for done in wait(waiting, return_when=FIRST_COMPLETED).done:
                done.result()
                sys.stdout.write(f"{waiting.pop(done)}\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
