"""Parts of images."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from embeddings.image_box import ImageBox, InvalidBox, read_box_pixels
from embeddings.images import ImageRejected, Rejection, read_pixels, scale_pixels


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    """Return an image of coarse random pixels."""
    random = np.random.default_rng(seed)
    small = random.integers(0, 256, (max(1, height // 20), max(1, width // 20), 3), np.uint8)
    return Image.fromarray(small).resize((width, height))


def encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize("size", [(60, 40), (900, 700), (2400, 1600)])
def test_the_box_of_a_whole_image_is_the_image(size: tuple[int, int]) -> None:
    data = encoded(noise(*size), "JPEG")
    part = read_box_pixels(data, ImageBox.of("0,0,1,1"), 32, 48)
    assert np.array_equal(part, read_pixels(data, 32, 48))


@given(
    st.tuples(st.integers(0, 56), st.integers(0, 32)).flatmap(
        lambda start: st.tuples(
            st.just(start[0]), st.just(start[1]),
            st.integers(8, 64 - start[0]), st.integers(8, 40 - start[1]),
        )
    )
)  # fmt: skip
def test_a_box_has_the_pixels_of_the_part(edges: tuple[int, int, int, int]) -> None:
    image = noise(64, 40)
    x, y, width, height = edges
    box = ImageBox.of(f"{x / 64},{y / 40},{width / 64},{height / 40}")
    expected = scale_pixels(image.crop((x, y, x + width, y + height)), 16, 24)
    assert np.array_equal(read_box_pixels(encoded(image), box, 16, 24), expected)


def test_a_small_part_of_a_large_jpeg_is_decoded_at_full_size() -> None:
    image = noise(2400, 1600)
    image.paste(Image.fromarray(np.indices((64, 64)).sum(0).astype(np.uint8) % 2 * 255), (0, 0))
    part = read_box_pixels(encoded(image, "JPEG"), ImageBox(0, 0, 64 / 2400, 64 / 1600), 64, 64)
    assert part.std() > 100


@pytest.mark.parametrize(
    "text",
    [
        *("", "1", "0,0,1", "0,0,1,1,1", "a,b,c,d", "0,0,nan,1", "0,0,inf,1", "0 ,0,1,1"),
        *("0,0,0,1", "0,0,1,0", "-0.1,0,1,1", "0.5,0,0.6,1", "0,0.5,1,0.51", "0,0,1e999,1"),
        *("\N{ARABIC-INDIC DIGIT ZERO},0,1,1", "0_0,0,1,1", "0,0,1,1\n"),
    ],
)
def test_a_box_outside_of_the_image_is_refused(text: str) -> None:
    with pytest.raises(InvalidBox, match="fractions"):
        ImageBox.of(text)


@pytest.mark.parametrize("text", ["0.3,0.1,0.7,0.9", "0.1,0.2,.9,.8", "0.9000001,0,0.1,1"])
def test_rounded_fractions_may_reach_the_edge(text: str) -> None:
    assert ImageBox.of(text).crop(noise(200, 100)).size[0] > 0


@pytest.mark.parametrize("text", ["0,0,0.1,1", "0,0,1e-310,1", "0.99999,0.99999,1e-9,1e-9"])
def test_a_box_of_too_few_pixels_is_rejected(text: str) -> None:
    with pytest.raises(ImageRejected, match="at least 8") as refused:
        read_box_pixels(encoded(noise(60, 40), "JPEG"), ImageBox.of(text), 32, 48)
    assert refused.value.rejection is Rejection.TOO_SMALL
