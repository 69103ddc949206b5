"""What is known of a photograph besides its pixels, and of a collection of them."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Split = Literal["train", "validation"]

GENERATED_SCENES = "generated scenes"


class Photograph(BaseModel):
    """One photograph; `id` is its path in the data set without the extension."""

    model_config = ConfigDict(frozen=True)

    id: str
    label: str
    split: Split
    width: int = Field(description="Upright width in pixels.")
    height: int = Field(description="Upright height in pixels.")
    group: int = Field(description="Photographs of one group never stand on both sides of a split.")
    digest: str = Field(description="SHA-256 of the file as it was found.")
    title: str | None = None
    photographer: str | None = None
    photographer_id: str | None = None
    licence: str | None = Field(None, description="Licence code of the published licence lists.")
    source: str | None = Field(None, description="Address of the published file.")


class LeftOut(BaseModel):
    """A file of the data set that was not taken, and why."""

    model_config = ConfigDict(frozen=True)

    path: str
    reason: str


class Collection(BaseModel):
    """A data set as it was taken into the store: where it came from and what was left out."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(description="What people call it, such as `generated scenes`.")
    source: str = Field(description="The setting that it was made from.")
    source_digest: str = Field(description="Digest of the source's state, to notice a change.")
    fingerprint: str = Field(
        description="SHA-256 over ids in their order, labels, splits, groups and file digests."
    )
    classes: tuple[str, ...]
    split_seed: int
    split_by: Literal["groups", "folders"]
    split_rule: int = Field(0, description="Version of the rule that drew the split.")
    left_out: tuple[LeftOut, ...] = ()
