"""Camera simulation from canvas to JPEG file: optics, exposure, grain."""

import io

import numpy as np
from PIL import Image, ImageFilter

from training.scenes.canvas import (
    Array,
    Rng,
    Size,
    from_image,
    grid,
    mix,
    smoothstep,
    spread,
    to_image,
)

OVERSAMPLE = 1.0
QUALITY = 88
LANDSCAPE = ((250, 169), (280, 190), (250, 170), (260, 174), (240, 180), (270, 152))


def choose_format(rng: Rng) -> Size:
    """Return a random (height, width) of an image; about one in six is upright."""
    width, height = LANDSCAPE[int(rng.choice(len(LANDSCAPE), p=[0.4, 0.2, 0.15, 0.1, 0.1, 0.05]))]
    return (width, height) if rng.random() < 0.17 else (height, width)


def canvas_size(size: Size) -> Size:
    """Return the (height, width) of the canvas for an image of `size`."""
    return round(size[0] * OVERSAMPLE), round(size[1] * OVERSAMPLE)


def develop(rng: Rng, canvas: Array, size: Size) -> bytes:
    """Return the baseline RGB JPEG file of `size` for a painted canvas."""
    image = to_image(_shoulder(canvas))
    if rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    image = _focus(rng, _reframe(rng, image, size))
    pixels = from_image(image)
    pixels = _grain(rng, _grade(rng, _vignette(rng, pixels)))
    file = io.BytesIO()
    to_image(pixels).save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def _shoulder(canvas: Array) -> Array:
    over = np.maximum(canvas - 0.8, 0)
    rolled: Array = np.minimum(canvas, 0.8) + 0.2 * (1 - np.exp(-over / 0.2))
    return rolled


def _reframe(rng: Rng, image: Image.Image, size: Size) -> Image.Image:
    """Rotate and crop the image slightly, and resize it to `size`."""
    width, height = image.size
    angle = float(rng.normal(0, 1.8)) if rng.random() < 0.45 else 0.0
    if angle:
        image = image.rotate(angle, Image.Resampling.BILINEAR)
    # The crop excludes the black corners of the rotated frame.
    lost = abs(np.sin(np.radians(angle))) * max(width, height) / min(width, height)
    share = max(0.5, 1 - float(lost)) * (1 - abs(float(rng.normal(0, 0.06))))
    inset_x, inset_y = (1 - share) * width / 2, (1 - share) * height / 2
    room = 1 if not angle else 0
    x = inset_x * (1 + room * float(rng.uniform(-1, 1)))
    y = inset_y * (1 + room * float(rng.uniform(-1, 1)))
    box = (x, y, x + share * width, y + share * height)
    return image.resize((size[1], size[0]), Image.Resampling.LANCZOS, box)


def _focus(rng: Rng, image: Image.Image) -> Image.Image:
    if rng.random() < 0.08:
        return image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.4, 1.3))))
    return image


def _vignette(rng: Rng, pixels: Array) -> Array:
    height, width = pixels.shape[:2]
    rows, columns = grid((height, width))
    x, y = float(rng.uniform(0.35, 0.65)), float(rng.uniform(0.35, 0.65))
    radius = np.hypot(columns / width - x, rows / height - y)
    strength = max(0.0, float(rng.normal(0.06, 0.09)))
    return pixels * (1 - strength * spread(smoothstep(0.3, 0.85, radius)))


def _grade(rng: Rng, pixels: Array) -> Array:
    """Vary exposure, contrast, saturation and colour cast, as between cameras."""
    cast = rng.normal(0, 0.013, 3).astype(np.float32) + 1
    gain = float(np.exp(rng.normal(0, 0.055)))
    pixels = np.clip(pixels * cast * gain, 0, 1)
    contrast = float(rng.normal(1.06, 0.06))
    pixels = np.clip((pixels - 0.45) * contrast + 0.45 + float(rng.normal(0, 0.025)), 0, 1)
    grey = (pixels * np.array([0.3, 0.59, 0.11], np.float32)).sum(axis=2, keepdims=True)
    if rng.random() < 0.015:
        pixels = grey * np.array([1.0, 0.96, 0.88], np.float32)
    else:
        pixels = mix(grey, pixels, float(rng.normal(1.06, 0.09)))
    return pixels


def _grain(rng: Rng, pixels: Array) -> Array:
    amount = abs(float(rng.normal(0, 0.008))) + 0.003
    return pixels + amount * spread(rng.standard_normal(pixels.shape[:2], np.float32))
