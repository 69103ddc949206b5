"""16-bit PNG files at 8 bits per channel.

Pillow reads the samples of grey files at 16 bits and keeps only the high byte of all others, so
the low bytes are decoded apart.
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
# The decoder that keeps the low byte of big-endian samples is the one for little-endian ones.
_LOW_BYTES = {"RGB;16B": "RGB;16L", "RGBA;16B": "RGBA;16L"}

_CLEAR, _OPAQUE = np.uint16(0), np.uint16(255)

_Samples = npt.NDArray[np.uint16]


def has_sixteen_bits(image: ImageFile) -> bool:
    """Return whether an image that is opened but not loaded is a PNG file of 16-bit samples."""
    return image.format == "PNG" and _raw_mode(image).endswith(";16B")


def to_eight_bits(image: ImageFile, data: bytes) -> Image.Image:
    """Return a 16-bit PNG file at 8 bits per channel: mode L, LA, RGB or RGBA.

    `image` is the opened file that is not loaded, `data` its bytes. The colours share one range of
    values and alpha has its own (`significant_bits`). A sample of b bits, b >= 8, gives its
    highest 8 bits. A transparent colour (chunk tRNS) becomes alpha.
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
    """Return the number of bits that hold the range of 16-bit samples.

    `highest` is the largest sample, `declared` the number of bits that the file declares (chunk
    sBIT), 0 if it declares none. Declared bits count if the samples fit into them; otherwise the
    samples are scaled to 16 bits, as the PNG standard asks. Without a declaration samples up to
    255 have 8 bits, samples up to 4095 have 12 bits, all others 16: data of 10 or 14 bits cannot
    be told from a dark image of 12 or 16 bits.
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
    """Load images whose bytes together are the samples."""
    raw_mode = _raw_mode(image)
    if raw_mode == "LA;16B":
        # Its rows are laid out as those of an 8-bit RGBA file: high and low byte of grey and alpha.
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
    """Yield the first row and the samples, shape (rows, width, channels), of strips of rows.

    All samples at once would take 320 MB for 40 megapixels of RGBA.
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
    """Return the significant bits of each channel that the chunk sBIT declares, () without it."""
    position = _SIGNATURE_BYTES
    while position + 8 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        name = data[position + 4 : position + 8]
        if name == b"sBIT":
            bits = tuple(data[position + 8 : position + 8 + length])
            return bits if all(1 <= each <= 16 for each in bits) else ()
        if name == b"IDAT":
            return ()
        # A length, a name, the content and a checksum.
        position += length + 12
    return ()
