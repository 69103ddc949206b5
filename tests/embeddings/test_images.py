import io

import numpy as np
import pytest
from PIL import Image

from embeddings.images import ImageRejected, Rejection, open_rgb, read_pixels, to_jpeg


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def gradient(width: int = 60, height: int = 40) -> Image.Image:
    """Return an image with red rising to the right and green downwards, so orientations differ."""
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.dstack([x, y, np.full_like(x, 60)]).astype(np.uint8))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_is_turned_upright(orientation: int) -> None:
    upright = gradient()
    inverse = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(inverse[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation

    pixels = read_pixels(encoded(stored, "PNG", exif=exif), 40, 60)

    assert np.array_equal(pixels, np.asarray(upright))


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "1", "I;16"])
def test_every_colour_mode_becomes_rgb_of_the_same_appearance(mode: str) -> None:
    grey = Image.linear_gradient("L").resize((64, 64))
    if mode == "I;16":
        image = Image.fromarray(np.asarray(grey, dtype=np.uint16) * 257)
    elif mode == "P":
        image = grey.convert("RGB").quantize(256)
    else:
        image = grey.convert("RGB").convert(mode)
    kind = "JPEG" if mode == "CMYK" else "PNG"

    pixels = read_pixels(encoded(image, kind), 64, 64)

    assert pixels.shape == (64, 64, 3)
    assert pixels.dtype == np.uint8
    expected = np.asarray(grey, dtype=float)
    tolerance = 140 if mode == "1" else 8
    assert np.abs(pixels.mean(axis=2) - expected).mean() < tolerance
    assert pixels[60].mean() > pixels[4].mean() + 100


def test_transparent_pixels_are_blended_with_white() -> None:
    image = Image.new("RGBA", (32, 32), (255, 0, 0, 0))
    assert (read_pixels(encoded(image), 8, 8) == 255).all()


def test_portrait_and_landscape_fill_the_same_input() -> None:
    for image in (gradient(60, 40), gradient(40, 60)):
        pixels = read_pixels(encoded(image), 16, 24)
        assert pixels.shape == (16, 24, 3)
        assert pixels[0, -1, 0] > 200
        assert pixels[-1, 0, 1] > 200


def test_large_jpeg_is_reduced_to_nearly_the_same_pixels_as_the_whole() -> None:
    jpeg = encoded(gradient(1600, 1200), "JPEG", quality=95)
    whole = open_rgb(jpeg).resize((96, 64), Image.Resampling.BOX)
    assert np.abs(read_pixels(jpeg, 64, 96).astype(int) - np.asarray(whole, int)).max() <= 4


@pytest.mark.parametrize(
    ("content", "rejection"),
    [
        (b"", Rejection.UNREADABLE),
        (b"hello, I am a text file", Rejection.UNREADABLE),
        (encoded(gradient(600, 400), "JPEG")[:900], Rejection.UNREADABLE),
        (encoded(gradient(), "BMP"), Rejection.UNREADABLE),
        (encoded(Image.new("RGB", (1, 1))), Rejection.TOO_SMALL),
        (encoded(Image.new("1", (10_000, 5_000))), Rejection.TOO_LARGE),
        (encoded(Image.new("1", (20_000, 10_000))), Rejection.TOO_LARGE),
        (
            encoded(gradient(), "WEBP", save_all=True, append_images=[gradient().rotate(180)]),
            Rejection.ANIMATED,
        ),
    ],
    ids=["empty", "text", "truncated", "bmp", "pixel", "50 megapixels", "200 megapixels", "webp"],
)
def test_an_invalid_image_is_rejected_with_the_reason(content: bytes, rejection: Rejection) -> None:
    with pytest.raises(ImageRejected) as refused:
        read_pixels(content, 64, 96)
    assert refused.value.rejection == rejection


def test_a_jpeg_with_appended_previews_is_not_an_animation() -> None:
    content = encoded(gradient(), "MPO", save_all=True, append_images=[gradient(30, 20)])
    assert read_pixels(content, 40, 60).shape == (40, 60, 3)


def test_thumbnails_keep_the_aspect_ratio() -> None:
    assert open_rgb(to_jpeg(encoded(gradient(600, 400)), longest=150)).size == (150, 100)
