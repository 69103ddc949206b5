"""HEIC and AVIF files, which ingest reads and uploads do not."""

import io
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms

from embeddings import images
from embeddings.images import ImageRejected, Rejection, encode_jpeg, measure, open_rgb
from embeddings.ingest.attributes import read_attributes
from embeddings.ingest.file_types import HEAD
from embeddings.ingest.formats import find_heic_opener, ingest_formats, refuse
from tests.training.pictures import Take, class_folders, left_out, picture

FORMATS = ingest_formats(find_heic_opener())
KINDS = ("AVIF", "HEIC")

Values = npt.NDArray[np.int64]


def scene(width: int = 96, height: int = 64) -> Image.Image:
    """Return an image with red rising to the right and green downwards, so orientations differ."""
    x, y = np.meshgrid(np.linspace(0, 250, width), np.linspace(0, 250, height))
    return Image.fromarray(np.dstack([x, y, np.full_like(x, 60)]).astype(np.uint8))


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    if kind == "AVIF":
        image.save(buffer, "AVIF", quality=95, **options)
    else:
        heic = pillow_heif.from_pillow(image)
        heic.save(buffer, quality=95, **options)
    return buffer.getvalue()


def stored(content: bytes, longest: int = 2048) -> bytes:
    return encode_jpeg(open_rgb(content, formats=FORMATS), longest)


def values(image: Image.Image) -> Values:
    return np.asarray(image).astype(np.int64)


def assert_alike(image: Image.Image, expected: Image.Image) -> None:
    assert image.mode == "RGB"
    assert image.size == expected.size
    assert np.abs(values(image) - values(expected)).mean() < 5


def rejection(content: bytes) -> ImageRejected:
    with pytest.raises(ImageRejected) as rejected:
        open_rgb(content, formats=FORMATS)
    return rejected.value


@pytest.mark.parametrize("kind", KINDS)
def test_ingest_reads_a_format_that_uploads_refuse(kind: str) -> None:
    content = encoded(scene(), kind)
    assert_alike(open_rgb(content, formats=FORMATS), scene())
    assert refuse(content[:HEAD], FORMATS) is None
    with pytest.raises(ImageRejected, match="send a JPEG, PNG or WebP file"):
        open_rgb(content)


def test_heic_files_need_a_package_that_the_reason_names() -> None:
    without = ingest_formats(None)
    content = encoded(scene(), "HEIC")
    reason = refuse(content[:HEAD], without)
    assert reason is not None
    assert reason.startswith("HEIC: the package pillow-heif is not installed")
    assert "pip install 'belvedere[heic]'" in reason
    with pytest.raises(ImageRejected):
        open_rgb(content, formats=without)


@pytest.mark.parametrize("brand", [b"avif", b"avis", b"heic", b"heix", b"hevc"])
def test_the_brand_behind_a_common_major_brand_tells_the_format(brand: bytes) -> None:
    head = b"\0\0\0\x1cftypmif1\0\0\0\0mif1" + brand + b"miaf"
    assert refuse(head, FORMATS) is None
    without = refuse(head, ingest_formats(None))
    assert (without is None) == brand.startswith(b"avi")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_is_turned_upright_once(kind: str, orientation: int) -> None:
    inverse = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    turned = scene().transpose(inverse[orientation]) if orientation > 1 else scene()
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(turned, kind, exif=exif.tobytes())
    assert_alike(open_rgb(content, formats=FORMATS), scene())
    jpeg = stored(content)
    assert not Image.open(io.BytesIO(jpeg)).getexif()
    assert_alike(open_rgb(jpeg), scene())


def test_an_orientation_outside_the_container_is_ignored() -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="6"/></x:xmpmeta>'
    assert open_rgb(encoded(scene(), "AVIF", xmp=xmp), formats=FORMATS).size == (96, 64)


@pytest.mark.parametrize("kind", KINDS)
def test_broken_exif_does_not_affect_the_pixels(kind: str) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Sony"
    whole = encoded(scene(), kind, exif=exif.tobytes())
    assert read_attributes(whole, keep_location=True) == {"camera": "Sony"}
    content = whole.replace(exif.tobytes().removeprefix(b"Exif\0\0")[:8], b"garbage!")
    assert content != whole
    assert_alike(open_rgb(content, formats=FORMATS), scene())
    assert read_attributes(content, keep_location=True) == {}


def display_p3() -> bytes:
    """Return the sRGB profile with the primaries of Display P3."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    primaries = {
        b"rXYZ": (0.51512, 0.24120, -0.00105),
        b"gXYZ": (0.29198, 0.69225, 0.04189),
        b"bXYZ": (0.15710, 0.06657, 0.78407),
    }
    for name, primary in primaries.items():
        entry = profile.index(name, 128)
        start = int.from_bytes(profile[entry + 4 : entry + 8], "big") + 8
        fixed = b"".join(round(each * 65536).to_bytes(4, "big", signed=True) for each in primary)
        profile[start : start + 12] = fixed
    return bytes(profile)


@pytest.mark.parametrize("kind", KINDS)
def test_display_p3_is_converted_to_srgb(kind: str) -> None:
    # The same colour: sRGB (255, 128, 0) is about (239, 139, 53) in Display P3.
    plain = Image.new("RGB", (32, 32), (239, 139, 53))
    content = encoded(plain, kind, icc_profile=display_p3())
    for image in (
        open_rgb(content, formats=FORMATS),
        open_rgb(stored(content)),
    ):
        assert np.abs(values(image)[16, 16] - (255, 128, 0)).max() <= 6
    assert "icc_profile" not in Image.open(io.BytesIO(stored(content))).info


@pytest.mark.parametrize("profile", [b"broken", b"\0" * 200])
@pytest.mark.parametrize("kind", KINDS)
def test_a_broken_profile_is_ignored(kind: str, profile: bytes) -> None:
    content = encoded(scene(), kind, icc_profile=profile)
    assert_alike(open_rgb(content, formats=FORMATS), scene())


def test_ten_bits_become_eight() -> None:
    samples = np.asarray(scene()).astype("<u2") * 257
    heic = pillow_heif.from_bytes("RGB;16", (96, 64), samples.tobytes())
    buffer = io.BytesIO()
    heic.save(buffer, quality=95)
    assert_alike(open_rgb(buffer.getvalue(), formats=FORMATS), scene())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", ["L", "RGBA"])
def test_grey_and_transparent_images_become_rgb(kind: str, mode: str) -> None:
    image = (
        Image.new("L", (32, 32), 77) if mode == "L" else Image.new("RGBA", (32, 32), (9, 0, 0, 0))
    )
    pixels = values(open_rgb(encoded(image, kind), formats=FORMATS))
    assert pixels.shape == (32, 32, 3)
    assert np.abs(pixels - (77 if mode == "L" else 255)).max() <= 2


def test_the_first_image_of_an_animation_is_read() -> None:
    buffer = io.BytesIO()
    frames = [scene().rotate(180)]
    scene().save(buffer, "AVIF", quality=95, save_all=True, append_images=frames)
    assert_alike(open_rgb(buffer.getvalue(), formats=FORMATS), scene())


def test_the_primary_image_of_a_burst_is_read() -> None:
    heic = pillow_heif.from_pillow(scene().rotate(180))
    heic.add_from_pillow(scene())
    buffer = io.BytesIO()
    heic.save(buffer, quality=95, primary_index=1)
    assert_alike(open_rgb(buffer.getvalue(), formats=FORMATS), scene())


def test_a_grid_of_tiles_is_one_image() -> None:
    content = encoded(scene(600, 400), "HEIC", tile_size=256)
    assert b"grid" in content
    assert_alike(open_rgb(content, formats=FORMATS), scene(600, 400))
    small = stored(content, 150)
    assert measure(small) == (150, 100)


@pytest.mark.parametrize("kind", KINDS)
def test_limits_of_pixels_apply(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert rejection(encoded(Image.new("RGB", (64, 4)), kind)).rejection is Rejection.TOO_SMALL
    content = encoded(scene(), kind)
    monkeypatch.setattr(images, "MAX_PIXELS", 96 * 64 - 1)
    assert rejection(content).rejection is Rejection.TOO_LARGE


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files_have_one_reason(kind: str) -> None:
    whole = encoded(scene(), kind)
    for length in (HEAD, len(whole) // 2, len(whole) - 5):
        assert rejection(whole[:length]).rejection is Rejection.UNREADABLE


@settings(deadline=None)
@given(st.sampled_from(KINDS), st.floats(0, 1), st.binary(min_size=1, max_size=12))
def test_any_damage_gives_an_image_or_a_reason(kind: str, place: float, noise: bytes) -> None:
    whole = SCENES[kind]
    position = int(place * len(whole))
    content = whole[:position] + noise + whole[position + len(noise) :]
    read_attributes(content, keep_location=True)
    with suppress(ImageRejected):
        assert open_rgb(content, formats=FORMATS).mode == "RGB"


SCENES = {kind: encoded(scene(), kind) for kind in KINDS}


def test_files_of_a_phone_are_ingested(tmp_path: Path, take: Take) -> None:
    folder = class_folders(tmp_path / "pets", {"cat": 12, "dog": 12})
    turned = Image.Exif()
    turned[ExifTags.Base.Orientation] = 6
    heic = encoded(scene(), "HEIC", exif=turned.tobytes())
    (folder / "cat/IMG_1.HEIC").write_bytes(heic)
    (folder / "dog/IMG_2.avif").write_bytes(encoded(picture(50), "AVIF"))
    (folder / "dog/IMG_3.HEIC").write_bytes(heic[:-40])
    sizes = {image.id: (image.width, image.height) for image in take(folder).images}
    assert sizes["cat/IMG_1"] == (64, 96)
    assert sizes["dog/IMG_2"] == (48, 32)
    (reason,) = left_out(tmp_path / "home").values()
    assert reason.startswith("unreadable: ")


def test_heic_without_a_decoder_is_refused_with_the_package() -> None:
    reason = refuse(encoded(scene(), "HEIC")[:HEAD], ingest_formats(None))
    assert reason is not None
    assert reason.startswith("HEIC: the package pillow-heif is not installed")
