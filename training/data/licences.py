"""Licence lists: photographer, title and licence of each image."""

import json
from pathlib import Path
from typing import Any

from embeddings.file_names import file_name, to_nfc
from embeddings.ingest.draft import Licence
from training.errors import DataError

_SUFFIX = "_photos_info.json"

Licences = dict[tuple[str, str], Licence]
"""Licences by class and file name, both in Unicode form NFC."""


def read_licences(folder: Path | None) -> Licences:
    """Read every `<class>_photos_info.json` of a folder. Raises `DataError` for an invalid list."""
    if folder is None:
        return {}
    if not folder.is_dir():
        raise DataError(
            f"{folder} is not a folder; set BELVEDERE_LICENSES to the folder of the licence lists."
        )
    found: Licences = {}
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        label = file_name(path.name).removesuffix(_SUFFIX)
        try:
            entries = json.loads(path.read_bytes())
            found |= {(label, to_nfc(name)): _licence(entry) for name, entry in entries.items()}
        except (ValueError, AttributeError) as error:
            raise DataError(
                f"{path} is not a licence list ({error}); download it again."
            ) from error
    return found


def _licence(entry: dict[str, Any]) -> Licence:
    def text(key: str) -> str | None:
        value = entry.get(key)
        return str(value) if value not in (None, "") else None

    return Licence(
        title=text("title"),
        photographer=text("owner"),
        photographer_id=text("owner_id"),
        licence=text("license"),
        source=text("url"),
    )
