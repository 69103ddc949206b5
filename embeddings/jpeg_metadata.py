"""Removal of metadata from JPEG files; the compressed image data stay bit-identical."""

import re
import struct
from collections.abc import Iterator

from embeddings.images import exif_orientation

_START, _END = b"\xff\xd8", b"\xff\xd9"
_END_CODE, _SCAN = 0xD9, 0xDA
_JFIF, _EXIF, _PROFILE, _ADOBE = 0xE0, 0xE1, 0xE2, 0xEE
_ORIENTATION = 0x0112

# `re` searches much faster for a pattern that begins with a literal.
_NEXT = re.compile(rb"\xff[^\x00\xff]")
_BEHIND_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")

_PICTURE = frozenset({*range(0xC0, 0xD0), *range(0xDA, 0xDE)} - {0xC8})
"""Segments required for decoding: frames, scans, tables, restart intervals, line counts."""
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})
_METADATA = frozenset({*range(0xE0, 0xF0), 0xFE})
"""Application segments and comments."""

_JFIF_LENGTH, _ADOBE_LENGTH = 14, 12


def remove_metadata(jpeg: bytes) -> bytes:
    """Return a copy of a JPEG file without metadata that can contain a location.

    Removes EXIF, XMP, IPTC, comments, previews, unknown application segments and all bytes after
    the end of the image. Keeps JFIF, the colour profile, Adobe's colour transform, the orientation
    and every byte of the compressed image data. Raises `ImageRejected` if the file is not an
    image.
    """
    return b"".join(_parts(jpeg, exif_orientation(jpeg)))


def _parts(jpeg: bytes, orientation: int) -> Iterator[bytes]:
    yield _START
    declared = _exif(orientation)
    position = len(_START)
    # Decoders also skip bytes before a marker.
    while (marker := _NEXT.search(jpeg, position)) and (code := marker[0][1]) != _END_CODE:
        position = marker.end()
        if code in _WITHOUT_LENGTH:
            continue
        if code not in _PICTURE | _METADATA:
            # Decoders stop here.
            break
        begin = marker.end() + 2
        position = marker.end() + max(2, int.from_bytes(jpeg[marker.end() : begin], "big"))
        # The JFIF segment must come first.
        if code != _JFIF:
            yield declared
            declared = b""
        if code in _PICTURE:
            yield jpeg[marker.start() : position]
        else:
            yield _harmless(code, jpeg[begin:position])
        if code == _SCAN:
            behind = _BEHIND_SCAN.search(jpeg, position)
            end = len(jpeg) if behind is None else behind.start()
            yield jpeg[position:end]
            position = end
    yield _END


def _harmless(code: int, content: bytes) -> bytes:
    """Return the parts of a segment that describe colours and density only, otherwise b""."""
    if code == _JFIF and content.startswith(b"JFIF\0") and len(content) >= _JFIF_LENGTH:
        # The last two bytes are the size of the preview, which is removed.
        return _segment(code, content[: _JFIF_LENGTH - 2] + bytes(2))
    if code == _PROFILE and content.startswith(b"ICC_PROFILE\0"):
        return _segment(code, content)
    if code == _ADOBE and content.startswith(b"Adobe") and len(content) >= _ADOBE_LENGTH:
        return _segment(code, content[:_ADOBE_LENGTH])
    return b""


def _exif(orientation: int) -> bytes:
    """Return an EXIF segment that contains only the orientation; b"" for orientation 1."""
    if orientation == 1:
        return b""
    entry = struct.pack(">HHIHH", _ORIENTATION, 3, 1, orientation, 0)
    return _segment(_EXIF, b"Exif\0\0" + struct.pack(">2sHIH", b"MM", 42, 8, 1) + entry + bytes(4))


def _segment(code: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, code, len(content) + 2) + content
