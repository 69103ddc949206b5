"""File type detection by magic bytes; file names are not trusted."""

from pathlib import PurePosixPath

HEAD = 32
"""Number of bytes that `is_readable` and `other_format` need."""

_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jif", ".jfif", ".jfi", ".png", ".webp"})

_OTHERS = {
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
}
_BRANDS = {b"avif": "AVIF", b"avis": "AVIF"} | dict.fromkeys(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), "HEIC"
)


def is_readable(head: bytes) -> bool:
    """Return whether a file that starts with these bytes is a JPEG, PNG or WebP file."""
    webp = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    return webp or head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"))


def other_format(head: bytes) -> str | None:
    """Return the name of an unsupported image format; None if the bytes match no known format."""
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12])
    return next((name for magic, name in _OTHERS.items() if head.startswith(magic)), None)


def is_named_as_image(path: PurePosixPath) -> bool:
    """Return whether the name has the extension of a JPEG, PNG or WebP file."""
    return path.suffix.lower() in _SUFFIXES


def without_suffix(path: PurePosixPath) -> PurePosixPath:
    """Return the path without the extension of an image file; other extensions are kept."""
    return path.with_suffix("") if is_named_as_image(path) else path
