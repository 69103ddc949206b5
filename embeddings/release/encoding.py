"""Features of all images of a snapshot: read from the store, or computed and stored."""

from collections.abc import Iterable, Sequence

from embeddings.encoded import Encoded
from embeddings.encoder import Encoder
from embeddings.progress import Track
from embeddings.store.features import FeatureTable
from embeddings.store.images import Snapshot

CHECKPOINT = 2048
"""Images whose features are stored in one commit."""


def encode_images(
    snapshot: Snapshot, features: FeatureTable, encoder: Encoder, track: Track
) -> Encoded:
    """Return the features of all images, computing and storing those missing for this encoder.

    An interruption loses at most the images since the last checkpoint.
    """
    digests = snapshot.images.digests
    missing = _missing(features, digests)
    if missing:
        outputs = encoder.encode_files(snapshot.jpegs(missing))
        _store(features, missing, track(outputs, "Features", len(missing)))
    return features.read(digests)[1]


def _missing(features: FeatureTable, digests: Sequence[str]) -> list[str]:
    known = features.known()
    return [digest for digest in dict.fromkeys(digests) if digest not in known]


def _store(features: FeatureTable, digests: Sequence[str], outputs: Iterable[Encoded]) -> None:
    pending: list[Encoded] = []
    for done, output in enumerate(outputs, 1):
        pending.append(output)
        if len(pending) == CHECKPOINT or done == len(digests):
            part = digests[done - len(pending) : done]
            features.append(part, Encoded.concatenate(pending))
            pending.clear()
