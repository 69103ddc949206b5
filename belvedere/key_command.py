"""Command of the API keys: create, list and remove."""

import sys
from typing import TYPE_CHECKING

import click

from belvedere.commands import Given

if TYPE_CHECKING:
    from service.keys import Role

ROLES = ("read", "label", "write", "admin")
"""Roles of a key, each with the rights of those before it."""


def key(
    given: Given, name: str | None, role: "Role | None", listed: bool, remove: str | None
) -> None:
    """Create an API key and print it, once; list or remove keys.

    The file of keys holds hashes alone. A running service reads it again when it changes.
    """
    from service.keys import add_key, read_keys, remove_key
    from service.settings import KeySettings

    path = KeySettings.from_environment(**given).keys_file
    if sum((name is not None, listed, remove is not None)) != 1:
        raise click.UsageError("Give the NAME of a new key, --list, or --remove NAME.")
    if name is not None and role is None:
        raise click.UsageError(f"Give the key a role: --role {'|'.join(ROLES)}.")
    if name is not None and role is not None:
        _print(add_key(path, name, role))
    elif remove is not None:
        remove_key(path, remove)
        _print(f"Removed the key {remove} of {path}.")
    else:
        for each in read_keys(path):
            _print(f"{each.role:5}  {each.name}")


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
