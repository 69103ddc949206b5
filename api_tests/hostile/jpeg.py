"""Hostile JPEG files: false segment lengths, excessive scans, unusual colour spaces."""

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
from embeddings.image_limits import MAX_SCANS, MAX_SEGMENTS

START, END = b"\xff\xd8", b"\xff\xd9"
FRAME, SCAN, TABLES, CODES, RESTARTS = 0xC0, 0xDA, 0xDB, 0xC4, 0xDD


def segment(marker: int, body: bytes) -> bytes:
    """Return a segment: a marker, its length and its content."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def behind_start(whole: bytes, addition: bytes) -> bytes:
    """Return the file with an addition directly after its start marker."""
    return START + addition + whole[2:]


def position_of(whole: bytes, marker: int) -> tuple[int, int]:
    """Return the start and end of the first segment with a marker."""
    begin = whole.index(bytes([0xFF, marker]))
    length = int.from_bytes(whole[begin + 2 : begin + 4], "big")
    return begin, begin + 2 + length


def cases() -> Iterator[Hostile]:
    """Yield all hostile JPEG files."""
    whole = encoded(scene(), "JPEG", quality=90)
    gradual = encoded(scene(), "JPEG", quality=90, progressive=True)
    yield from truncated("JPEG", whole)
    yield from truncated("progressive JPEG", gradual)
    yield from corrupted("JPEG", whole, whole.index(b"\xff\xda") + 10, seed=2)
    yield from corrupted("progressive JPEG", gradual, gradual.index(b"\xff\xda") + 10, seed=3)
    yield from named("JPEG", _dimensions(whole))
    yield from named("JPEG", _arrangements(whole))
    yield from named("JPEG", _frames(whole))
    yield from named("JPEG", _scans(gradual))
    yield from named("JPEG", _additions(whole))
    yield from named("JPEG", _colours(whole))


def _dimensions(whole: bytes) -> Iterator[tuple[str, bytes, frozenset[int]]]:
    begin, _ = position_of(whole, FRAME)
    for width, height, allowed in (
        (0, 0, REFUSED | TOO_SMALL),
        (48, 0, REFUSED | TOO_SMALL),
        (0, 40, REFUSED | TOO_SMALL),
        (1, 40, TOO_SMALL),
        (48, 1, TOO_SMALL),
        (7, 8, TOO_SMALL),
        (8, 8, READ),
        (48, 41, READ_OR_REFUSED),
        (480, 400, READ_OR_REFUSED),
        (6000, 6000, READ_OR_REFUSED),
        (65535, 8, READ_OR_REFUSED),
        (65535, 65535, TOO_LARGE),
        (65500, 65500, TOO_LARGE),
        (8000, 5001, TOO_LARGE),
    ):
        changed = bytearray(whole)
        changed[begin + 5 : begin + 9] = struct.pack(">HH", height, width)
        yield f"that declares {width}x{height}", bytes(changed), allowed


def _arrangements(whole: bytes) -> Iterator[tuple[str, bytes, frozenset[int]]]:
    for name, marker in (("tables", TABLES), ("codes", CODES), ("frame", FRAME), ("scan", SCAN)):
        begin, end = position_of(whole, marker)
        # Decoders use standard Huffman codes and a zero table if there are none.
        yield f"without its {name}", whole[:begin] + whole[end:], READ_OR_REFUSED
        again = whole[:end] + whole[begin:end] + whole[end:]
        yield f"with its {name} twice", again, READ_OR_REFUSED
        short = whole[: begin + 2] + b"\0\0" + whole[begin + 4 :]
        yield f"with {name} of no length", short, READ_OR_REFUSED
        long = whole[: begin + 2] + b"\xff\xff" + whole[begin + 4 :]
        yield f"with {name} of too great a length", long, REFUSED
    scan, behind = position_of(whole, SCAN)
    yield "of nothing", START + END, REFUSED
    yield "of its headers", whole[:scan], REFUSED
    yield "without any data", whole[:behind] + END, READ_OR_REFUSED
    yield "of data of ones", whole[:behind] + b"\xff\x00" * 4000 + END, READ_OR_REFUSED
    yield "of data of zeros", whole[:behind] + bytes(8000) + END, READ_OR_REFUSED
    yield "of restart markers only", whole[:behind] + b"\xff\xd0" * 4000 + END, READ_OR_REFUSED
    yield (
        "with a restart interval",
        behind_start(whole, segment(RESTARTS, b"\0\1")),
        READ_OR_REFUSED,
    )
    yield "with two starts", START + whole, READ_OR_REFUSED
    yield "with filling", behind_start(whole, b"\xff" * 500), READ_OR_REFUSED
    yield "followed by another file", whole + whole, READ
    yield "followed by many bytes", whole + bytes(200_000), READ
    yield "that ends within", whole[: behind + 50] + END + whole[behind + 50 :], READ_OR_REFUSED


def _frames(whole: bytes) -> Iterator[tuple[str, bytes, frozenset[int]]]:
    begin, end = position_of(whole, FRAME)
    for kind in (0xC1, 0xC2, 0xC3, 0xC5, 0xC9, 0xCA, 0xCF, 0xF7):
        other = whole[: begin + 1] + bytes([kind]) + whole[begin + 2 :]
        yield f"of process {kind:02x}", other, READ_OR_REFUSED
    for depth in (0, 1, 12, 16, 255):
        other = whole[: begin + 4] + bytes([depth]) + whole[begin + 5 :]
        yield f"of {depth} bits", other, REFUSED
    for components in (0, 1, 2, 4, 255):
        other = whole[: begin + 9] + bytes([components]) + whole[begin + 10 :]
        yield f"that declares {components} components", other, READ_OR_REFUSED
    for sampling in (0x00, 0x0F, 0xFF, 0x55):
        other = whole[: begin + 11] + bytes([sampling]) + whole[begin + 12 :]
        yield f"sampled {sampling:02x}", other, READ_OR_REFUSED
    alike = bytearray(whole)
    alike[begin + 13] = alike[begin + 10]
    yield "with components of one name", bytes(alike), READ_OR_REFUSED
    missing = bytearray(whole)
    missing[begin + 12] = 3
    yield "with a missing table", bytes(missing), READ_OR_REFUSED
    yield "with an empty frame", whole[:begin] + segment(FRAME, b"") + whole[end:], REFUSED


def _scans(gradual: bytes) -> Iterator[tuple[str, bytes, frozenset[int]]]:
    last = gradual.rindex(b"\xff\xda")
    scan, before = gradual[last:-2], gradual[:last]
    usual = gradual.count(b"\xff\xda")
    for scans in (1000, 20_000):
        yield f"of {scans} scans", before + scan * scans + END, REFUSED
    hidden = segment(0xFE, b"\xff\xd9")
    endless = behind_start(before + scan * 100 + END, hidden)
    yield "of scans after a false end", endless, REFUSED
    spread = before + (scan + b"\xff\xd0" + hidden) * 100 + END
    yield "of scans with comments between", spread, REFUSED
    most = before + scan * (MAX_SCANS - usual + 1) + END
    yield "of the most scans allowed", most, READ
    comments = segment(0xFE, b"\xff\xda" * 1000)
    yield "of comments that resemble scans", behind_start(gradual, comments), READ
    yield "followed by bytes that resemble scans", gradual + b"\xff\xda" * 1000, READ
    flat = encoded(Image.new("L", (4000, 4000), 9), "JPEG", progressive=True)
    last = flat.rindex(b"\xff\xda")
    yield "of scans of a large image", flat[:last] + flat[last:-2] * 5000 + END, REFUSED


def _additions(whole: bytes) -> Iterator[tuple[str, bytes, frozenset[int]]]:
    profile = b"ICC_PROFILE\0"
    for name, marker, body in (
        ("an invalid profile", 0xE2, profile + b"\1\1" + b"\xff" * 200),
        ("part 5 of 2 of a profile", 0xE2, profile + b"\5\2" + bytes(99)),
        ("part 0 of 0 of a profile", 0xE2, profile + b"\0\0"),
        ("an empty profile", 0xE2, profile),
        ("a profile of CMYK", 0xE2, profile + b"\1\1" + bytes(16) + b"CMYKLab " + bytes(104)),
        ("an invalid MPF index", 0xE2, b"MPF\0II*\0\xff\xff\xff\xff"),
        ("an empty MPF index", 0xE2, b"MPF\0"),
        ("half a JFIF header", 0xE0, b"JFIF\0"),
        ("a density of zero", 0xE0, b"JFIF\0\1\2\1" + bytes(6)),
        ("a missing preview", 0xE0, b"JFIF\0\1\2\0\0\1\0\1\xff\xff"),
        ("Photoshop's data cut short", 0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0\x7f\xff\xff\xff"),
        ("Photoshop's resolution cut short", 0xED, b"Photoshop 3.0\x008BIM\x03\xed\0\0\0\0\0\2ab"),
        ("XMP without an end", 0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta"),
        ("XMP that is no text", 0xE1, b"http://ns.adobe.com/xap/1.0/\0" + b"\xff" * 300),
        ("XMP of entities", 0xE1, b'http://ns.adobe.com/xap/1.0/\0<!DOCTYPE a [<!ENTITY b "c">]>'),
        ("an orientation of 99 in XMP", 0xE1, b'http://ns.adobe.com/xap/1.0/\0tiff:Orientation="9'),
        ("a page in its comment", 0xFE, b"<html><script>alert(1)</script></html>"),
        ("an empty comment", 0xFE, b""),
        ("a comment of zeros", 0xFE, bytes(60_000)),
        ("an unknown segment", 0xEF, b"?" * 500),
    ):
        yield f"with {name}", behind_start(whole, segment(marker, body)), READ_OR_REFUSED
    for name, part in (
        ("empty segments", b"\xff\xe5\0\2"),
        ("restarts", b"\xff\xd0"),
        ("fill bytes", b"\xff"),
        ("comments", b"\xff\xfe\0\2"),
    ):
        flood = behind_start(whole, part * (MAX_SEGMENTS + 1))
        yield f"of too many {name}", flood, REFUSED


def _colours(whole: bytes) -> Iterator[tuple[str, bytes, frozenset[int]]]:
    colours = scene()
    yield "of mode L", encoded(colours.convert("L"), "JPEG"), READ
    yield "of mode CMYK", encoded(colours.convert("CMYK"), "JPEG"), READ
    for transform in (0, 1, 2, 255):
        adobe = segment(0xEE, b"Adobe\0\x64\0\0\0\0" + bytes([transform]))
        for mode in ("L", "RGB", "CMYK"):
            plain = encoded(colours.convert(mode), "JPEG")
            name = f"of mode {mode} and Adobe's transform {transform}"
            yield name, behind_start(plain, adobe), READ_OR_REFUSED
    yield "with half of Adobe's marker", behind_start(whole, segment(0xEE, b"Adobe\0")), ANY_ANSWER
