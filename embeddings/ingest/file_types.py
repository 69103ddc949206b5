"""File type detection by magic bytes; file names are not trusted."""

from pathlib import PurePosixPath

HEAD = 64
"""Number of bytes that `find_format` needs."""

_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jif", ".jfif", ".jfi", ".png", ".webp", ".avif"}
    | {".heic", ".heif", ".hif"}
)

_MAGIC = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
}
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIC_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
)


def find_format(head: bytes) -> str | None:
    """Return the name of the image format of a file that starts with these bytes.

    None if the bytes match no known format.
    """
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[4:8] == b"ftyp":
        return _find_brand(head)
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)


def _find_brand(head: bytes) -> str | None:
    """Return the format that the brands of an ISO media file name.

    The major brand can be one of all such images, "mif1"; a compatible brand then tells the codec.
    """
    major = head[8:12]
    if major in _AVIF_BRANDS:
        return "AVIF"
    if major not in _HEIC_BRANDS:
        return None
    end = min(int.from_bytes(head[:4], "big"), len(head))
    compatible = {head[start : start + 4] for start in range(16, end, 4)}
    named = {major, *compatible} - {b"mif1", b"msf1"}
    return "AVIF" if named & _AVIF_BRANDS and not named & _HEIC_BRANDS else "HEIC"


def is_named_as_image(path: PurePosixPath) -> bool:
    """Return whether the name has the extension of a format that ingest reads."""
    return path.suffix.lower() in _SUFFIXES


def without_suffix(path: PurePosixPath) -> PurePosixPath:
    """Return the path without the extension of an image file; other extensions are kept."""
    return path.with_suffix("") if is_named_as_image(path) else path
