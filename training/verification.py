"""Verification of a home: feature store, releases and runs."""

from collections.abc import Collection

from embeddings.progress import Track
from embeddings.release.sharing import SharedReleases
from embeddings.release.verification import check_releases
from embeddings.settings import PathSettings
from embeddings.store.store import Store
from embeddings.store.verification import Check, Findings, run_check
from training.runs import DamagedRun, RunIndex


def verify_home(settings: PathSettings, track: Track) -> tuple[Check, ...]:
    """Check everything in a home, its store and its releases in object storage.

    The caller must hold the lock of the home. Raises `ObjectStorageError` and `ReleaseError`.
    """
    store, shared = Store(settings.store_uri), SharedReleases.of(settings)
    if shared is not None:
        shared.pull_all()
    tags = store.tags() if store.exists else {}
    return (
        *(store.verify(track) if store.exists else ()),
        run_check("releases", check_releases(settings.releases_folder, store)),
        *(() if shared is None else (run_check("releases in object storage", shared.check()),)),
        run_check("runs", _check_runs(RunIndex(settings.runs), tags)),
    )


def _check_runs(runs: RunIndex, tags: Collection[str]) -> Findings:
    other_format = 0
    for folder in runs.folders:
        try:
            run = runs.verify(folder)
        except DamagedRun as error:
            yield str(error)
            continue
        if run is None:
            other_format += 1
        elif run.facts.get("version") not in tags:
            yield (
                f"The dataset version {run.facts.get('version')} of the run {folder.name} was "
                "deleted, so the run cannot be made again; `belvedere prune` deletes it."
            )
    if other_format:
        yield (
            f"{other_format} runs were made by another version of Belvedere; `belvedere prune` "
            "deletes them."
        )
    return len(runs.folders)
