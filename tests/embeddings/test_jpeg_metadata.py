"""Copies without metadata contain no location and the same image."""

import io
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms

from embeddings.images import ImageRejected, open_rgb, to_jpeg
from embeddings.jpeg_metadata import remove_metadata

SECRET = b"48.858370N 2.294481E"
"""Location as text that is easy to search for."""
XMP = b"http://ns.adobe.com/xap/1.0/\0"
pytestmark = pytest.mark.filterwarnings("ignore:::PIL")

EXTENDED_XMP = b"http://ns.adobe.com/xmp/extension/\0" + bytes(40)
LAST_SEGMENT = 65_533


def example_jpeg(mode: str = "RGB", **options: object) -> bytes:
    grain = np.random.default_rng(3).integers(0, 256, (40, 56, 3), np.uint8)
    image = Image.fromarray(grain).resize((64, 48), Image.Resampling.BILINEAR).convert(mode)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **options)
    return buffer.getvalue()


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def exif(orientation: int | None, order: str = "<") -> bytes:
    """Return EXIF data in either byte order with a location in the GPS tags and in free text."""
    block = Image.Exif()
    block.endian = order
    if orientation is not None:
        block[ExifTags.Base.Orientation] = orientation
    block[ExifTags.Base.ImageDescription] = SECRET.decode()
    block.get_ifd(ExifTags.IFD.GPSInfo).update(
        {1: "N", 2: (48.0, 51.0, 30.1), 3: "E", 4: (2.0, 17.0, 40.1), 29: SECRET.decode()}
    )
    return block.tobytes()


def behind_start(jpeg: bytes, *segments: bytes) -> bytes:
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def location_of(jpeg: bytes) -> dict[int, object]:
    return dict(Image.open(io.BytesIO(jpeg)).getexif().get_ifd(ExifTags.IFD.GPSInfo))


def pixels(jpeg: bytes) -> np.ndarray:
    return np.asarray(open_rgb(jpeg))


def check(jpeg: bytes) -> bytes:
    """Return the copy after checking that it has no location and the same upright image."""
    copy = remove_metadata(jpeg)
    assert SECRET not in copy
    assert location_of(copy) == {}
    image = Image.open(io.BytesIO(copy))
    assert set(image.getexif()) <= {ExifTags.Base.Orientation}
    assert not image.getxmp()
    np.testing.assert_array_equal(pixels(copy), pixels(jpeg))
    assert remove_metadata(copy) == copy
    return copy


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", [None, *range(1, 9)])
def test_the_location_is_removed_and_the_orientation_kept(order, orientation):
    jpeg = example_jpeg(exif=exif(orientation, order))
    assert SECRET in jpeg
    assert location_of(jpeg)
    copy = check(jpeg)
    found = Image.open(io.BytesIO(copy)).getexif().get(ExifTags.Base.Orientation, 1)
    assert found == (orientation or 1)


@pytest.mark.parametrize("orientation", [0, 9, 300])
def test_an_invalid_orientation_is_removed(orientation):
    copy = check(example_jpeg(exif=exif(orientation)))
    assert ExifTags.Base.Orientation not in Image.open(io.BytesIO(copy)).getexif()


def test_an_orientation_only_in_xmp_is_kept():
    text = XMP + b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="6"/></x:xmpmeta>'
    jpeg = behind_start(example_jpeg(), segment(0xE1, text))
    assert pixels(jpeg).shape == (64, 48, 3)
    check(jpeg)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"progressive": True},
        {"optimize": True, "quality": 30},
        {"subsampling": 0, "quality": 100},
        {"restart_marker_blocks": 2},
        {"progressive": True, "restart_marker_rows": 1},
        {"mode": "L"},
        {"mode": "CMYK"},
        {"keep_rgb": True},
    ],
)
def test_the_compressed_data_stay_bit_identical(options):
    plain = example_jpeg(**options)
    assert check(plain) == plain
    assert check(example_jpeg(exif=exif(None), comment=SECRET, **options)) == plain


@pytest.mark.parametrize(
    "hidden",
    [
        segment(0xE1, XMP + b"<x:xmpmeta>" + SECRET + b"</x:xmpmeta>"),
        segment(0xE1, EXTENDED_XMP + SECRET),
        segment(0xE1, SECRET),
        segment(0xE1, b"Exif\0\0" + SECRET),
        segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x14" + SECRET),
        segment(0xE2, b"MPF\0" + SECRET),
        segment(0xE2, b"FPXR\0" + SECRET),
        segment(0xEB, b"JP\0\1jumb" + SECRET),
        segment(0xE0, b"JFXX\0\x10" + SECRET),
        segment(0xE0, b"JFIF\0\1\2\0\0\1\0\1\2\2" + SECRET[:12] + SECRET),
        segment(0xEE, b"Adobe\0\x64\0\0\0\0\1" + SECRET),
        segment(0xEE, b"Ducky" + SECRET),
        segment(0xFE, SECRET),
        segment(0xFE, SECRET) * 3,
        segment(0xE5, b"") + segment(0xEF, SECRET),
        b"\xff\xff\xff" + segment(0xE1, b"Exif\0\0" + SECRET),
    ],
)
def test_no_segment_keeps_a_location(hidden):
    plain = example_jpeg("RGB")
    jpeg = behind_start(plain, hidden)
    assert SECRET in jpeg
    check(jpeg)


def test_no_segment_between_scans_keeps_a_location():
    plain = example_jpeg(progressive=True)
    second = plain.index(b"\xff\xda", plain.index(b"\xff\xda") + 2)
    jpeg = plain[:second] + segment(0xFE, SECRET) + segment(0xE1, SECRET) + plain[second:]
    assert check(jpeg) == plain


def test_bytes_after_the_image_are_removed():
    plain = example_jpeg()
    for behind in (SECRET, example_jpeg(exif=exif(6), comment=SECRET), b"\xff" * 9 + SECRET):
        assert check(plain + behind) == plain


def test_a_second_image_of_a_phone_is_removed():
    buffer = io.BytesIO()
    first, second = (Image.open(io.BytesIO(example_jpeg())) for _ in range(2))
    first.save(buffer, "MPO", save_all=True, append_images=[second], exif=exif(3), comment=SECRET)
    copy = check(buffer.getvalue())
    assert Image.open(io.BytesIO(copy)).format == "JPEG"


def test_metadata_of_many_segments_are_removed():
    text = (SECRET * (LAST_SEGMENT // len(SECRET)))[:60_000]
    jpeg = example_jpeg(exif=exif(8), comment=SECRET)
    more = [segment(0xE1, b"Exif\0\0" + text), segment(0xE1, EXTENDED_XMP + text)]
    assert len(check(behind_start(jpeg, *more))) < len(jpeg)


def test_the_colour_profile_is_kept():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for whole in (profile, profile + bytes(150_000)):
        copy = check(example_jpeg(exif=exif(6), icc_profile=whole))
        assert Image.open(io.BytesIO(copy)).info["icc_profile"] == whole


def test_the_density_is_kept():
    copy = check(example_jpeg(dpi=(300, 300), exif=exif(6)))
    assert Image.open(io.BytesIO(copy)).info["dpi"] == (300, 300)


def test_data_other_than_an_image_are_rejected():
    for data in (b"", b"text", b"\xff\xd8\xff", example_jpeg()[:100]):
        with pytest.raises(ImageRejected):
            remove_metadata(data)


@settings(max_examples=200, deadline=None)
@given(
    changes=st.lists(st.tuples(st.integers(2, 4000), st.integers(0, 255)), max_size=4),
    length=st.none() | st.integers(0, 4000),
    progressive=st.booleans(),
)
def test_damaged_files_keep_their_pixels_or_are_rejected(changes, length, progressive):
    damaged = bytearray(example_jpeg(exif=exif(6), progressive=progressive))
    for place, value in changes:
        damaged[place % len(damaged)] = value
    jpeg = bytes(damaged[:length])
    try:
        expected = pixels(jpeg)
    except ImageRejected:
        return
    copy = remove_metadata(jpeg)
    assert SECRET not in copy
    assert location_of(copy) == {}
    np.testing.assert_array_equal(pixels(copy), expected)


def test_encoding_removes_the_location():
    for jpeg in (example_jpeg(exif=exif(6), comment=SECRET), example_jpeg("CMYK", comment=SECRET)):
        again = to_jpeg(jpeg, 32)
        assert SECRET not in again
        assert location_of(again) == {}
