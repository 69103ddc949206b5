"""Records of stored images and of the collection, and attributions."""

from typing import Literal

from pydantic import Field

from embeddings.frozen_model import FrozenModel

Split = Literal["train", "validation"]

GENERATED_SCENES = "generated scenes"

_CC = "https://creativecommons.org"

# Codes of Flickr's `flickr.photos.licenses.getInfo`.
LICENCES: dict[str, tuple[str, str | None]] = {
    "0": ("All rights reserved", None),
    "1": ("CC BY-NC-SA 2.0", f"{_CC}/licenses/by-nc-sa/2.0/"),
    "2": ("CC BY-NC 2.0", f"{_CC}/licenses/by-nc/2.0/"),
    "3": ("CC BY-NC-ND 2.0", f"{_CC}/licenses/by-nc-nd/2.0/"),
    "4": ("CC BY 2.0", f"{_CC}/licenses/by/2.0/"),
    "5": ("CC BY-SA 2.0", f"{_CC}/licenses/by-sa/2.0/"),
    "6": ("CC BY-ND 2.0", f"{_CC}/licenses/by-nd/2.0/"),
    "7": ("No known copyright restrictions", "https://www.flickr.com/commons/usage/"),
    "8": ("United States Government Work", "https://www.usa.gov/government-copyright"),
    "9": ("CC0 1.0", f"{_CC}/publicdomain/zero/1.0/"),
    "10": ("Public Domain Mark 1.0", f"{_CC}/publicdomain/mark/1.0/"),
}


class StoredImage(FrozenModel):
    """Record of a stored image; `id` is its path in the data set without the extension."""

    id: str
    label: str
    split: Split
    width: int = Field(description="Upright width in pixels.")
    height: int = Field(description="Upright height in pixels.")
    group: int = Field(description="Images of one group are always on the same side of the split.")
    digest: str = Field(description="SHA-256 of the source file.")
    title: str | None = None
    photographer: str | None = None
    photographer_id: str | None = None
    licence: str | None = Field(None, description="Licence code in the published licence lists.")
    source: str | None = Field(None, description="URL of the published file.")


class LeftOut(FrozenModel):
    """File of the data set that was not imported, with the reason."""

    path: str
    reason: str


class Collection(FrozenModel):
    """Imported data set: its source, its classes and the files left out."""

    name: str = Field(description="Display name, such as `generated scenes`.")
    source: str = Field(description="Value of the setting that it was imported from.")
    source_digest: str = Field(description="Digest of the state of the source, to detect changes.")
    fingerprint: str = Field(
        description="SHA-256 over ids in their order, labels, splits, groups and file digests."
    )
    classes: tuple[str, ...]
    split_seed: int
    split_by: Literal["groups", "folders"]
    split_rule: int = Field(0, description="Version of the split rule.")
    left_out: tuple[LeftOut, ...] = ()


class Attribution(FrozenModel):
    """Attribution to be shown with an image."""

    title: str | None = Field(description="Title given by the photographer.")
    photographer: str | None = Field(description="Name of the photographer.")
    licence: str | None = Field(description="Name of the licence.")
    licence_url: str | None = Field(description="URL of the licence text.")
    page: str | None = Field(description="URL of the image's page at its publisher.")
    source: str | None = Field(description="URL of the published file.")


def attribution_of(image: StoredImage) -> Attribution | None:
    """Return the attribution of an image; None if nothing is known, as for generated scenes."""
    known = (image.title, image.photographer, image.licence, image.source)
    if not any(known):
        return None
    name, url = LICENCES.get(image.licence or "", (image.licence, None))
    return Attribution(
        title=image.title,
        photographer=image.photographer,
        licence=name,
        licence_url=url,
        page=_flickr_page(image),
        source=image.source,
    )


def _flickr_page(image: StoredImage) -> str | None:
    if not image.photographer_id or "staticflickr.com" not in (image.source or ""):
        return None
    number = image.id.rsplit("/", 1)[-1].split("_", 1)[0]
    return f"https://www.flickr.com/photos/{image.photographer_id}/{number}"
