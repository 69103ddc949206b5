"""Location-free copies of JPEG files: metadata removed, the picture kept bit for bit."""

import re
import struct
from collections.abc import Iterator

from embeddings.images import exif_orientation

_START, _END = b"\xff\xd8", b"\xff\xd9"
_END_CODE, _SCAN = 0xD9, 0xDA
_JFIF, _EXIF, _PROFILE, _ADOBE = 0xE0, 0xE1, 0xE2, 0xEE
_ORIENTATION = 0x0112

# Patterns that begin with a literal are searched for many times faster.
_NEXT = re.compile(rb"\xff[^\x00\xff]")
_BEHIND_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")

_PICTURE = frozenset({*range(0xC0, 0xD0), *range(0xDA, 0xDE)} - {0xC8})
"""Segments that decoding needs: frames, scans, tables, restart intervals, numbers of lines."""
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})
_METADATA = frozenset({*range(0xE0, 0xF0), 0xFE})
"""Application segments and comments."""

_JFIF_LENGTH, _ADOBE_LENGTH = 14, 12


def remove_metadata(jpeg: bytes) -> bytes:
    """Return a JPEG file of the same picture without metadata that can hold a location.

    Removed are EXIF, XMP, IPTC, comments, previews, unknown application segments and everything
    behind the picture's end. JFIF, the colour profile, Adobe's colour transform and the orientation
    stay, and so does every byte of the compressed picture. Raises `ImageRejected` if the file is no
    image.
    """
    return b"".join(_parts(jpeg, exif_orientation(jpeg)))


def _parts(jpeg: bytes, orientation: int) -> Iterator[bytes]:
    yield _START
    declared = _exif(orientation)
    position = len(_START)
    # Decoders skip bytes before a marker as well.
    while (marker := _NEXT.search(jpeg, position)) and (code := marker[0][1]) != _END_CODE:
        position = marker.end()
        if code in _WITHOUT_LENGTH:
            continue
        if code not in _PICTURE | _METADATA:
            # Decoders go no further.
            break
        begin = marker.end() + 2
        position = marker.end() + max(2, int.from_bytes(jpeg[marker.end() : begin], "big"))
        # JFIF asks for the first place.
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
    """The segment as far as it describes colours and density alone; empty otherwise."""
    if code == _JFIF and content.startswith(b"JFIF\0") and len(content) >= _JFIF_LENGTH:
        # The last two bytes are the size of a preview, which is left out.
        return _segment(code, content[: _JFIF_LENGTH - 2] + bytes(2))
    if code == _PROFILE and content.startswith(b"ICC_PROFILE\0"):
        return _segment(code, content)
    if code == _ADOBE and content.startswith(b"Adobe") and len(content) >= _ADOBE_LENGTH:
        return _segment(code, content[:_ADOBE_LENGTH])
    return b""


def _exif(orientation: int) -> bytes:
    """An EXIF segment that declares the orientation and nothing else; empty for 1."""
    if orientation == 1:
        return b""
    entry = struct.pack(">HHIHH", _ORIENTATION, 3, 1, orientation, 0)
    return _segment(_EXIF, b"Exif\0\0" + struct.pack(">2sHIH", b"MM", 42, 8, 1) + entry + bytes(4))


def _segment(code: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, code, len(content) + 2) + content
