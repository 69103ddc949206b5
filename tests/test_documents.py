"""Documents: links resolve, named paths exist, and ARCHITECTURE.md lists every module."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ARCHITECTURE = ROOT / "ARCHITECTURE.md"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
WITH_PATHS = [ARCHITECTURE, ROOT / "CONTRIBUTING.md", ROOT / "README.md"]

PACKAGES = ("belvedere", "embeddings", "training", "service")
LISTED_AS_FOLDER = ("training/scenes", "service/report/figures")

_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\s]+)`")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_ENTRY = re.compile(r"^( *)((?:[\w.-]+/)*[\w.-]+/?)(?:, [\w/, ]+)?  +\S")


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _prose(path: Path) -> str:
    return _FENCED.sub("", path.read_text("utf-8"))


def _anchors(path: Path) -> set[str]:
    headings = _HEADING.findall(_prose(path))
    return {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_every_link_to_a_file_resolves(document: Path) -> None:
    for target in _LINK.findall(_prose(document)):
        if "://" in target or target.startswith("mailto:"):
            continue
        name, _, anchor = target.partition("#")
        file = document.parent / name if name else document
        assert file.exists(), target
        if anchor:
            assert anchor in _anchors(file), target


@pytest.mark.parametrize("document", WITH_PATHS, ids=_name)
def test_every_path_in_backticks_exists(document: Path) -> None:
    roots = {path.name for path in ROOT.iterdir()} - {"build", "var"}
    for name in _CODE.findall(_prose(document)):
        is_path = "/" in name and name.split("/")[0] in roots
        if (is_path or name.endswith((".py", ".md"))) and not re.search(r"[<>*=…]", name):
            assert (ROOT / name).exists(), name


def _tree() -> Iterator[str]:
    """Yield every path of the tree of files in ARCHITECTURE.md; folders end with a slash."""
    listing = ARCHITECTURE.read_text("utf-8").partition("## Files")[2]
    folders: list[str] = []
    for line in listing.splitlines():
        if entry := _ENTRY.match(line):
            spaces, name = entry.groups()
            folders = folders[: len(spaces) // 2]
            yield "".join([*folders, name])
            if name.endswith("/"):
                folders.append(name)


def _modules() -> Iterator[str]:
    for package in PACKAGES:
        for pattern in ("*.py", "js/**/*.js"):
            for path in (ROOT / package).rglob(pattern):
                if path.name != "__init__.py" and not _name(path).startswith(LISTED_AS_FOLDER):
                    yield _name(path)


def test_the_architecture_lists_every_module() -> None:
    listed = {path for path in _tree() if path.endswith((".py", ".js"))}
    modules = set(_modules())
    assert listed <= modules, listed - modules
    missing = {path for path in modules - listed if not path.endswith("__main__.py")}
    assert not missing, missing


def test_the_architecture_lists_every_folder() -> None:
    folders = {
        f"{_name(path.parent)}/"
        for package in PACKAGES
        for kind in ("*.py", "js/**/*.js")
        for path in (ROOT / package).rglob(kind)
    }
    listed = set(_tree())
    assert folders <= listed, folders - listed
    assert all((ROOT / path).exists() for path in listed)


def test_the_glossary_names_code_that_exists() -> None:
    glossary = _prose(ROOT / "docs" / "glossary.md")
    named = re.findall(r"`([\w.]+)` in `([^`]+)`", glossary)
    assert len(named) > 40
    for symbol, path in named:
        code = (ROOT / path).read_text("utf-8")
        assert re.search(rf"\b{symbol.rpartition('.')[2]}\b", code), (symbol, path)
    for path in re.findall(r"`([\w/]+/[\w.]*)`", glossary):
        assert (ROOT / path).exists(), path


def test_the_tests_named_by_the_security_page_exist() -> None:
    named = set(re.findall(r"`(test_\w+\.py)`", (ROOT / "docs" / "security.md").read_text("utf-8")))
    tests = {path.name for name in ("tests", "api_tests") for path in (ROOT / name).rglob("*.py")}
    assert named
    assert named <= tests, named - tests
