"""Features of all images of a snapshot: read from the store, or computed and stored."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from embeddings.encoded import Encoded
from embeddings.encoder import Encoder
from embeddings.images import ImageRejected
from embeddings.progress import Track
from embeddings.store.features import FeatureTable
from embeddings.store.images import Snapshot
from embeddings.store.tables import StoreDamaged

CHECKPOINT = 2048
"""Images whose features are stored in one commit."""

Encode = Callable[[Snapshot, Sequence[str]], Iterable[tuple[str, Encoded]]]
"""Yields the digest and the features of the files with these digests, in any order."""


def encode_images(
    snapshot: Snapshot, features: FeatureTable, encode: Encode, track: Track
) -> Encoded:
    """Return the features of all images, computing and storing those missing for this encoder."""
    store_features(snapshot, features, encode, track)
    return features.read(snapshot.images.digests)[1]


def store_features(snapshot: Snapshot, features: FeatureTable, encode: Encode, track: Track) -> int:
    """Compute and store the features that are missing for this encoder; return their number.

    They are stored in checkpoints: an interruption loses nothing that was computed, and a killed
    process at most the images since the last checkpoint.
    """
    missing = _missing(features, snapshot.images.digests)
    if missing:
        _store(features, track(encode(snapshot, missing), "Features", len(missing)))
    return len(missing)


def encode_here(encoder: Encoder) -> Encode:
    """Return the function that encodes files on all cores of this process."""

    def encode(snapshot: Snapshot, digests: Sequence[str]) -> Iterator[tuple[str, Encoded]]:
        return encode_in_order(encoder, digests, snapshot.jpegs(digests))

    return encode


def encode_in_order(
    encoder: Encoder, digests: Sequence[str], files: Iterable[bytes]
) -> Iterator[tuple[str, Encoded]]:
    """Yield each digest with the features of its file. Raises `StoreDamaged` for a broken file."""
    outputs = encoder.encode_files(files)
    for digest in digests:
        try:
            yield digest, next(outputs)
        except ImageRejected as error:
            raise StoreDamaged(
                f"The stored file with the digest {digest} is damaged ({error}); run `belvedere "
                "verify` for all damaged files."
            ) from error


def _missing(features: FeatureTable, digests: Sequence[str]) -> list[str]:
    known = features.known()
    return [digest for digest in dict.fromkeys(digests) if digest not in known]


def _store(features: FeatureTable, outputs: Iterable[tuple[str, Encoded]]) -> None:
    pending: list[tuple[str, Encoded]] = []

    def write() -> None:
        if pending:
            digests, encoded = zip(*pending, strict=True)
            pending.clear()
            features.append(digests, Encoded.concatenate(encoded))

    try:
        for output in outputs:
            pending.append(output)
            if len(pending) == CHECKPOINT:
                write()
    finally:
        write()
