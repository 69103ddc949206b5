"""The manifest of a release: what it consists of, and the fingerprint that names it."""

import hashlib
import json
from typing import Literal

from pydantic import Field

from embeddings.frozen_model import StrictModel
from embeddings.runtime import Precision
from embeddings.store.records import GENERATED_SCENES

MANIFEST = "manifest.json"
MANIFEST_FORMAT: Literal[4] = 4
FINGERPRINT_LENGTH = 16


class InputSpec(StrictModel):
    """What the encoder takes: uint8 RGB of this size, scaled from the whole photograph."""

    height: int
    width: int
    dtype: Literal["uint8"] = "uint8"
    layout: Literal["NHWC"] = "NHWC"


class EncoderInfo(StrictModel):
    """Which network serves, and how."""

    fingerprint: str = Field(
        description="SHA-256 over the encoder's two files and the version of the pixel rules."
    )
    experiment: str = Field(description="The experiment that trained it.")
    embedding_dimension: int
    input: InputSpec
    precision: Precision


class Parity(StrictModel):
    """How closely the encoder follows the Keras network on the validation photographs."""

    photographs: int
    largest_relative_error: float = Field(description="Of an embedding, L2.")
    same_neighbors: float = Field(description="Share with the same three nearest, ties aside.")
    largest_probability_change: float = Field(
        description="Largest difference of a class probability, 0-1."
    )
    mean_probability_change: float = Field(
        description="Mean over the photographs of the largest difference of a probability, 0-1."
    )
    accuracy_change: float = Field(description="Accuracy of the encoder less the network's.")
    precision_at_3_change: float = Field(
        description="Share of the three nearest validation photographs that are of the same class: "
        "the encoder's less the network's."
    )


class StoreVersions(StrictModel):
    """Versions of the feature store's tables that belong to this release."""

    images: int
    features: int


class DataInfo(StrictModel):
    """Which collection this release knows."""

    name: str
    fingerprint: str
    photographs: int


class Manifest(StrictModel):
    """Everything that identifies a release; no clock time, so equal content has equal names."""

    format: Literal[4] = MANIFEST_FORMAT
    data: DataInfo
    classes: tuple[str, ...]
    encoder: EncoderInfo
    parity: Parity
    store: StoreVersions
    map_seed: int
    versions: dict[str, str] = Field(description="Versions of the libraries that made it.")
    files: dict[str, str] = Field(description="SHA-256 of every file.")
    fingerprint: str = ""

    def sealed(self) -> "Manifest":
        """The same manifest with its fingerprint: the digest of all the rest.

        A release of generated scenes says so in its fingerprint, hence in every answer.
        """
        content = self.model_dump(mode="json", exclude={"fingerprint"})
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(canonical.encode()).hexdigest()[:FINGERPRINT_LENGTH]
        prefix = f"{GENERATED_SCENES} " if self.data.name == GENERATED_SCENES else ""
        return self.model_copy(update={"fingerprint": prefix + digest})

    @property
    def folder(self) -> str:
        """Name of the release's folder."""
        return self.fingerprint.replace(" ", "-")
