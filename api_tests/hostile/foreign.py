"""Files that are not images, or contain several files at once."""

import io
import pickle
import zipfile
from collections.abc import Iterator

import numpy as np
from PIL import Image

from api_tests.hostile.case import READ, READ_OR_REFUSED, REFUSED, Hostile, encoded, named, scene
from api_tests.hostile.jpeg import behind_start, segment
from api_tests.hostile.png import SIGNATURE

_MAGIC = {
    "JPEG": b"\xff\xd8\xff\xe0",
    "JPEG with EXIF": b"\xff\xd8\xff\xe1",
    "PNG": SIGNATURE,
    "WebP": b"RIFF\xff\xff\0\0WEBPVP8 ",
    "lossless WebP": b"RIFF\xff\xff\0\0WEBPVP8L",
    "GIF": b"GIF89a",
    "BMP": b"BM",
    "TIFF": b"II*\0",
    "other TIFF": b"MM\0*",
    "BigTIFF": b"II+\0",
    "Photoshop": b"8BPS\0\1",
    "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n",
    "icon": b"\0\0\1\0",
    "JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n",
    "JPEG 2000 stream": b"\xff\x4f\xff\x51",
    "AVIF": b"\0\0\0\x20ftypavif",
    "HEIC": b"\0\0\0\x20ftypheic",
    "JPEG XL": b"\xff\x0a",
    "PPM": b"P6\n16 16\n255\n",
    "FITS": b"SIMPLE  =                    T",
    "DDS": b"DDS ",
    "QOI": b"qoif",
    "PDF": b"%PDF-1.7\n",
    "ZIP": b"PK\3\4",
    "gzip": b"\x1f\x8b\x08",
    "HDF5": b"\x89HDF\r\n\x1a\n",
    "NumPy": b"\x93NUMPY\1\0",
    "program": b"\x7fELF\2\1\1",
}


class _Hostile:
    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return exec, ("raise SystemExit('the pickle was loaded')",)


def cases() -> Iterator[Hostile]:
    """Yield files that are not images, or contain more than one image."""
    rng = np.random.default_rng(6)
    for name, magic in _MAGIC.items():
        for length in (0, 400, 20_000):
            noise = magic + rng.bytes(length)
            yield Hostile(f"{name} mark and {length} bytes of noise", noise, REFUSED)
    yield from named("a", _documents())
    yield from named("a", _other_images())
    yield from named("a", _animations())
    yield from named("a", _two_in_one())


def _documents() -> Iterator[tuple[str, bytes, frozenset[int]]]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr(zipfile.ZipInfo("../../escaped.jpg"), encoded(scene(), "JPEG"))
    yield "zip with an image", archive.getvalue(), REFUSED
    yield "pickle", pickle.dumps(_Hostile()), REFUSED
    yield "page", b"<!doctype html><script>alert(1)</script>", REFUSED
    yield "vector image", b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>", REFUSED
    yield (
        "reference",
        b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///x'>]>",
        REFUSED,
    )
    yield "script", b"#!/bin/sh\nexit 1\n", REFUSED
    yield (
        "command of ImageMagick",
        b"push graphic-context\nimage over 0,0 0,0 'https://x/'",
        REFUSED,
    )
    yield "address", b"https://127.0.0.1/photograph.jpg", REFUSED
    yield "path", b"/etc/passwd", REFUSED
    yield "zero byte", b"\0", REFUSED
    yield "line feed", b"\n", REFUSED
    yield "megabyte of zeros", bytes(2**20), REFUSED


def _other_images() -> Iterator[tuple[str, bytes, frozenset[int]]]:
    for kind in ("BMP", "GIF", "ICO", "PPM", "TGA", "TIFF", "PCX", "EPS", "DDS", "SGI"):
        yield f"valid {kind} file", encoded(scene(32, 32), kind), REFUSED
    tiff = encoded(scene(), "TIFF", compression="jpeg")
    yield "TIFF of JPEG", tiff, REFUSED


def _animations() -> Iterator[tuple[str, bytes, frozenset[int]]]:
    frames = [scene().rotate(angle) for angle in (90, 180)]
    for kind in ("GIF", "PNG", "WEBP"):
        whole = encoded(scene(), kind, save_all=True, append_images=frames)
        yield f"animated {kind}", whole, REFUSED
        yield f"animated {kind} cut short", whole[: len(whole) * 2 // 3], REFUSED
    several = encoded(scene(), "MPO", save_all=True, append_images=frames)
    yield "image with previews", several, READ
    yield "image with half of its previews", several[: len(several) * 2 // 3], READ_OR_REFUSED


def _two_in_one() -> Iterator[tuple[str, bytes, frozenset[int]]]:
    jpeg, png = encoded(scene(), "JPEG"), encoded(scene(), "PNG")
    gif, webp = encoded(scene(), "GIF"), encoded(scene(), "WEBP")
    yield "GIF followed by a JPEG", gif + jpeg, REFUSED
    yield "JPEG followed by a GIF", jpeg + gif, READ
    yield "JPEG followed by a program", jpeg + b"\x7fELF" + bytes(999), READ
    yield "JPEG followed by a zip", jpeg + b"PK\5\6" + bytes(18), READ
    yield "JPEG that is a page", behind_start(jpeg, segment(0xFE, b"*/</script><h1>*/")), READ
    yield "JPEG that is a GIF", b"GIF89a/*" + jpeg, REFUSED
    yield "JPEG after an empty line", b"\n" + jpeg, REFUSED
    yield "PNG followed by a JPEG", png + jpeg, READ
    yield "WebP followed by a PNG", webp + png, READ_OR_REFUSED
    yield "PNG with the mark of JPEG", b"\xff\xd8\xff" + png[3:], REFUSED
    yield "JPEG with the mark of PNG", SIGNATURE + jpeg, REFUSED
    yield "JPEG in base64", b"data:image/jpeg;base64,/9j/4AAQSkZJRgABAQ==", REFUSED
    half = Image.new("RGB", (64, 64))
    yield "JPEG in UTF-16", encoded(half, "JPEG").decode("latin-1").encode("utf-16"), REFUSED
