"""The published licence lists: who took a photograph, and under which licence."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embeddings.file_names import file_name, to_nfc
from training.errors import DataError

_SUFFIX = "_photos_info.json"


@dataclass(frozen=True)
class Licence:
    """What a list says of one photograph; None where it is silent."""

    title: str | None
    photographer: str | None
    photographer_id: str | None
    licence: str | None
    source: str | None


NO_LICENCE = Licence(None, None, None, None, None)

Licences = dict[tuple[str, str], Licence]
"""By class and file name, both in the form NFC."""


def read_licences(folder: Path | None) -> Licences:
    """Read every `<class>_photos_info.json` of a folder. Raises `DataError` for a damaged one."""
    if folder is None:
        return {}
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder; set BELVEDERE_LICENSES to the licence lists.")
    found: Licences = {}
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        label = file_name(path.name).removesuffix(_SUFFIX)
        try:
            entries = json.loads(path.read_bytes())
            found |= {(label, to_nfc(name)): _licence(entry) for name, entry in entries.items()}
        except (ValueError, AttributeError) as error:
            raise DataError(f"{path} is not a licence list ({error}); fetch it anew.") from error
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
