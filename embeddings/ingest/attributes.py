"""Date, camera and location of an image, from its EXIF data."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone

from PIL import ExifTags, Image
from pydantic import JsonValue

from embeddings.ingest.formats import find_heic_opener, ingest_formats

Attributes = dict[str, JsonValue]
"""Facts about an image, as JSON: `taken`, `camera`, `lens`, `location`."""

_FIRST_YEAR = 1826
_LONGEST_TEXT = 100
_LARGEST_OFFSET = timedelta(hours=14)

_DATES = (
    (ExifTags.Base.DateTimeOriginal, ExifTags.Base.OffsetTimeOriginal),
    (ExifTags.Base.DateTimeDigitized, ExifTags.Base.OffsetTimeDigitized),
)
_DATE = re.compile(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)", re.ASCII)
_OFFSET = re.compile(r"([+-])(\d\d):([0-5]\d)", re.ASCII)

_Tags = Mapping[int, object]


def read_attributes(content: bytes, keep_location: bool, now: datetime | None = None) -> Attributes:
    """Return the attributes in the EXIF data of an image file; {} without readable EXIF data.

    - `taken`: local time in ISO 8601, with its offset from UTC if that is known
    - `camera`: make and model
    - `lens`: model of the lens
    - `location`: [latitude, longitude] in degrees, only with `keep_location`

    Values that cannot be true or cannot be shown are left out: dates before 1826 or more than a day
    after `now` (default: the present time), control characters, texts above 100 characters, places
    outside the globe.
    """
    try:
        exif = _read_exif(content)
        details = exif.get_ifd(ExifTags.IFD.Exif)
        place = exif.get_ifd(ExifTags.IFD.GPSInfo) if keep_location else {}
    except Exception:  # broken metadata raise exceptions of many types
        return {}
    found: Attributes = {
        "taken": _taken(details, now or datetime.now(UTC)),
        "camera": _camera(exif),
        "lens": _text(details.get(ExifTags.Base.LensModel)),
        "location": _location(place),
    }
    return {name: value for name, value in found.items() if value is not None}


def _read_exif(content: bytes) -> Image.Exif:
    image = ingest_formats(find_heic_opener()).open(content)
    # The method of PNG files decodes the whole image to find EXIF data behind the pixels.
    return Image.Image.getexif(image)


def _taken(details: _Tags, now: datetime) -> str | None:
    dates = (_date(details.get(date), details.get(offset), now) for date, offset in _DATES)
    return next((date for date in dates if date is not None), None)


def _date(value: object, offset: object, now: datetime) -> str | None:
    match = _DATE.fullmatch(_text(value) or "")
    if match is None:
        return None
    day, time = "-".join(match.groups()[:3]), ":".join(match.groups()[3:])
    try:
        taken = datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=_zone(offset))
    except ValueError:
        return None
    # Local time can be up to 14 hours ahead of UTC.
    latest = now.astimezone(UTC) + timedelta(days=1)
    if taken.year < _FIRST_YEAR or taken.replace(tzinfo=taken.tzinfo or UTC) > latest:
        return None
    return taken.isoformat()


def _zone(offset: object) -> timezone | None:
    match = _OFFSET.fullmatch(_text(offset) or "")
    if match is None:
        return None
    length = timedelta(hours=int(match[2]), minutes=int(match[3]))
    if length > _LARGEST_OFFSET:
        return None
    return timezone(-length if match[1] == "-" else length)


def _camera(exif: _Tags) -> str | None:
    make, model = _text(exif.get(ExifTags.Base.Make)), _text(exif.get(ExifTags.Base.Model))
    if make is None or model is None:
        return model or make
    # "NIKON CORPORATION" makes the "NIKON D90".
    named = model.split()[0].casefold() == make.split()[0].casefold()
    return model if named else f"{make} {model}"


def _text(value: object) -> str | None:
    """Return a text that can be shown in one line; None for anything else."""
    if not isinstance(value, str):
        return None
    text = value.strip("\0 ")
    return text if text.isprintable() and 0 < len(text) <= _LONGEST_TEXT else None


def _location(place: _Tags) -> list[JsonValue] | None:
    tags = ExifTags.GPS
    latitude = _degrees(place.get(tags.GPSLatitude), place.get(tags.GPSLatitudeRef), "NS", 90)
    longitude = _degrees(place.get(tags.GPSLongitude), place.get(tags.GPSLongitudeRef), "EW", 180)
    if latitude is None or longitude is None:
        return None
    # Devices without a position write zeros.
    return [latitude, longitude] if latitude or longitude else None


def _degrees(value: object, direction: object, directions: str, limit: int) -> float | None:
    """Return degrees, minutes and seconds as degrees, negative in the second direction."""
    if not isinstance(value, tuple) or not isinstance(direction, str):
        return None
    try:
        whole, minutes, seconds = (float(part) for part in value)
    except (TypeError, ValueError, ArithmeticError):
        return None
    degrees = whole + minutes / 60 + seconds / 3600
    sides = {directions[0]: 1.0, directions[1]: -1.0}
    sign = sides.get(direction.strip("\0 ").upper())
    if sign is None or min(whole, minutes, seconds) < 0:
        return None
    # Not a number is not below the limit.
    return sign * round(degrees, 6) + 0.0 if degrees <= limit else None
