"""Manifest of a release: its contents and the fingerprint that identifies it."""

import hashlib
import json
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from embeddings.frozen_model import StrictModel
from embeddings.index import SealedIndex
from embeddings.runtime import Precision
from embeddings.store.records import GENERATED_SCENES
from embeddings.store.retention import RELEASE_PREFIX

MANIFEST = "manifest.json"
MANIFEST_FORMAT: Literal[7] = 7
FINGERPRINT_LENGTH = 16


class InputSpec(StrictModel):
    """Input of the encoder: uint8 RGB of this size, scaled from the whole image."""

    height: int
    width: int
    dtype: Literal["uint8"] = "uint8"
    layout: Literal["NHWC"] = "NHWC"


class EncoderInfo(StrictModel):
    """Served model and its precision."""

    fingerprint: str = Field(
        description="SHA-256 over the encoder's two files and the version of the pixel rules."
    )
    experiment: str = Field(description="Experiment that trained the model.")
    embedding_dimension: int
    input: InputSpec
    precision: Precision


class Parity(StrictModel):
    """Differences between encoder and trained Keras model on the validation images."""

    photographs: int
    largest_relative_error: float = Field(description="Largest relative error of an embedding, L2.")
    same_neighbors: float = Field(
        description="Share of images with equal three nearest neighbours, up to ties."
    )
    largest_probability_change: float = Field(
        description="Largest difference of a class probability, 0-1."
    )
    mean_probability_change: float = Field(
        description="Mean over the images of the largest difference of a probability, 0-1."
    )
    accuracy_change: float = Field(description="Accuracy of the encoder minus that of the model.")
    precision_at_3_change: float = Field(
        description="Precision at 3 of the encoder minus that of the model."
    )


class DataInfo(StrictModel):
    """Collection of this release."""

    name: str
    fingerprint: str
    photographs: int
    revision: int = Field(description="Version of the table `images` that was published.")


class TrainingInfo(StrictModel):
    """Dataset version that the model learned from."""

    version: str = Field(description="Tag of the dataset version.")
    revision: int
    images: int = Field(description="Number of training images.")
    validation: int = Field(description="Number of validation images of the comparison.")


class IndexInfo(StrictModel):
    """Search that found the neighbours of the images at publishing."""

    exact: bool
    recall: float = Field(description="Share of the three nearest that were found, measured.")


def _inside(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or str(path) != name:
        raise ValueError("the path of a file must be relative and inside the release")
    return name


class Manifest(StrictModel):
    """Identity of a release, without timestamps: equal contents have equal fingerprints."""

    format: Literal[7] = MANIFEST_FORMAT
    data: DataInfo
    classes: tuple[str, ...]
    encoder: EncoderInfo
    parity: Parity
    training: TrainingInfo
    neighbors: IndexInfo
    vectors: str = Field(description="Digest of the ids and embeddings.")
    index: SealedIndex
    map_seed: int
    versions: dict[str, str] = Field(description="Versions of the libraries used at publishing.")
    files: dict[Annotated[str, AfterValidator(_inside)], str] = Field(
        description="SHA-256 of every file by its path in the release."
    )
    fingerprint: str = ""

    def sealed(self) -> "Manifest":
        """Return this manifest with its fingerprint, the digest of all other fields.

        The fingerprint of a release of generated scenes begins with `generated scenes`, so every
        response identifies it.
        """
        content = self.model_dump(mode="json", exclude={"fingerprint"})
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(canonical.encode()).hexdigest()[:FINGERPRINT_LENGTH]
        prefix = f"{GENERATED_SCENES} " if self.data.name == GENERATED_SCENES else ""
        return self.model_copy(update={"fingerprint": prefix + digest})

    @property
    def tag(self) -> str:
        """Tag of the published dataset version."""
        return f"{RELEASE_PREFIX}{self.folder}"

    @property
    def folder(self) -> str:
        """Name of the folder of the release."""
        return self.fingerprint.replace(" ", "-")
