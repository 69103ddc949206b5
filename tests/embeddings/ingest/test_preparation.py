"""Files prepared for the writer: stored form, attributes and features."""

import io
import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from embeddings.encoded import Encoded
from embeddings.encoder import Encoder
from embeddings.images import ImageRejected
from embeddings.ingest.formats import find_heic_opener, ingest_formats
from embeddings.ingest.preparation import prepare
from embeddings.ingest.stored_file import as_stored


@pytest.fixture(scope="module")
def encoder(home: Path) -> Encoder:
    return Encoder(home / "releases/current/encoder.xml")


def painted(width: int, height: int, seed: int = 0) -> Image.Image:
    cells = np.random.default_rng(seed).integers(0, 256, (7, 9, 3), np.uint8)
    return Image.fromarray(cells).resize((width, height), Image.Resampling.BICUBIC)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def described(orientation: int = 1) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0110], exif[0x0112], exif[0x8769] = "Box", orientation, {0x9003: "2020:05:06 07:08:09"}
    return exif


FILES = {
    "small": saved(painted(40, 30), "JPEG"),
    "turned": saved(painted(160, 120), "JPEG", exif=described(6)),
    "progressive": saved(painted(300, 200), "JPEG", progressive=True, exif=described()),
    "grey": saved(painted(200, 150).convert("L"), "JPEG"),
    "cmyk": saved(painted(200, 150).convert("CMYK"), "JPEG"),
    "subsampled": saved(painted(211, 157), "JPEG", subsampling=2, quality=60),
    "decoded at half its size": saved(painted(1200, 900), "JPEG"),
    "reduced": saved(painted(2600, 600), "JPEG"),
    "png": saved(painted(160, 120), "PNG"),
    "webp": saved(painted(160, 120), "WEBP"),
    "avif": saved(painted(160, 120), "AVIF"),
    "transparent": saved(painted(160, 120).convert("RGBA").rotate(30), "PNG"),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("keep_location", [False, True])
def test_a_file_is_stored_as_by_ingest_and_encoded_as_by_publishing(
    encoder: Encoder, name: str, keep_location: bool
) -> None:
    content = FILES[name]
    made = prepare(content, encoder, "e" * 64, keep_location=keep_location)
    stored = as_stored(content, ingest_formats(find_heic_opener()), keep_location)
    published = Encoded.concatenate(encoder.encode_files([stored.jpeg]))
    assert made.blob == stored
    assert made.source_digest == sha256(content).hexdigest()
    assert np.array_equal(made.encoded.embeddings, published.embeddings)
    assert np.array_equal(made.encoded.probabilities, published.probabilities)


def test_attributes_are_read_from_the_file(encoder: Encoder) -> None:
    made = prepare(FILES["progressive"], encoder, "e" * 64)
    assert json.loads(json.dumps(made.attributes)) == {
        "taken": "2020-05-06T07:08:09", "camera": "Box",
    }  # fmt: skip
    assert b"2020" not in made.blob.jpeg


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"GIF89a" + bytes(80), "GIF: unsupported format; convert it"),
        (b"", "not a JPEG"),
        (b"text" * 30, "not a JPEG"),
        (FILES["progressive"][:-300], "damaged or truncated"),
        (saved(painted(6, 30), "PNG"), "each side needs at least 8"),
    ],
)
def test_an_unusable_file_is_rejected(encoder: Encoder, content: bytes, message: str) -> None:
    with pytest.raises(ImageRejected, match=message):
        prepare(content, encoder, "e" * 64)
