"""Hostile PNG files: false chunk lengths, decompression bombs, unusual modes."""

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

from api_tests.hostile.case import (
    READ,
    READ_OR_REFUSED,
    REFUSED,
    TOO_LARGE,
    TOO_SMALL,
    Hostile,
    corrupted,
    encoded,
    named,
    scene,
    truncated,
)
from embeddings.image_limits import MAX_SEGMENTS

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END = (b"IEND", b"")
_MEBIBYTE = bytes(2**20)

Chunk = tuple[bytes, bytes]


def chunk(kind: bytes, body: bytes) -> bytes:
    """Return a chunk with its checksum."""
    checksum = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


def png(*chunks: Chunk) -> bytes:
    """Return a file of these chunks."""
    return SIGNATURE + b"".join(chunk(kind, body) for kind, body in chunks)


def header(width: int = 16, height: int = 16, depth: int = 8, colour: int = 0, *rest: int) -> Chunk:
    """Return the first chunk; `rest` are compression, filter and interlace."""
    numbers = (*rest, *(0, 0, 0)[len(rest) :])
    return b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, *numbers)


def pixels(width: int = 16, height: int = 16, filter_type: int = 0, bytes_each: int = 1) -> Chunk:
    """Return compressed rows of grey pixels with one filter type."""
    row = bytes([filter_type]) + bytes(range(100, 100 + width)) * bytes_each
    return b"IDAT", zlib.compress(row * height)


def cases() -> Iterator[Hostile]:
    """Yield all hostile PNG files."""
    whole = encoded(scene(), "PNG")
    yield from truncated("PNG", whole)
    yield from corrupted("PNG", whole, 41, seed=1)
    yield from named("PNG", _dimensions())
    yield from named("PNG", _headers())
    yield from named("PNG", _arrangements())
    yield from named("PNG", _bombs())
    yield from named("PNG", _additions())
    yield from named("PNG", _modes())
    yield from named("PNG", _wrong_checksums(whole))


def _dimensions() -> Iterator[tuple[str, bytes, frozenset[int]]]:
    for width, height, allowed in (
        (0, 0, REFUSED | TOO_SMALL),
        (0, 16, REFUSED | TOO_SMALL),
        (16, 0, REFUSED | TOO_SMALL),
        (1, 1, TOO_SMALL),
        (1, 5000, TOO_SMALL),
        (5000, 1, TOO_SMALL),
        (7, 8, TOO_SMALL),
        (8, 7, TOO_SMALL),
        (2**31 - 1, 2**31 - 1, REFUSED | TOO_LARGE),
        (2**32 - 1, 2**32 - 1, REFUSED | TOO_LARGE),
        (65535, 65535, TOO_LARGE),
        (40_000_001, 1, TOO_LARGE),
        (8000, 5001, TOO_LARGE),
    ):
        file = png(header(width, height), pixels(), _END)
        yield f"that declares {width}x{height}", file, allowed
    yield "of the smallest size", png(header(8, 8), pixels(8, 8), _END), READ
    yield "with more rows than it holds", png(header(16, 17), pixels(), _END), READ_OR_REFUSED
    yield "with fewer rows than it holds", png(header(16, 15), pixels(), _END), READ_OR_REFUSED
    # Some decoders fill in missing pixels.
    yield "with 16 rows of 2000", png(header(16, 2000), pixels(), _END), READ_OR_REFUSED
    empty = png(header(1500, 20000), pixels(), _END)
    yield "of 1500x20000 with little in it", empty, READ_OR_REFUSED
    narrow = scene(8, 3000)
    yield "very tall and narrow", encoded(narrow, "PNG"), READ
    yield "very wide and low", encoded(narrow.transpose(Image.Transpose.ROTATE_90), "PNG"), READ


def _headers() -> Iterator[tuple[str, bytes, frozenset[int]]]:
    for name, first in (
        ("of 3 bits", header(depth=3)),
        ("of 0 bits", header(depth=0)),
        ("of 16 bits and a palette", header(depth=16, colour=3)),
        ("of colour type 5", header(colour=5)),
        ("of colour type 255", header(colour=255)),
    ):
        yield name, png(first, pixels(), _END), REFUSED
    for name, rest in (
        ("of compression 1", (1,)),
        ("of filter method 7", (0, 7)),
        ("of interlace 2", (0, 0, 2)),
        ("with a false interlacing flag", (0, 0, 1)),
    ):
        yield name, png(header(16, 16, 8, 0, *rest), pixels(), _END), READ_OR_REFUSED
    yield "with an empty header", png((b"IHDR", b""), pixels(), _END), REFUSED
    yield "with half a header", png((b"IHDR", header()[1][:7]), pixels(), _END), REFUSED
    long = (b"IHDR", header()[1] + bytes(99))
    yield "with too long a header", png(long, pixels(), _END), READ_OR_REFUSED


def _arrangements() -> Iterator[tuple[str, bytes, frozenset[int]]]:
    first, body = header(), pixels()
    broken = (body[0], body[1][:-9] + bytes(9))
    yield "of nothing", SIGNATURE, REFUSED
    yield "without a header", png(body, _END), REFUSED
    yield "without pixels", png(first, _END), REFUSED
    yield "without an end", png(first, body), READ_OR_REFUSED
    yield "with two headers", png(first, first, body, _END), READ_OR_REFUSED
    yield "with a second size", png(first, header(9, 9), body, _END), READ_OR_REFUSED
    yield "with a second size behind", png(first, body, header(9000, 9000), _END), READ_OR_REFUSED
    yield "with the header last", png(body, first, _END), REFUSED
    yield "with its end first", png(_END, first, body), REFUSED
    yield "with its pixels twice", png(first, body, body, _END), READ_OR_REFUSED
    yield "with an empty first part", png(first, (b"IDAT", b""), body, _END), READ_OR_REFUSED
    yield "of pixels that are no zlib", png(first, (b"IDAT", b"\xff" * 99), _END), REFUSED
    yield "of a broken stream", png(first, broken, _END), READ_OR_REFUSED
    yield "of unknown filters", png(first, pixels(filter_type=9), _END), REFUSED
    yield "without its palette", png(header(colour=3), body, _END), READ_OR_REFUSED
    short = (b"PLTE", bytes(7))
    yield "with a broken palette", png(header(colour=3), short, body, _END), READ_OR_REFUSED
    wide = (b"PLTE", bytes(3 * 300))
    yield "with a wide palette", png(header(colour=3), wide, body, _END), READ_OR_REFUSED
    yield "with a length beyond the file", SIGNATURE + b"\x7f\xff\xff\xffIHDR" + bytes(30), REFUSED
    yield "with a negative length", SIGNATURE + b"\xff\xff\xff\xffIHDR" + bytes(30), REFUSED
    yield "with names of no letters", png(first, (b"\0\1\2\3", b""), body, _END), READ_OR_REFUSED
    yield "with an unknown critical part", png(first, (b"ABCD", b""), body, _END), READ_OR_REFUSED
    yield "followed by another file", png(first, body, _END) * 2, READ


def _bombs() -> Iterator[tuple[str, bytes, frozenset[int]]]:
    first, body = header(), pixels()
    bomb = zlib.compress(_MEBIBYTE * 16, 9)
    for name, extra in (
        ("zTXt", b"Comment\0\0" + bomb),
        ("iTXt", b"Comment\0\1\0\0\0" + bomb),
        ("iCCP", b"Profile\0\0" + bomb),
    ):
        attack = (name.encode(), extra)
        yield f"with a bomb in {name}", png(first, attack, body, _END), READ_OR_REFUSED
        yield f"with a bomb in {name} behind", png(first, body, attack, _END), READ_OR_REFUSED
    small = (b"zTXt", b"Comment\0\0" + zlib.compress(_MEBIBYTE[:-9], 9))
    yield "with many small bombs", png(first, *[small] * 70, body, _END), READ_OR_REFUSED
    yield "of a bomb for its pixels", png(first, (b"IDAT", bomb), _END), READ_OR_REFUSED
    yield "of a bomb of zeros", encoded(Image.new("1", (10_000, 5_000)), "PNG"), TOO_LARGE
    empty = chunk(b"abCd", b"") * (MAX_SEGMENTS + 1)
    yield "of too many parts", png(first) + empty + png(body, _END)[8:], REFUSED
    yield "of too many parts behind", png(first, body) + empty + chunk(*_END), REFUSED
    tiny = b"".join(chunk(b"IDAT", b"") for _ in range(MAX_SEGMENTS + 1))
    yield "of too many tiny chunks", png(first) + tiny + png(body, _END)[8:], REFUSED


def _additions() -> Iterator[tuple[str, bytes, frozenset[int]]]:
    first, body = header(), pixels()
    for name, kind, content in (
        ("an invalid profile", b"iCCP", b"Profile\0\0" + zlib.compress(b"\xff" * 200)),
        ("a profile without a name", b"iCCP", zlib.compress(b"x")),
        ("an empty profile", b"iCCP", b""),
        ("a profile with an unknown compression", b"iCCP", b"Profile\0\7" + bytes(9)),
        ("no gamma", b"gAMA", b""),
        ("a gamma of zero", b"gAMA", bytes(4)),
        ("no resolution", b"pHYs", bytes(9)),
        ("half a resolution", b"pHYs", bytes(3)),
        ("a wrong transparency", b"tRNS", bytes(99)),
        ("half a transparency", b"tRNS", b"\0"),
        ("half of its chromaticities", b"cHRM", bytes(5)),
        ("no rendering intent", b"sRGB", b""),
        ("text without an end", b"tEXt", b"Comment"),
        ("text in no encoding", b"iTXt", b"Comment\0\0\0\0\0" + b"\xff" * 20),
        ("a text of HTML", b"tEXt", b"Comment\0<script>alert(1)</script>"),
        ("the name of a file", b"tEXt", b"../../etc/passwd\0/etc/passwd"),
        ("an invalid raw profile", b"tEXt", b"Raw profile type exif\0\nexif\n 9\nzz"),
        ("animation control of one frame", b"acTL", struct.pack(">II", 1, 0)),
        ("animation control of no frame", b"acTL", bytes(8)),
        ("broken animation control", b"acTL", bytes(3)),
        ("a frame without an animation", b"fcTL", bytes(26)),
        ("frame data without a frame", b"fdAT", bytes(8)),
    ):
        yield f"with {name}", png(first, (kind, content), body, _END), READ_OR_REFUSED
    endless = (b"acTL", struct.pack(">II", 2**31, 0))
    yield "of two thousand million frames", png(first, endless, body, _END), READ_OR_REFUSED


def _modes() -> Iterator[tuple[str, bytes, frozenset[int]]]:
    colours = scene()
    for mode in ("1", "L", "LA", "P", "RGBA"):
        yield f"of mode {mode}", encoded(colours.convert(mode), "PNG"), READ
    deep = Image.fromarray(np.asarray(colours.convert("L")).astype(np.uint16) * 257)
    yield "of 16 bits", encoded(deep, "PNG"), READ
    yield "of 16 bits and clear", encoded(deep, "PNG", transparency=0), READ_OR_REFUSED
    for name, colour, values in (("RGB", 2, 3), ("RGBA", 6, 4), ("LA", 4, 2)):
        row = b"\0" + bytes(range(256)) * (16 * values * 2 // 256)
        row += bytes(1 + 16 * values * 2 - len(row))
        body = (b"IDAT", zlib.compress(row * 16))
        yield f"of 16 bits in {name}", png(header(16, 16, 16, colour), body, _END), READ
    few = colours.quantize(16)
    yield "of a clear palette", encoded(few, "PNG", transparency=bytes(range(16))), READ
    yield "of one clear colour", encoded(few, "PNG", transparency=3), READ
    yield "of one clear grey", encoded(colours.convert("L"), "PNG", transparency=90), READ
    yield "of a colour that is clear", encoded(colours, "PNG", transparency=(60, 110, 180)), READ
    yield "wholly clear", encoded(Image.new("RGBA", (16, 16)), "PNG"), READ


def _wrong_checksums(whole: bytes) -> Iterator[tuple[str, bytes, frozenset[int]]]:
    for kind, allowed in (
        (b"IHDR", REFUSED),
        (b"IDAT", READ_OR_REFUSED),
        (b"IEND", READ_OR_REFUSED),
    ):
        begin = whole.index(kind)
        length = int.from_bytes(whole[begin - 4 : begin], "big")
        broken = bytearray(whole)
        broken[begin + 4 + length] ^= 255
        yield f"with a wrong checksum of {kind.decode()}", bytes(broken), allowed
