"""Uploads that are not upright RGB JPEG images."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def scene():
    """Return an image that differs from all its rotations and reflections."""
    y, x = np.mgrid[0:160, 0:240]
    pixels = np.empty((160, 240, 3), np.uint8)
    pixels[...] = (90, 160, 240)
    pixels[y > 100] = (30, 90, 20)
    pixels[(x - 50) ** 2 + (y - 110) ** 2 < 55**2] = (140, 90, 40)
    pixels[::7, 150:] //= 2
    return Image.fromarray(pixels)


@pytest.fixture(scope="module")
def probabilities(api):
    def predict(data):
        answer = api.post("/predict", content=data)
        assert answer.status_code == 200, answer.text
        return answer.json()["probabilities"]

    return predict


@pytest.fixture(scope="module")
def upright(probabilities, scene):
    return probabilities(encoded(scene))


# Transpositions that the EXIF orientation reverses.
STORED_AS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize(("orientation", "turn"), STORED_AS.items())
@pytest.mark.parametrize(
    ("kind", "options", "tolerance"),
    [
        ("PNG", {}, 1e-5),
        ("WEBP", {"lossless": True}, 1e-5),
        ("JPEG", {"quality": 100, "subsampling": 0}, 2e-2),
    ],
)
def test_every_exif_orientation_is_applied(
    probabilities, scene, upright, orientation, turn, kind, options, tolerance
):
    turned = scene if turn is None else scene.transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    answer = probabilities(encoded(turned, kind, exif=exif, **options))
    assert answer == pytest.approx(upright, abs=tolerance)


@pytest.mark.parametrize("turn", list(STORED_AS.values())[1:])
def test_a_transposed_scene_without_orientation_is_another_image(
    probabilities, scene, upright, turn
):
    assert probabilities(encoded(scene.transpose(turn))) != pytest.approx(upright, abs=1e-4)


def test_greyscale_is_equivalent_to_rgb(probabilities, scene):
    grey = scene.convert("L")
    expected = probabilities(encoded(grey.convert("RGB")))
    assert probabilities(encoded(grey)) == pytest.approx(expected, abs=1e-5)
    assert probabilities(encoded(grey, "JPEG", quality=100)) == pytest.approx(expected, abs=2e-2)


def test_sixteen_bits_are_equivalent_to_eight(probabilities, scene):
    grey = scene.convert("L")
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    assert deep.mode == "I;16"
    expected = probabilities(encoded(grey.convert("RGB")))
    assert probabilities(encoded(deep)) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("mode", ["1", "P"])
def test_palette_images_are_equivalent_to_rgb(probabilities, scene, mode):
    reduced = scene.convert(mode)
    expected = probabilities(encoded(reduced.convert("RGB")))
    assert probabilities(encoded(reduced)) == pytest.approx(expected, abs=1e-5)


def test_cmyk_is_equivalent_to_rgb(probabilities, scene, upright):
    answer = probabilities(encoded(scene.convert("CMYK"), "JPEG", quality=100))
    assert answer == pytest.approx(upright, abs=5e-2)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_transparency_is_composited_over_white(probabilities, scene, kind):
    clear = scene.convert("RGBA")
    clear.putalpha(Image.fromarray(np.tile(np.linspace(0, 255, 240, dtype=np.uint8), (160, 1))))
    white = Image.new("RGBA", clear.size, "white")
    expected = probabilities(encoded(Image.alpha_composite(white, clear).convert("RGB")))
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    assert probabilities(encoded(clear, kind, **options)) == pytest.approx(expected, abs=1e-3)


def test_opaque_alpha_changes_nothing(probabilities, scene, upright):
    opaque = scene.convert("RGBA")
    assert probabilities(encoded(opaque)) == pytest.approx(upright, abs=1e-5)


def test_sides_below_eight_pixels_are_rejected(api, scene, probabilities, sentence):
    probabilities(encoded(scene.resize((8, 200))))
    assert "8" in sentence(api.post("/predict", content=encoded(scene.resize((7, 200)))), 422)
    sentence(api.post("/predict", content=encoded(scene.resize((1, 1)))), 422)


@pytest.mark.parametrize("call", ["/predict", "/neighbors", "/tsne"])
@pytest.mark.parametrize(
    "data",
    [
        b"This is a text, not an image.",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"\xff\xd8\xff\xe0" + bytes(500),
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a" + bytes(20),
        b"RIFF\x00\x00\x00\x00WEBP",
        b"\x80\x04\x95" + bytes(64),
        b"\x00",
    ],
)
def test_files_that_are_not_images_are_rejected(api, sentence, call, data):
    assert "send" in sentence(api.post(call, content=data), 415)
    sentence(api.post(call, files={"file": ("photograph.jpg", data, "image/jpeg")}), 415)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_truncated_file_is_rejected(api, scene, sentence, kind):
    noise = np.random.default_rng(0).integers(0, 256, (160, 240, 3), dtype=np.uint8)
    whole = encoded(Image.fromarray(noise), kind)
    for share in (0.3, 0.6, 0.9):
        sentence(api.post("/predict", content=whole[: int(len(whole) * share)]), 415)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_animations_are_rejected(api, scene, sentence, kind):
    frames = [scene.rotate(angle) for angle in (90, 180)]
    data = encoded(scene, kind, save_all=True, append_images=frames)
    sentence(api.post("/predict", content=data), 415)


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "GIF", "PPM", "ICO", "TGA"])
def test_other_image_formats_are_rejected(api, scene, sentence, kind):
    data = encoded(scene.resize((32, 32)), kind)
    assert "JPEG, PNG or WebP" in sentence(api.post("/predict", content=data), 415)


def test_fifty_megapixels_in_a_small_file_are_rejected(api, sentence):
    bomb = encoded(Image.new("1", (10_000, 5_000)))
    assert len(bomb) < 50_000
    assert "megapixels" in sentence(api.post("/predict", content=bomb), 413)
    sentence(api.post("/neighbors", files={"file": bomb}), 413)


def test_a_header_with_huge_dimensions_is_rejected(api, sentence):
    def chunk(body):
        return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))

    header = chunk(b"IHDR" + struct.pack(">IIBBBBB", 2**30, 2**30, 8, 2, 0, 0, 0))
    png = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT" + zlib.compress(bytes(1000)))
    sentence(api.post("/predict", content=png), 413)


def test_broken_images_leave_the_service_ready(api, a_jpeg):
    rng = np.random.default_rng(1)
    before = api.post("/predict", content=a_jpeg).json()
    for _ in range(60):
        broken = bytearray(a_jpeg)
        for place in rng.integers(0, len(broken), 12):
            broken[place] = rng.integers(0, 256)
        answer = api.post("/predict", content=bytes(broken))
        assert answer.status_code in (200, 413, 415, 422)
    assert api.get("/readyz").status_code == 200
    assert api.post("/predict", content=a_jpeg).json() == before
