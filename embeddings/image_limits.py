"""Limits on chunks, segments and scans of image files, which decoders do not limit."""

import re

MAX_SEGMENTS = 20_000
"""Chunks of a PNG file, or marker segments and fill bytes ahead of a JPEG file's first scan."""
MAX_SCANS = 32
"""Scans of a JPEG file; encoders write up to 18."""

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_JPEG_SIGNATURE = b"\xff\xd8\xff"

_SCAN = b"\xff\xda"
_END = b"\xff\xd9"
_MARKER = re.compile(rb"\xff[^\x00\xff]")
# Restart markers, start of image, end of image, and a reserved marker.
_WITHOUT_LENGTH = {bytes((0xFF, code)) for code in (0x01, *range(0xD0, 0xDA))}


def has_too_many_segments(data: bytes) -> bool:
    """Return True if the structure of a file alone would make decoding slow.

    Twenty megabytes can contain millions of empty chunks or segments, each parsed by the decoder,
    or thousands of scans, each of which updates every pixel.
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
        # Length, type, data and checksum.
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
    # Counting is cheap; only files with many matches are parsed segment by segment.
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
    """Return the position after the segment of a marker."""
    end = marker.end()
    if marker[0] in _WITHOUT_LENGTH:
        return end
    return end + max(2, int.from_bytes(data[end : end + 2], "big"))
