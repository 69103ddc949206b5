"""Docstrings: every module has one, and each begins with a verb or a noun phrase."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("belvedere", "benchmarks", "embeddings", "service", "training")
MODULES = sorted(path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))

_OPENING = re.compile(r"(what|which|who|whose|where|when|why|how|whether)\b", re.IGNORECASE)


def _docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and text of every docstring: of modules, classes, functions and attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            text = node.value.value
            if isinstance(text, str):
                yield node.lineno, text.strip()


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_docstrings_begin_with_a_verb_or_a_noun(module: Path) -> None:
    tree = ast.parse(module.read_text("utf-8"))
    assert ast.get_docstring(tree), "the module has no docstring"
    wrong = [f"{line}: {text}" for line, text in _docstrings(tree) if _OPENING.match(text)]
    assert not wrong, "\n".join(wrong)
