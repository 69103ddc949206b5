"""Program that publishes the current model over the newest revision, as `belvedere up` does.

`python -m tests.publisher HOME [SEED]`; with a seed, the model gets another fingerprint, so that
all features are computed again. Nothing is published if the current release is the newest.
"""

import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from embeddings.arrays import Floats
from embeddings.encoded import Encoded
from embeddings.encoder import encoder_fingerprint
from embeddings.lock import home_lock
from embeddings.release.parity import Reference
from embeddings.release.publish import Candidate, publish, republish
from embeddings.release.reader import current_release, open_release
from embeddings.store.store import Store


def explain(ids: Iterable[str], _predicted: object) -> Floats:
    """Return heat maps of equal cells, which need no network."""
    return np.ones((len(list(ids)), 2, 3), np.float32)


def candidate(home: Path, seed: int, folder: Path) -> Candidate:
    """Return the current model with another fingerprint."""
    release = open_release(current_release(home / "releases"))
    model = folder / f"{seed}.xml"
    content, _, _ = release.encoder.read_bytes().partition(b"<!--")
    model.write_bytes(content + b"<!-- %d -->" % seed)
    shutil.copyfile(release.encoder.with_suffix(".bin"), model.with_suffix(".bin"))
    version = release.manifest.training.version
    learned_from = set(Store(str(home / "store")).at(version).images.ids)
    rows = [row for row, each in enumerate(release.images.ids) if each in learned_from]
    return Candidate(
        model=model,
        comparison=release.comparison,
        reference=Reference(
            tuple(release.images.ids[row] for row in rows),
            Encoded(release.embeddings[rows], release.probabilities[rows]),
        ),
        temperature=release.uncertainty.calibration.temperature,
        uncalibrated=release.uncertainty.calibration.before,
        training_version=version,
        label_issues=release.label_issues,
        explain=explain,
    )


def main(home: Path, seed: int | None = None) -> None:
    """Publish unless the current release is the newest."""
    store, releases = Store(str(home / "store")), home / "releases"
    with home_lock(home, "publisher"), TemporaryDirectory() as folder:
        current = open_release(current_release(releases)).manifest
        same_images = current.data.fingerprint == store.at().images.fingerprint
        if seed is None:
            if not same_images:
                republish(store, releases, explain)
            return
        made = candidate(home, seed, Path(folder))
        if not same_images or encoder_fingerprint(made.model) != current.encoder.fingerprint:
            publish(made, store, releases, map_seed=seed)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
