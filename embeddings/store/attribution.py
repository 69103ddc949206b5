"""Attributions of images: photographer, licence and addresses."""

from typing import TYPE_CHECKING

from pydantic import Field

from embeddings.frozen_model import FrozenModel

if TYPE_CHECKING:
    # Clients need attributions without Arrow, which `records` imports.
    from embeddings.store.records import StoredImage

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


class Attribution(FrozenModel):
    """Attribution to be shown with an image."""

    title: str | None = Field(description="Title given by the photographer.")
    photographer: str | None = Field(description="Name of the photographer.")
    licence: str | None = Field(description="Name of the licence.")
    licence_url: str | None = Field(description="URL of the licence text.")
    page: str | None = Field(description="URL of the image's page at its publisher.")
    source: str | None = Field(description="URL of the published file.")


def attribution_of(image: "StoredImage") -> Attribution | None:
    """Return the attribution of an image; None if nothing is known, as for generated scenes."""
    known = (image.title, image.photographer, image.licence, image.url)
    if not any(known):
        return None
    name, url = LICENCES.get(image.licence or "", (image.licence, None))
    return Attribution(
        title=image.title,
        photographer=image.photographer,
        licence=name,
        licence_url=url,
        page=_flickr_page(image),
        source=image.url,
    )


def _flickr_page(image: "StoredImage") -> str | None:
    if not image.photographer_id or "staticflickr.com" not in (image.url or ""):
        return None
    number = image.id.rsplit("/", 1)[-1].split("_", 1)[0]
    return f"https://www.flickr.com/photos/{image.photographer_id}/{number}"
