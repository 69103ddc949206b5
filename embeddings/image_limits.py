"""How many parts an image file is made of: what decoders spend time on and do not limit."""

import re

MAX_SEGMENTS = 20_000
"""Chunks of a PNG file, or marker segments and fill bytes ahead of a JPEG file's first scan."""
MAX_SCANS = 32
"""Passes over a JPEG file's picture; encoders write up to 18 of them."""

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_JPEG_SIGNATURE = b"\xff\xd8\xff"

_SCAN = b"\xff\xda"
_END = b"\xff\xd9"
_MARKER = re.compile(rb"\xff[^\x00\xff]")
# Restart markers, the start and the end of a picture, and one that is reserved.
_WITHOUT_LENGTH = {bytes((0xFF, code)) for code in (0x01, *range(0xD0, 0xDA))}


def has_too_many_segments(data: bytes) -> bool:
    """Whether decoding the file would take long for the number of its parts alone.

    Twenty megabytes hold millions of empty parts, each of which a decoder looks at, or as many
    scans that each pass over the whole picture.
    """
    if data.startswith(_PNG_SIGNATURE):
        return _has_too_many_chunks(data)
    if data.startswith(_JPEG_SIGNATURE):
        return _has_too_many_segments(data) or _has_too_many_scans(data)
    return False


def _has_too_many_chunks(data: bytes) -> bool:
    position = len(_PNG_SIGNATURE)
    for _ in range(MAX_SEGMENTS):
        if position >= len(data):
            return False
        # A length, a name, the content and a checksum.
        position += int.from_bytes(data[position : position + 4], "big") + 12
    return True


def _has_too_many_segments(data: bytes) -> bool:
    position = parts = 0
    while found := _MARKER.search(data, position, position + MAX_SEGMENTS):
        if found[0] == _SCAN:
            return False
        parts += found.end() - position - 1
        if parts > MAX_SEGMENTS:
            return True
        position = _behind(data, found)
    return position + MAX_SEGMENTS < len(data)


def _has_too_many_scans(data: bytes) -> bool:
    scans = position = 0
    # Counting is cheap; only what might be too much is looked at segment by segment.
    if data.count(_SCAN) <= MAX_SCANS:
        return False
    while found := _MARKER.search(data, position):
        scans += found[0] == _SCAN
        if scans > MAX_SCANS:
            return True
        if scans and found[0] == _END:
            return False
        position = _behind(data, found)
    return False


def _behind(data: bytes, marker: re.Match[bytes]) -> int:
    """Where the segment of a marker ends."""
    end = marker.end()
    if marker[0] in _WITHOUT_LENGTH:
        return end
    return end + max(2, int.from_bytes(data[end : end + 2], "big"))
