"""Effective settings, and the tables of settings in the documentation.

`python -m belvedere.configuration FILE` writes the tables into a Markdown file, between the lines
`<!-- settings -->` and `<!-- /settings -->`.
"""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from belvedere.options import default_of, is_secret, variable
from embeddings.atomic import atomic_write
from embeddings.settings import IndexSettings, PathSettings

_BLOCK = re.compile(r"(?s)(?<=<!-- settings -->\n).*?(?=<!-- /settings -->)")

Groups = tuple[type[PathSettings], ...]


def lines(groups: Groups, given: Mapping[str, object]) -> list[str]:
    """Return a line for each setting: variable, effective value and source of the value.

    A secret is shown as `set` or `unset`. Raises `SettingsError`.
    """
    rows: dict[str, tuple[str, str]] = {}
    for settings in groups:
        known = {name: value for name, value in given.items() if name in settings.model_fields}
        effective = settings.from_environment(**known)
        for name, field in settings.model_fields.items():
            value = getattr(effective, name)
            shown = "set" if is_secret(field) and value is not None else _text(value)
            rows[variable(settings, name)] = (shown, _source(settings, name, given))
    width = max(map(len, rows))
    return [f"{name:{width}}  {value}  ({source})" for name, (value, source) in rows.items()]


def settings_table(settings: type[PathSettings], without: Groups = ()) -> str:
    """Return a Markdown table of the settings, less those of the classes `without`."""
    known = {name for each in without for name in each.model_fields}
    rows = ["| variable | meaning | default |", "| --- | --- | --- |"]
    for name, field in settings.model_fields.items():
        if name not in known:
            description = (field.description or "").replace("|", "\\|")
            default = f"`{default}`" if (default := default_of(field)) else ""
            rows.append(f"| `{variable(settings, name)}` | {description} | {default} |")
    return "\n".join(rows)


def _text(value: object) -> str:
    if value is None or value in ("", ()):
        return "unset"
    if isinstance(value, bool):
        return str(int(value))
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _source(settings: type[PathSettings], name: str, given: Mapping[str, object]) -> str:
    if name in given:
        return "option"
    return "environment" if os.environ.get(variable(settings, name)) else "default"


def with_tables(text: str) -> str:
    """Return a Markdown text with the tables of all settings between its two marks.

    Raises ValueError if the text lacks the marks.
    """
    from service.settings import ServiceSettings
    from training.settings import TrainingSettings

    parts = (
        ("All commands", settings_table(PathSettings)),
        ("Vector index", settings_table(IndexSettings, (PathSettings,))),
        ("Data and training", settings_table(TrainingSettings, (IndexSettings,))),
        ("Service", settings_table(ServiceSettings, (IndexSettings,))),
    )
    block = "\n".join(f"**{title}**\n\n{table}\n" for title, table in parts)
    changed, count = _BLOCK.subn(lambda _: f"\n{block}\n", text)
    if count != 1:
        raise ValueError("The text must contain <!-- settings --> and <!-- /settings --> once.")
    return changed


if __name__ == "__main__":
    document = Path(sys.argv[1])
    atomic_write(document, with_tables(document.read_text(encoding="utf-8")))
