"""Pytest plugin that refuses to import training: `-p tests.without_training`."""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

_REFUSED = {"keras", "nncf", "tensorflow", "training"}


class _Refusal:
    """Import finder that raises for packages of training and leaves the others to the next one."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name.partition(".")[0] in _REFUSED:
            raise ImportError(f"Tests of the service must not import {name}.")
        return None


sys.meta_path.insert(0, _Refusal)
