"""Command-line options, one for each field of the settings."""

import types
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin

import click
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

_MEBIBYTE = 1024 * 1024


def variable(settings: type[BaseSettings], name: str) -> str:
    """Return the environment variable of a setting."""
    return f"{settings.model_config['env_prefix']}{name}".upper()


def options_of(*groups: type[BaseSettings]) -> list[click.Parameter]:
    """Return an option for each setting of these classes, those of the first class first.

    Values stay text: the settings themselves validate them, so that a wrong value is answered with
    the same sentence wherever it was given.
    """
    options: dict[str, click.Parameter] = {}
    for settings in groups:
        for name, field in settings.model_fields.items():
            options.setdefault(name, _option(settings, name, field))
    return list(options.values())


def default_of(field: FieldInfo) -> str:
    """Return the default of a setting as text; empty if its description states it."""
    default = field.default
    if field.default_factory is not None or default in (None, "", ()):
        return ""
    if isinstance(default, bool):
        return str(int(default))
    if isinstance(default, int) and default and default % _MEBIBYTE == 0:
        return f"{default} ({default // _MEBIBYTE} MiB)"
    return f"{default:g}" if isinstance(default, float) else str(default)


def is_secret(field: FieldInfo) -> bool:
    """Return True if the value of a setting must not be shown."""
    return SecretStr in _types(field.annotation)


def _option(settings: type[BaseSettings], name: str, field: FieldInfo) -> click.Option:
    flag = f"--{name.replace('_', '-')}"
    shown = [variable(settings, name)]
    if default := default_of(field):
        shown.append(f"default: {default}")
    text = f"{field.description} [{'; '.join(shown)}]"
    if bool in _types(field.annotation):
        return click.Option([f"{flag}/--no-{flag[2:]}"], default=None, help=text)
    return click.Option([flag], metavar=_metavar(field), help=text)


def _metavar(field: FieldInfo) -> str:
    kinds = list(_types(field.annotation))
    choices = [str(kind) for kind in kinds if isinstance(kind, str)]
    if choices:
        return f"[{'|'.join(choices)}]"
    names = {int: "INTEGER", float: "NUMBER"}
    return next((names[kind] for kind in kinds if kind in names), "TEXT")


def _types(annotation: Any) -> Iterator[Any]:
    """Yield the types in an annotation, and the values of its literals."""
    if get_origin(annotation) in (Union, types.UnionType, Literal):
        for each in get_args(annotation):
            yield from _types(each)
    else:
        yield annotation
