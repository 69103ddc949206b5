"""Conversion of 16-bit PNG files to 8 bits per channel.

Pillow decodes greyscale files at 16 bits but keeps only the high byte in all other modes; this
module decodes the low bytes separately.
"""

import io
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.ImageFile import ImageFile

_SIGNATURE_BYTES = 8
_STRIP_PIXELS = 2**20
_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
# The little-endian decoder returns the low byte of big-endian samples.
_LOW_BYTES = {"RGB;16B": "RGB;16L", "RGBA;16B": "RGBA;16L"}

_CLEAR, _OPAQUE = np.uint16(0), np.uint16(255)

_Samples = npt.NDArray[np.uint16]


def has_sixteen_bits(image: ImageFile) -> bool:
    """Return True if an opened image, not loaded yet, is a PNG file with 16-bit samples."""
    return image.format == "PNG" and _raw_mode(image).endswith(";16B")


def to_eight_bits(image: ImageFile, data: bytes) -> Image.Image:
    """Convert a 16-bit PNG file to 8 bits per channel: mode L, LA, RGB or RGBA.

    `image` is the opened file, not loaded yet, and `data` its bytes. The colour channels share one
    range of values; alpha has its own (`significant_bits`). Of a sample with b >= 8 significant
    bits, the highest 8 are kept. A transparent colour (chunk tRNS) becomes an alpha channel.
    """
    key = image.info.get("transparency")
    declared = _declared_bits(data)
    parts = _decode(image, data)
    highest = np.max([strip.max(axis=(0, 1)) for _, strip in _strips(parts)], axis=0)
    channels = len(highest)
    colours = channels - 1 if channels in (2, 4) else channels
    bits = significant_bits(int(highest[:colours].max()), max(declared[:colours], default=0))
    alpha_bits = significant_bits(int(highest[-1]), declared[-1] if declared else 0)
    mode = _MODES[channels if key is None else channels + 1]
    scaled = Image.new(mode, image.size)
    for top, strip in _strips(parts):
        layers = [_scale(strip[..., :colours], bits)]
        if key is not None:
            layers.append(np.where((strip == key).all(axis=2, keepdims=True), _CLEAR, _OPAQUE))
        elif channels > colours:
            layers.append(_scale(strip[..., colours:], alpha_bits))
        pixels = np.concatenate(layers, axis=2).astype(np.uint8)
        scaled.paste(Image.fromarray(pixels.squeeze(axis=2) if mode == "L" else pixels), (0, top))
    scaled.info = {name: value for name, value in image.info.items() if name != "transparency"}
    return scaled


def significant_bits(highest: int, declared: int) -> int:
    """Return the number of significant bits of 16-bit samples.

    `highest` is the largest sample; `declared` is the number of bits in the chunk sBIT, 0 without
    that chunk. The declared number is used if all samples fit into it; otherwise the samples have
    16 bits, as the PNG standard requires. Without a declaration, samples up to 255 have 8 bits,
    samples up to 4095 have 12, and all others have 16: data of 10 or 14 bits cannot be
    distinguished from a dark image of 12 or 16 bits.
    """
    if declared:
        return declared if highest < 1 << declared else 16
    return next(bits for bits in (8, 12, 16) if highest < 1 << bits)


def _scale(samples: _Samples, bits: int) -> _Samples:
    if bits >= 8:
        return np.asarray(samples >> (bits - 8), dtype=np.uint16)
    return np.asarray(samples * 255 // ((1 << bits) - 1), dtype=np.uint16)


def _raw_mode(image: ImageFile) -> str:
    return str(image.tile[0].args) if image.tile else ""


def _decode(image: ImageFile, data: bytes) -> tuple[Image.Image, ...]:
    """Load one or two images whose bytes together form the samples."""
    raw_mode = _raw_mode(image)
    if raw_mode == "LA;16B":
        # Its rows have the layout of an 8-bit RGBA file: high and low bytes of grey and alpha.
        image.tile = [image.tile[0]._replace(args="RGBA")]
        parts = [image]
    elif raw_mode in _LOW_BYTES:
        low = Image.open(io.BytesIO(data), formats=("PNG",))
        low.tile = [low.tile[0]._replace(args=_LOW_BYTES[raw_mode])]
        parts = [image, low]
    else:
        parts = [image]
    for part in parts:
        part.load()
    return tuple(parts)


def _strips(parts: tuple[Image.Image, ...]) -> Iterator[tuple[int, _Samples]]:
    """Yield strips of rows: number of the first row, and samples of shape (rows, width, channels).

    All samples of 40 megapixels of RGBA at once would take 320 MB.
    """
    width, height = parts[0].size
    rows = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, rows):
        box = (0, top, width, min(top + rows, height))
        strip, *low = [np.asarray(part.crop(box)) for part in parts]
        if low:
            yield top, strip.astype(np.uint16) << 8 | low[0]
        elif strip.ndim == 3:
            yield top, strip.view(">u2").astype(np.uint16)
        else:
            yield top, strip[..., None].astype(np.uint16)


def _declared_bits(data: bytes) -> tuple[int, ...]:
    """Return the significant bits of each channel from the chunk sBIT, () without that chunk."""
    position = _SIGNATURE_BYTES
    while position + 8 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        name = data[position + 4 : position + 8]
        if name == b"sBIT":
            bits = tuple(data[position + 8 : position + 8 + length])
            return bits if all(1 <= each <= 16 for each in bits) else ()
        if name == b"IDAT":
            return ()
        # Length, type, data and checksum.
        position += length + 12
    return ()
