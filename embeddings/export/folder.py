"""Class folders of image files in a zip, with a list of their licences."""

import re
from collections.abc import Iterator
from hashlib import sha256
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo
from zlib import compressobj, decompress

from embeddings.export.batches import ExportedImages
from embeddings.export.chunks import Chunks
from embeddings.export.csv_table import lines, safe_text
from embeddings.jpeg_metadata import remove_metadata
from embeddings.store.attribution import Attribution, attribution_of
from embeddings.store.records import StoredImage

LICENCES_FILE = "licences.csv"

_IMAGES = 128
_CHUNK = 2**20
_ATTRIBUTION = tuple(Attribution.model_fields)
_HEADER = ("file", "id", "label", "split", "digest", *_ATTRIBUTION)
_SUFFIX_DIGITS = 12
_LONGEST_NAME = 150
_MODE = 0o644

# Windows allows none of them in names, and no name that ends with a dot or space.
_UNUSABLE = re.compile(r'[<>:"\\|?*\x00-\x1f\x7f]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def write_folder(images: ExportedImages, *, keep_location: bool = False) -> Iterator[bytes]:
    """Yield the parts of a zip with a folder for each class, and `licences.csv` at its end.

    Images without a label are outside of the folders. Raises `StoreError`, and `ImageRejected` for
    a damaged file.
    """
    file, names = Chunks(), FileNames()
    # Deflated at once: the list of many images is long.
    listed, deflate = [], compressobj()
    listed.append(deflate.compress(lines([_HEADER])))
    with ZipFile(file, "w", ZIP_STORED) as archive:
        for batch in images.batches(_IMAGES):
            jpegs = images.jpegs(batch.images.digests)
            for image, jpeg in zip(batch.images, jpegs, strict=True):
                name = names.of(image)
                archive.writestr(_entry(name), jpeg if keep_location else remove_metadata(jpeg))
                listed.append(deflate.compress(lines([_licence(name, image)])))
                if file.waiting >= _CHUNK:
                    yield file.take()
        content = decompress(b"".join([*listed, deflate.flush()]))
        archive.writestr(_entry(LICENCES_FILE), content, ZIP_DEFLATED)
    yield file.take()


class FileNames:
    """Paths of images in an archive: unique, also where upper and lower case are the same."""

    def __init__(self) -> None:
        self._used = {LICENCES_FILE}

    def of(self, image: StoredImage) -> str:
        """Return `<label>/<id>.jpg`, in which the id lacks the label that it begins with."""
        parts = [_usable(each) for each in image.id.split("/")]
        if image.label is None:
            folders, name = [], "_".join(parts)
        else:
            label = _usable(image.label)
            below = parts[1:] if parts[0] == label and len(parts) > 1 else parts
            folders, name = [label, *below[:-1]], below[-1]
        path = "/".join([*folders, f"{name}.jpg"])
        if path.casefold() in self._used:
            path = "/".join([*folders, f"{name}-{image.digest[:_SUFFIX_DIGITS]}.jpg"])
        if path.casefold() in self._used:
            # Equal files under ids that differ in case, or in characters that names cannot have.
            path = "/".join([*folders, f"{name}-{_digest(image.id)}.jpg"])
        self._used.add(path.casefold())
        return path


def _usable(part: str) -> str:
    """Return a part of an id as the name of a file or folder on any system."""
    name = _UNUSABLE.sub("_", part)[:_LONGEST_NAME].rstrip(". ")
    return f"_{name}" if not name or _RESERVED.fullmatch(name) else name


def _digest(identifier: str) -> str:
    return sha256(identifier.encode()).hexdigest()


def _entry(name: str) -> ZipInfo:
    # Equal images give equal archives: the time of an entry is the first that a zip can have.
    entry = ZipInfo(name)
    entry.external_attr = _MODE << 16
    return entry


def _licence(name: str, image: StoredImage) -> list[str]:
    found = attribution_of(image)
    facts = (name, image.id, image.label, image.split, image.digest)
    attribution = [getattr(found, each, None) for each in _ATTRIBUTION]
    return [safe_text(each or "") for each in (*facts, *attribution)]
