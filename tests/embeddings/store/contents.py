"""Images and files for tests of the feature store."""

from collections.abc import Iterable
from hashlib import sha256

import numpy as np

from embeddings.encoded import Encoded
from embeddings.store.blobs import THUMBNAIL_BYTES
from embeddings.store.records import Blob, StoredImage
from embeddings.store.store import Store


def digest_of(content: bytes) -> str:
    return sha256(content).hexdigest()


def image(name: str, content: bytes = b"jpeg", label: str | None = "lake") -> StoredImage:
    digest = digest_of(content)
    return StoredImage(
        id=name,
        label=label,
        split="train",
        group=1,
        digest=digest,
        source_digest=digest,
        width=4,
        height=3,
    )


def add_files(store: Store, contents: Iterable[bytes]) -> None:
    """Append the files that the store lacks."""
    known = store.blobs.known()
    new = {digest_of(content): content for content in contents}
    store.blobs.append(
        [
            Blob(digest, content, 4, 3, bytes(THUMBNAIL_BYTES))
            for digest, content in new.items()
            if digest not in known
        ]
    )


def new_store(uri: str) -> Store:
    store = Store(uri)
    store.create(split_seed=5, split_rule=3)
    return store


def encoded(count: int, value: float) -> Encoded:
    return Encoded(np.full((count, 5), value, np.float32), np.full((count, 2), 0.5, np.float32))
