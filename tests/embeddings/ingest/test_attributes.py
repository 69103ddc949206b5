import io
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from embeddings.images import open_rgb
from embeddings.ingest.attributes import read_attributes
from embeddings.jpeg_metadata import remove_metadata

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
BASE, DETAILS, GPS = ExifTags.Base, ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo

Tags = dict[int, object]

TAKEN: Tags = {BASE.DateTimeOriginal: "2021:07:04 18:30:05"}
PLACE: Tags = {1: "S", 2: (10.0, 30.0, 36.0), 3: "E", 4: (20.0, 0.0, 0.0)}


def exif(base: Tags | None = None, details: Tags | None = None, place: Tags | None = None) -> bytes:
    block = Image.Exif()
    block.update(base or {})
    block.get_ifd(DETAILS).update(details or {})
    block.get_ifd(GPS).update(place or {})
    return block.tobytes()


def photograph(block: bytes = b"", kind: str = "JPEG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), "green").save(buffer, kind, exif=block)
    return buffer.getvalue()


def attributes(
    base: Tags | None = None, details: Tags | None = None, place: Tags | None = None
) -> dict[str, object]:
    content = photograph(exif(base, details, place))
    return {**read_attributes(content, keep_location=True, now=NOW)}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_date_camera_and_lens_are_read(kind: str) -> None:
    base: Tags = {BASE.Make: "Apple", BASE.Model: "iPhone 12"}
    details: Tags = {**TAKEN, BASE.OffsetTimeOriginal: "+02:00", BASE.LensModel: "50 mm"}
    content = photograph(exif(base, details, PLACE), kind)
    known = {"taken": "2021-07-04T18:30:05+02:00", "camera": "Apple iPhone 12", "lens": "50 mm"}
    assert read_attributes(content, keep_location=False, now=NOW) == known
    located = {**known, "location": [-10.51, 20.0]}
    assert read_attributes(content, keep_location=True, now=NOW) == located


def test_an_image_without_exif_has_no_attributes() -> None:
    for content in (photograph(), b"", b"GIF89a"):
        assert read_attributes(content, keep_location=True) == {}


def test_the_date_of_scanning_is_used_without_a_date_of_taking() -> None:
    digitized: Tags = {BASE.DateTimeDigitized: "2001:02:03 04:05:06"}
    assert attributes(details=digitized) == {"taken": "2001-02-03T04:05:06"}
    assert attributes(details=digitized | TAKEN) == {"taken": "2021-07-04T18:30:05"}


@pytest.mark.parametrize(
    "date",
    [
        "0000:00:00 00:00:00",
        "    :  :     :  :  ",
        "2021:02:30 10:00:00",
        "2021:07:04 18:30:60",
        "1825:12:31 23:59:59",
        "2026:06:02 12:00:01",
        "2021:07:04",
        "2021:07:04 18:30:05 and more",
    ],
)
def test_impossible_dates_are_left_out(date: str) -> None:
    assert attributes(details={BASE.DateTimeOriginal: date}) == {}


@pytest.mark.parametrize(
    ("offset", "suffix"),
    [("-03:30", "-03:30"), ("+14:00", "+14:00"), ("+14:01", ""), ("+99:99", ""), ("Z\n", "")],
)
def test_impossible_offsets_are_left_out(offset: str, suffix: str) -> None:
    details = {**TAKEN, BASE.OffsetTimeOriginal: offset}
    assert attributes(details=details) == {"taken": f"2021-07-04T18:30:05{suffix}"}


@pytest.mark.parametrize(
    ("make", "model", "camera"),
    [
        ("Canon", "Canon EOS 5D", "Canon EOS 5D"),
        ("NIKON CORPORATION", "NIKON D90", "NIKON D90"),
        ("Apple", "iPhone 12 ", "Apple iPhone 12"),
        ("", "Pixel 8", "Pixel 8"),
        ("Sony", "", "Sony"),
        ("Sony", "a\x07b", "Sony"),
        ("Sony", "x" * 101, "Sony"),
    ],
)
def test_the_camera_is_named_by_make_and_model(make: str, model: str, camera: str) -> None:
    assert attributes({BASE.Make: make, BASE.Model: model}) == {"camera": camera}


@pytest.mark.parametrize(
    "wrong",
    [
        {1: "X"},
        {2: (91.0, 0.0, 0.0)},
        {4: (180.0, 0.0, 1.0)},
        {2: (10.0, 30.0)},
        {2: (0.0, 0.0, 0.0), 4: (0.0, 0.0, 0.0)},
    ],
)
def test_impossible_places_are_left_out(wrong: Tags) -> None:
    assert attributes(place=PLACE | wrong) == {}


def test_values_without_a_number_are_left_out() -> None:
    block = exif(place=PLACE)
    # The denominators of the rational numbers become 0: not a number, or infinite.
    broken = block.replace(b"\0\0\0\x0a\0\0\0\1", b"\0\0\0\x0a\0\0\0\0")
    assert broken != block
    assert read_attributes(photograph(broken), keep_location=True) == {}


def test_a_jpeg_without_metadata_has_the_same_pixels_and_no_attributes() -> None:
    content = photograph(exif({BASE.Make: "Sony"}, TAKEN, PLACE))
    bare = remove_metadata(content)
    assert read_attributes(bare, keep_location=True) == {}
    assert open_rgb(bare).tobytes() == open_rgb(content).tobytes()


values = st.one_of(
    st.text(max_size=30),
    st.binary(max_size=30),
    st.integers(0, 2**32 - 1),
    st.tuples(*[st.floats(0, 400)] * 3),
)
read = [
    BASE.Make,
    BASE.Model,
    BASE.LensModel,
    BASE.DateTimeOriginal,
    BASE.OffsetTimeOriginal,
    *(1, 2, 3, 4),
]
tags = st.dictionaries(st.sampled_from(read), values, max_size=6)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tags, tags, tags)
def test_any_values_give_attributes_that_can_be_shown(base: Tags, details: Tags, gps: Tags) -> None:
    try:
        block = exif(base, details, gps)
    except Exception:  # Pillow does not write every value
        return
    for name, value in attributes_of(block).items():
        assert name in {"taken", "camera", "lens", "location"}
        assert value if isinstance(value, list) else str(value).isprintable()


@settings(deadline=None)
@given(st.binary(max_size=400), st.integers(0, 400))
def test_damaged_exif_is_never_an_error(noise: bytes, position: int) -> None:
    whole = exif({BASE.Make: "Sony"}, TAKEN, PLACE)
    attributes_of(b"Exif\0\0" + noise)
    attributes_of(whole[:position])
    attributes_of(whole[:position] + noise + whole[position + len(noise) :])


def attributes_of(block: bytes) -> dict[str, object]:
    return {**read_attributes(photograph(block), keep_location=True, now=NOW)}
