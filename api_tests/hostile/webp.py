"""Hostile WebP files: false RIFF sizes and invalid frames."""

import struct
from collections.abc import Iterator

from PIL import Image

from api_tests.hostile.case import (
    ANY_ANSWER,
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


def riff(body: bytes, size: int | None = None) -> bytes:
    """Return a RIFF container, optionally with a false size."""
    announced = len(body) + 4 if size is None else size
    return b"RIFF" + struct.pack("<I", announced) + b"WEBP" + body


def part(name: bytes, body: bytes) -> bytes:
    """Return a RIFF chunk, padded to an even length."""
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) & 1)


def extended(width: int, height: int, flags: int = 0) -> bytes:
    """Return the VP8X chunk, which declares a canvas."""
    sizes = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    return part(b"VP8X", bytes([flags, 0, 0, 0]) + sizes)


def cases() -> Iterator[Hostile]:
    """Yield all hostile WebP files."""
    lossy = encoded(scene(), "WEBP", quality=90)
    lossless = encoded(scene(), "WEBP", lossless=True)
    for name, whole, seed in (("WebP", lossy, 4), ("lossless WebP", lossless, 5)):
        yield from truncated(name, whole)
        yield from corrupted(name, whole, 40, seed)
    yield from named("WebP", _containers(lossy[12:]))
    yield from named("WebP", _pictures(lossless))


def _containers(frame: bytes) -> Iterator[tuple[str, bytes, frozenset[int]]]:
    canvas = extended(48, 40)
    yield "of nothing", riff(b""), REFUSED
    yield "of size 0", riff(frame, 0), READ_OR_REFUSED
    yield "of the greatest size", riff(frame, 2**32 - 1), READ_OR_REFUSED
    yield "of an odd size", riff(frame, len(frame) + 3), READ_OR_REFUSED
    yield "without its frame", riff(canvas), REFUSED
    yield "with two frames", riff(canvas + frame * 2), READ_OR_REFUSED
    yield "with two canvases", riff(canvas * 2 + frame), READ_OR_REFUSED
    yield "with its canvas behind", riff(frame + canvas), READ_OR_REFUSED
    yield "with another canvas", riff(extended(400, 400) + frame), READ_OR_REFUSED
    yield "with a canvas of 7x8", riff(extended(7, 8) + frame), REFUSED | TOO_SMALL
    yield "with the greatest canvas", riff(extended(2**24, 2**24) + frame), REFUSED | TOO_LARGE
    yield "with a canvas of 16383x16383", riff(extended(16383, 16383) + frame), REFUSED | TOO_LARGE
    yield "with a canvas of 8000x5001", riff(extended(8000, 5001) + frame), REFUSED | TOO_LARGE
    for flags in (0x02, 0x04, 0x08, 0x10, 0x20, 0xFF):
        yield f"that declares {flags:02x}", riff(extended(48, 40, flags) + frame), READ_OR_REFUSED
    profile = part(b"ICCP", b"\xff" * 99)
    yield "with an invalid profile", riff(extended(48, 40, 0x20) + profile + frame), READ
    metadata = part(b"EXIF", b"\xff" * 99) + part(b"XMP ", b"<x" * 99)
    yield "with broken metadata", riff(extended(48, 40, 0x0C) + frame + metadata), READ
    alpha = part(b"ALPH", b"\xff" * 30)
    yield "with broken transparency", riff(extended(48, 40, 0x10) + alpha + frame), READ_OR_REFUSED
    many = part(b"abcd", b"") * 50_000
    yield "of many parts", riff(canvas + frame + many), READ_OR_REFUSED
    yield "of an unknown part", riff(part(b"ABCD", b"?" * 100)), REFUSED
    loop = part(b"ANIM", bytes(6))
    yield "of an animation of nothing", riff(extended(48, 40, 2) + loop), REFUSED
    single = part(b"ANMF", bytes(6) + b"\x2f\0\0\x27\0\0" + bytes(4) + frame)
    yield "of an animation of one frame", riff(extended(48, 40, 2) + loop + single), ANY_ANSWER


def _pictures(lossless: bytes) -> Iterator[tuple[str, bytes, frozenset[int]]]:
    colours = scene()
    yield "of mode RGBA", encoded(colours.convert("RGBA"), "WEBP", lossless=True), READ
    yield "of mode L", encoded(colours.convert("L"), "WEBP"), READ
    yield "wholly clear", encoded(Image.new("RGBA", (16, 16)), "WEBP", lossless=True), READ
    yield "of the smallest size", encoded(scene(8, 8), "WEBP"), READ
    yield "too small by a pixel", encoded(scene(8, 7), "WEBP"), TOO_SMALL
    yield "of one pixel", encoded(Image.new("RGB", (1, 1)), "WEBP"), TOO_SMALL
    yield "of one row", encoded(Image.new("RGB", (3000, 1)), "WEBP"), TOO_SMALL
    place = lossless.index(b"VP8L") + 8
    for name, bits in (("the greatest size", 0x0FFFFFFF), ("version 7", 0xE0000000)):
        changed = bytearray(lossless)
        changed[place + 1 : place + 5] = struct.pack("<I", bits)
        yield f"lossless and of {name}", bytes(changed), REFUSED | TOO_LARGE | TOO_SMALL
