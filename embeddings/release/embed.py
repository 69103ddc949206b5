"""Features of all images for an encoder, computed before or without publishing it."""

from pathlib import Path
from typing import NamedTuple

from embeddings.encoder import Encoder, encoder_fingerprint
from embeddings.errors import BelvedereError
from embeddings.progress import Track
from embeddings.ray_cluster import Cluster
from embeddings.release.distributed_encoding import encode_on
from embeddings.release.encoding import encode_here, store_features
from embeddings.release.reader import current_release, open_release
from embeddings.runtime import Precision
from embeddings.store.store import Store


class ModelMissing(BelvedereError):
    """Encoder file that does not exist or is no OpenVINO model."""


class Embedded(NamedTuple):
    """Result of `embed`."""

    encoder: str
    """Fingerprint of the encoder."""
    images: int
    """Number of images of the newest revision."""
    computed: int
    """Number of files whose features were computed."""


def embed(
    store: Store, releases: Path, model: Path | None, cluster: Cluster | None, track: Track
) -> Embedded:
    """Store the features of all images of the newest revision for an encoder.

    It is that of the file `model`, by default that of the current release. With `cluster`, its
    nodes compute the features. The caller must hold the lock of the home. Raises `ReleaseError`
    without a current release, `ModelMissing` and `StoreError`.
    """
    file, precision = _current_encoder(releases) if model is None else (_checked(model), "f32")
    fingerprint, snapshot = encoder_fingerprint(file), store.at()
    encode = (
        encode_on(cluster, file, precision) if cluster else encode_here(Encoder(file, precision))
    )
    computed = store_features(snapshot, store.features(fingerprint), encode, track)
    return Embedded(fingerprint, len(snapshot.images), computed)


def _current_encoder(releases: Path) -> tuple[Path, Precision]:
    release = open_release(current_release(releases))
    return release.encoder, release.manifest.encoder.precision


def _checked(model: Path) -> Path:
    for part in (model, model.with_suffix(".bin")):
        if model.suffix != ".xml" or not part.is_file():
            raise ModelMissing(
                f"{part} is no file of an encoder; give the `.xml` of an OpenVINO model that has "
                "its `.bin` beside it, such as `encoder.xml` of a release."
            )
    return model
