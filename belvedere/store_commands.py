"""Commands on the feature store: dataset versions, deletion and labels."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

from belvedere.commands import Given, console
from embeddings.user import user_name

if TYPE_CHECKING:
    from embeddings.store.store import Store
    from training.erasing import Erasure

_STANDARD_INPUT = "-"

# Heavy libraries are imported by the command that needs them; none of these loads TensorFlow.


def versions(given: Given, as_json: bool) -> None:
    """List the dataset versions with their tags."""
    found = _store(given).versions()
    if as_json:
        _write_json([each.model_dump(mode="json") for each in found])
        return
    from belvedere.tables import show_versions

    show_versions(found, console())


def tag(given: Given, name: str, version: str | None, remove: bool) -> None:
    """Give a name to a dataset version, which is then kept until the name is deleted."""
    from embeddings.store.tables import StoreError
    from embeddings.store.versions import check_tag_name

    check_tag_name(name)
    with _naming(given) as store:
        known = store.tags()
        if remove:
            if name not in known:
                raise StoreError(
                    f"There is no dataset version {name!r}; `belvedere versions` lists those that "
                    "exist."
                )
            store.untag(name)
            _print(f"Deleted the name {name} of revision {known[name]}.")
            return
        revision = store.at(version).revision
        if known.get(name, revision) != revision:
            raise StoreError(
                f"{name!r} is the name of revision {known[name]}; choose another name, or run "
                f"`belvedere tag --delete {name}` first."
            )
        store.tag(name, revision)
        _print(f"Revision {revision} is {name}.")


def diff(given: Given, before: str, after: str, as_json: bool) -> None:
    """Show the difference between two dataset versions, given by tag or revision."""
    found = _store(given).difference(before, after)
    if as_json:
        _write_json(found.model_dump(mode="json"))
        return
    from belvedere.tables import show_difference

    show_difference(found, console())


def delete(given: Given, ids: Sequence[str]) -> None:
    """Mark images as deleted; `belvedere restore` takes it back."""
    with _writing("delete", given) as store:
        named = _ids(ids)
        before = store.at().revision
        found = store.difference(before, store.delete(named))
    _print(_summary("Deleted", len(found.removed), len(named), "deleted", found.after))


def restore(given: Given, ids: Sequence[str]) -> None:
    """Take the deletion of images back."""
    with _writing("restore", given) as store:
        named = _ids(ids)
        before = store.at().revision
        found = store.difference(before, store.restore(named))
    _print(_summary("Restored", len(found.added), len(named), "not deleted", found.after))


def relabel(given: Given, label: str, ids: Sequence[str], new_class: bool) -> None:
    """Change the label of images; the decision is recorded with the name of the user.

    A LABEL that neither an image nor the release has needs --new-class.
    """
    from embeddings.ingest.classes import classes_of
    from embeddings.ingest.relabelling import relabel as relabel_images
    from embeddings.settings import PathSettings

    releases = PathSettings.from_environment(**given).releases_folder
    with _writing("relabel", given) as store:
        named = _ids(ids)
        classes = () if new_class else classes_of(store, releases)
        before = store.at().revision
        found = store.difference(before, relabel_images(store, label, named, user_name(), classes))
    changed = len(found.relabelled)
    _print(_summary("Relabelled", changed, len(named), f"labelled {label}", found.after))


def verify(given: Given, as_json: bool) -> int:
    """Check store, releases and runs against each other; the exit status is 1 for a problem."""
    from embeddings.lock import drafts, write_lock
    from embeddings.settings import PathSettings
    from training.console import Display
    from training.verification import verify_home

    settings = PathSettings.from_environment(**given)
    display = Display(console(stderr=as_json))
    with write_lock(settings.home, settings.store_uri, "belvedere verify", keep_drafts=True):
        checks = verify_home(settings, display.track)
        left = drafts(settings.home)
    if as_json:
        _write_json([asdict(check) for check in checks])
    else:
        for check in checks:
            _print(f"{check.name}: {check.count:,} checked in {check.seconds:.1f} s")
        if left:
            _print(f"Drafts of killed processes: {len(left)}; the next command deletes them.")
        for problem in (each for check in checks for each in check.problems):
            _print(f"Problem: {problem}")
    return int(any(check.problems for check in checks))


def prune(given: Given, dry_run: bool) -> None:
    """Delete old releases and runs, unused features and caches, and old dataset versions."""
    from embeddings.lock import write_lock
    from training.console import Display
    from training.pruning import plan_pruning, size_of
    from training.pruning import prune as delete_planned
    from training.settings import TrainingSettings

    settings = TrainingSettings.from_environment(**given)
    display = Display(console())
    with write_lock(settings.home, settings.store_uri, "belvedere prune"):
        plan = plan_pruning(settings, display.warn)
        for item in plan.items:
            _print(f"{item.path}: {_megabytes(item.size)}, {item.reason}")
        for tag in plan.tags:
            _print(f"tag {tag}: no release and no kept run has this dataset version")
        if plan.shared:
            _print(
                f"The tags and features in {settings.store_uri} stay, because other homes may use "
                "this store."
            )
        if dry_run:
            size = sum(item.size for item in plan.items)
            _print(f"Would free {_megabytes(size)} and clean up old dataset versions.")
            return
        before = size_of(settings.home)
        delete_planned(settings, plan, display.warn)
        _print(f"Freed {_megabytes(before - size_of(settings.home))}.")


def erase(given: Given, ids: Sequence[str], yes: bool) -> int:
    """Remove images with their files, features and history, also from old versions and releases."""
    from embeddings.lock import write_lock
    from embeddings.settings import IndexSettings
    from training.erasing import erase as erase_planned
    from training.erasing import plan_erasing

    settings = IndexSettings.from_environment(**given)
    with write_lock(settings.home, settings.store_uri, "belvedere erase"):
        plan = plan_erasing(settings, _ids(ids))
        for line in _erasure(plan):
            _print(line)
        if not yes:
            _print("Nothing was erased; add --yes to erase all this. It cannot be taken back.")
            return 1
        erased = erase_planned(settings, plan)
    _print(
        f"Erased: {erased.images} images, {erased.files} files, {erased.features} rows of "
        f"features, {erased.decisions} label decisions and {erased.ledger} entries of the ledger "
        "of files. `belvedere add` with a folder that has them would add them again."
    )
    if plan.current:
        _print("There is no current release; `belvedere up` publishes one without the images.")
    return 0


def _erasure(plan: "Erasure") -> Iterator[str]:
    traces = plan.traces
    yield f"Images: {', '.join(traces.ids)}"
    yield f"Revisions with them: {len(traces.revisions)}; all are removed"
    for tag in traces.tags:
        yield f"Dataset version to be dropped: {tag}"
    for folder in plan.releases:
        yield f"Release to be deleted: {folder.name}"
    for path in plan.derived:
        yield f"To be deleted, and made again when needed: {path}"
    for run in plan.runs:
        yield f"Cannot be made again without its dataset version: {run}"
    for model in plan.models:
        yield f"Learned from the images, and stays: {model}"
    if plan.shared:
        yield "Other homes with this store may have releases with the images; erase them there, too"
    for archive in plan.archives:
        yield f"May contain the source files, and stays: {archive}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _summary(done: str, changed: int, named: int, state: str, revision: int) -> str:
    unchanged = f"; {named - changed} were {state} already" if changed < named else ""
    advice = " `belvedere up` publishes the change." if changed else ""
    images = "1 image" if changed == 1 else f"{changed} images"
    return f"{done}: {images}{unchanged}; revision {revision}.{advice}"


def _ids(arguments: Sequence[str]) -> list[str]:
    """Return the ids of the arguments without repetition; `-` reads lines of standard input."""
    from embeddings.file_names import to_nfc

    found = [
        each
        for argument in arguments
        for each in (_lines() if argument == _STANDARD_INPUT else [argument])
    ]
    return list(dict.fromkeys(map(to_nfc, found)))


def _lines() -> list[str]:
    content = sys.stdin.buffer.read().decode("utf-8", "backslashreplace")
    return [line for line in map(str.strip, content.splitlines()) if line]


def _store(given: Given) -> "Store":
    from embeddings.settings import PathSettings
    from embeddings.store.store import Store

    return Store(PathSettings.from_environment(**given).store_uri)


@contextmanager
def _naming(given: Given) -> Iterator["Store"]:
    """Yield the store while no other process can write tags of this home."""
    from embeddings.lock import home_lock
    from embeddings.settings import PathSettings

    with home_lock(PathSettings.from_environment(**given).home, "belvedere tag"):
        yield _store(given)


@contextmanager
def _writing(command: str, given: Given) -> Iterator["Store"]:
    """Yield the store while no other process can write into the home or its store."""
    from embeddings.lock import write_lock
    from embeddings.settings import PathSettings

    settings = PathSettings.from_environment(**given)
    with write_lock(settings.home, settings.store_uri, f"belvedere {command}"):
        yield _store(given)


def _print(line: str) -> None:
    from embeddings.file_names import printable

    sys.stdout.write(f"{printable(line)}\n")


def _write_json(content: object) -> None:
    sys.stdout.write(json.dumps(content, indent=2) + "\n")
