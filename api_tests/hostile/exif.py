"""Valid images with malformed EXIF blocks, which must be decoded."""

import struct
from collections.abc import Iterator

from api_tests.hostile.case import READ, READ_OR_REFUSED, Hostile, encoded, scene
from api_tests.hostile.jpeg import behind_start, segment

_ORIENTATION = 0x0112
_BYTE, _TEXT, _SHORT, _LONG, _RATIO, _DOUBLE = 1, 2, 3, 4, 5, 12

Entry = tuple[int, int, int, bytes]


def tiff(
    *entries: Entry, following: int = 0, claimed: int | None = None, order: str = "<"
) -> bytes:
    """Return a TIFF block with one directory of entries: tag, type, count, four bytes."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    count = len(entries) if claimed is None else claimed
    block = mark + struct.pack(f"{order}IH", 8, count & 0xFFFF)
    for tag, kind, number, value in entries:
        block += struct.pack(f"{order}HHI", tag, kind, number) + value.ljust(4, b"\0")[:4]
    return block + struct.pack(f"{order}I", following)


def _orientations() -> Iterator[tuple[str, bytes]]:
    for value in (0, 9, 255, 65535):
        yield f"orientation {value}", tiff((_ORIENTATION, _SHORT, 1, struct.pack("<H", value)))
    yield "orientation of type text", tiff((_ORIENTATION, _TEXT, 4, b"six\0"))
    yield "orientation of type byte", tiff((_ORIENTATION, _BYTE, 1, b"\3"))
    yield "orientation of type long", tiff((_ORIENTATION, _LONG, 1, struct.pack("<I", 2**31)))
    yield "orientation of an unknown type", tiff((_ORIENTATION, 99, 1, b"\6"))
    yield "orientation of type 0", tiff((_ORIENTATION, 0, 1, b"\6"))
    yield "two orientations in one", tiff((_ORIENTATION, _SHORT, 2, b"\6\0\3\0"))
    yield "no orientation at all", tiff((_ORIENTATION, _SHORT, 0, b""))
    yield "a million orientations", tiff((_ORIENTATION, _SHORT, 10**6, struct.pack("<I", 8)))
    yield "orientation as a ratio by zero", tiff((_ORIENTATION, _RATIO, 1, struct.pack("<I", 0)))
    yield "orientation at a distant offset", tiff((_ORIENTATION, _DOUBLE, 1, b"\xff\xff\xff\x7f"))
    once = (_ORIENTATION, _SHORT, 1, b"\6")
    yield "orientation given twice", tiff(once, (_ORIENTATION, _SHORT, 1, b"\x08"))
    yield "orientation 6 and a broken entry", tiff(once, (0x8769, _LONG, 1, b"\xff\xff\xff\x7f"))
    yield (
        "orientation 6 and numbers out of place",
        tiff(
            once,
            (0x011A, _RATIO, 1, b"\xff\xff\0\0"),
            (0x0100, _TEXT, 2**31, b"\x08"),
            (3, 7, 4, b"ab"),
        ),
    )
    yield "orientation 6 in the other order", tiff((_ORIENTATION, _SHORT, 1, b"\0\6"), order=">")


def _directories() -> Iterator[tuple[str, bytes]]:
    yield "nothing", b""
    yield "noise", bytes(range(256))
    yield "an unknown byte order", b"XX*\0" + bytes(30)
    yield "a directory followed by itself", tiff(following=8)
    yield "a directory in itself", tiff((0x8769, _LONG, 1, struct.pack("<I", 8)))
    yield "GPS in itself", tiff((0x8825, _LONG, 1, struct.pack("<I", 8)))
    yield "65535 missing entries", tiff(claimed=65535)
    yield "65535 entries", tiff(*[(0x9000, _SHORT, 1, b"\1")] * 5000, claimed=65535)
    yield "a count without end", tiff((0x010E, _TEXT, 2**32 - 1, struct.pack("<I", 8)))
    yield "numbers without end", tiff((0x0111, _LONG, 2**30, struct.pack("<I", 8)))
    yield "a directory beyond the file", b"II*\0" + struct.pack("<I", 2**31)
    yield "a directory before the file", b"II*\0" + bytes(4)
    yield "half a header", b"II*"
    yield "BigTIFF", b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 2**62)


def cases() -> Iterator[Hostile]:
    """Yield each malformed EXIF block in a JPEG file, and those of orientations in PNG and WebP."""
    whole = encoded(scene(), "JPEG", quality=90)
    for name, block in (*_orientations(), *_directories()):
        exif = b"Exif\0\0" + block
        yield Hostile(f"JPEG with EXIF: {name}", behind_start(whole, segment(0xE1, exif)), READ)
    for name, block in _orientations():
        # A writer may omit the block; the file that it writes must be decoded.
        for kind in ("PNG", "WEBP"):
            yield Hostile(f"{kind} with EXIF: {name}", encoded(scene(), kind, exif=block), READ)
    twice = segment(0xE1, b"Exif\0\0" + tiff((_ORIENTATION, _SHORT, 1, b"\6")))
    broken = segment(0xE1, b"Exif\0\0II*\0")
    for name, blocks in (("two blocks", twice * 2), ("a broken second block", twice + broken)):
        yield Hostile(f"JPEG with EXIF: {name}", behind_start(whole, blocks), READ_OR_REFUSED)
