"""16-bit PNG files look like the same image at 8 bits, for every range of values."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from embeddings.images import open_rgb, read_pixels
from embeddings.sixteen_bit_png import significant_bits

COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""Colour type of a PNG file by number of channels."""


def chunk(name: bytes, content: bytes) -> bytes:
    body = name + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def png(
    samples: np.ndarray,
    declared: tuple[int, ...] = (),
    transparent: tuple[int, ...] = (),
    exif: bytes = b"",
) -> bytes:
    """Return a 16-bit PNG file of samples of shape (height, width, channels), rows filtered."""
    height, width, channels = samples.shape
    rows = np.frombuffer(samples.astype(">u2").tobytes(), np.uint8).reshape(height, -1)
    shifted = np.pad(rows, ((0, 0), (2 * channels, 0)))[:, : rows.shape[1]]
    filtered = b"".join(b"\1" + row.tobytes() for row in rows - shifted)
    header = struct.pack(">IIBBBBB", width, height, 16, COLOUR_TYPES[channels], 0, 0, 0)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", header),
            chunk(b"sBIT", bytes(declared)) if declared else b"",
            chunk(b"tRNS", struct.pack(f">{len(transparent)}H", *transparent))
            if transparent
            else b"",
            chunk(b"IDAT", zlib.compress(filtered)),
            chunk(b"eXIf", exif) if exif else b"",
            chunk(b"IEND", b""),
        ]
    )


def eight_bits(channels: int, height: int = 24, width: int = 30) -> np.ndarray:
    samples = np.random.default_rng(channels).integers(0, 256, (height, width, channels))
    samples[0, :2] = [[0] * channels, [255] * channels]
    return samples


def as_eight_bit_file(samples: np.ndarray) -> np.ndarray:
    """Return the pixels of the same image from an 8-bit file."""
    buffer = io.BytesIO()
    pixels = samples.astype(np.uint8)
    Image.fromarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels).save(buffer, "PNG")
    return np.asarray(open_rgb(buffer.getvalue()))


def pixels_of(content: bytes) -> np.ndarray:
    return np.asarray(open_rgb(content))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize(
    ("factor", "declared"),
    [
        (257, 0),
        (256, 0),
        (16, 0),
        (1, 0),
        (257, 16),
        (16, 12),
        (257, 12),
        (64, 14),
        (4, 10),
        (1, 8),
    ],
)
def test_values_of_any_range_look_like_the_8_bit_image(
    channels: int, factor: int, declared: int
) -> None:
    samples = eight_bits(channels)
    content = png(samples * factor, (declared,) * channels if declared else ())
    assert np.array_equal(pixels_of(content), as_eight_bit_file(samples))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_dark_image_stays_dark_if_all_16_bits_are_declared(channels: int) -> None:
    samples = eight_bits(channels) * 16
    assert pixels_of(png(samples, (16,) * channels)).max() == 15


def test_values_of_fewer_than_8_declared_bits_reach_white() -> None:
    content = png(np.arange(16).repeat(40).reshape(16, 40, 1), (4,))
    assert pixels_of(content)[:, 0, 0].tolist() == [17 * level for level in range(16)]


@pytest.mark.parametrize("factor", [16, 257])
def test_alpha_has_its_own_range(factor: int) -> None:
    samples = eight_bits(4)
    deep = samples * [16, 16, 16, factor]
    assert np.array_equal(pixels_of(png(deep)), as_eight_bit_file(samples))


@pytest.mark.parametrize("channels", [1, 3])
def test_only_the_transparent_colour_becomes_white(channels: int) -> None:
    deep = np.full((12, 12, channels), 1000)
    deep[6:] = 1001  # the same high byte
    deep[0, 0] = 4095
    pixels = pixels_of(png(deep, transparent=(1001,) * channels))
    assert (pixels[6:] == 255).all()
    assert (pixels[1:6] == 1000 >> 4).all()


def test_the_orientation_is_applied() -> None:
    samples = eight_bits(3)
    exif = Image.Exif()
    exif[0x0112] = 3
    pixels = pixels_of(png(samples * 16, exif=exif.tobytes().removeprefix(b"Exif\0\0")))
    assert np.array_equal(pixels, samples[::-1, ::-1])


def test_images_of_many_strips_are_complete() -> None:
    samples = eight_bits(3, 1500, 1000)
    assert np.array_equal(pixels_of(png(samples * 16)), samples)


def test_training_and_serving_decode_to_the_same_pixels() -> None:
    samples = eight_bits(1)
    assert np.array_equal(read_pixels(png(samples * 16), 24, 30), as_eight_bit_file(samples))


@given(highest=st.integers(0, 65535), declared=st.integers(0, 16))
def test_the_range_contains_every_value(highest: int, declared: int) -> None:
    bits = significant_bits(highest, declared)
    assert highest < 1 << bits
    assert bits in {8, 12, 16} if declared == 0 else bits in {declared, 16}
