"""`python -m benchmarks.growth.nightly`: a few images added to the collection of BELVEDERE_HOME.

The home is copied, because it is changed. It must have a release of its newest revision, and
BELVEDERE_DATA must be that of the home.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from PIL import Image, ImageOps

from benchmarks.measurements import Measurement, bench_home, save
from embeddings.images import open_rgb
from embeddings.release.reader import current_release, read_manifest
from embeddings.store.images import Snapshot
from embeddings.store.store import Store

_ADDED = 30


class NightlyMeasurement(Measurement):
    """Times of the commands, imports included, and effects on the images known before."""

    images: int
    added: int
    add_seconds: float
    publish_seconds: float
    """Time of `belvedere prepare`, which publishes the same model over the new revision."""
    unchanged_seconds: float
    """Time of `belvedere add` with the same folder again."""
    moved: int
    """Known images on another side of the split than before."""
    trained: int
    """Runs trained in the meantime."""


def main() -> None:
    """Measure and save the result in BELVEDERE_HOME."""
    save(measure(bench_home()), bench_home())


def measure(home: Path) -> NightlyMeasurement:
    """Add mirrored images of the collection to a copy of a home and publish them."""
    with TemporaryDirectory(dir=home.parent) as temporary:
        copy, folder = Path(temporary, "home"), Path(temporary, "new")
        shutil.copytree(home, copy, symlinks=True)
        store = Store(str(copy / "store"))
        before = store.at()
        runs = set((copy / "runs").glob("*"))
        _write_mirrored(before, folder)
        add = _time(copy, "add", str(folder))
        publish = _time(copy, "prepare")
        unchanged = _time(copy, "add", str(folder))
        after = store.at()
        manifest = read_manifest(current_release(copy / "releases"))
        if manifest.data.revision != after.revision:
            raise RuntimeError("The release does not have the images that were added.")
        return NightlyMeasurement(
            images=len(before.images),
            added=len(after.images) - len(before.images),
            add_seconds=add,
            publish_seconds=publish,
            unchanged_seconds=unchanged,
            moved=_moved(before, after),
            trained=len(set((copy / "runs").glob("*")) - runs),
        )


def _write_mirrored(snapshot: Snapshot, folder: Path) -> None:
    images = snapshot.images
    chosen = images[:: max(1, len(images) // _ADDED)][:_ADDED]
    for image, jpeg in zip(chosen, snapshot.jpegs(chosen.digests), strict=True):
        path = folder / str(image.label) / f"mirrored-{image.digest[:12]}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        mirrored: Image.Image = ImageOps.mirror(open_rgb(jpeg))
        mirrored.save(path, quality=90)


def _time(home: Path, *arguments: str) -> float:
    """Run a command of `belvedere` and return its wall-clock seconds."""
    settings = {"BELVEDERE_HOME": str(home)}
    start = perf_counter()
    subprocess.run(
        [sys.executable, "-m", "belvedere", *arguments], env=os.environ | settings, check=True
    )
    return perf_counter() - start


def _moved(before: Snapshot, after: Snapshot) -> int:
    sides = dict(zip(after.images.ids, after.images.splits, strict=True))
    known = zip(before.images.ids, before.images.splits, strict=True)
    return sum(sides[identifier] != side for identifier, side in known)


if __name__ == "__main__":
    main()
