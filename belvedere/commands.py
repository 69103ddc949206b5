"""Commands: from images to a running service, as a whole or step by step."""

import gc
import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from embeddings.runtime import Precision
    from embeddings.settings import PathSettings
    from training.console import Display
    from training.data.inspection import Options
    from training.settings import TrainingSettings
    from training.workspace import Workspace

Given = Mapping[str, object]
"""Settings given as options."""

_LOG_WIDTH = 130

# Heavy libraries are imported by the command that needs them: `serve` never loads TensorFlow, and
# `up` starts at once if there is nothing to train.


def data(given: Given) -> None:
    """Ingest the images into the feature store, checked and split."""
    from training.data.download import PublishedArchive
    from training.workspace import ingest

    with _writing("data", given) as workspace:
        ingest(workspace, PublishedArchive())


def add(
    given: Given,
    paths: Sequence[str],
    label: str | None,
    unlabelled: bool,
    mirror: bool,
    yes: bool,
    restore: bool,
    new_class: bool,
    keep_location: bool,
    ray: str | None,
    to: str | None,
) -> None:
    """Add the images of folders, zips or single files; only what is new is read.

    PATH is a folder of class folders, a zip of one, or an image file in the folder of its class;
    `-` reads paths from standard input, one a line. A class that neither an image nor the release
    has needs --new-class. Each file gets an outcome, listed in the file outcomes.csv of the home.
    With --to, the images are sent to a running service, with the key in BELVEDERE_API_KEY if there
    is one.
    """
    from training.console import Display
    from training.data.inspection import Options
    from training.settings import TrainingSettings

    settings = TrainingSettings.from_environment(**given)
    named = [path for each in paths for path in (_piped_paths() if each == "-" else [Path(each)])]
    options = Options(label, unlabelled, keep_location, restore, new_class)
    display = Display(console())
    if to is not None:
        local = {"--mirror": mirror, "--yes": yes, "--keep-location": keep_location}
        _refuse_local_options(local | {"--ray": ray is not None})
        _add_to(to, settings, named, options, display)
        return
    from embeddings.lock import write_lock
    from embeddings.ray_cluster import connect_if
    from embeddings.store.store import Store
    from training.collection import add_paths
    from training.data.ingest import Policy

    policy = Policy(mirror=mirror, confirmed=yes)
    with (
        write_lock(settings.home, settings.store_uri, "belvedere add"),
        connect_if(ray, display.warn) as cluster,
    ):
        add_paths(settings, Store(settings.store_uri), display, named, options, policy, cluster)


def train(
    given: Given, names: Sequence[str], listed: bool, seeds: int | None, ray: str | None
) -> None:
    """Train the experiments of the preset, or those named, that are not trained yet.

    With --ray, several are trained at the same time.
    """
    from training.experiments import presets

    if listed:
        workspace = _workspace(given)
        for line in presets.list_experiments(workspace.preset):
            workspace.display.info(line)
        return
    with _training("train", given) as workspace:
        workspace.train_on_newest()
        chosen = workspace.with_preset(presets.select(workspace.preset, names, seeds))
        from training.runner import train as train_experiments

        if ray is None:
            train_experiments(chosen)
        else:
            from training.ray_trials import ray_executor

            train_experiments(chosen, ray_executor(chosen, ray))
        both = presets.select(workspace.preset, names, seeds, include_preset=True)
        _show(workspace.with_preset(both))


def compare(given: Given) -> None:
    """Print the comparison of the trained experiments."""
    from training.evaluation.comparison import warn_of_unused_runs

    workspace = _workspace(given)
    warn_of_unused_runs(workspace)
    _show(workspace)


def label_loop(given: Given, share: float, repeats: int) -> None:
    """Measure on simulated wrong labels if reviewing labels improves the model.

    Some training labels are made wrong, and heads are trained after corrections in the order of the
    review queue and at random. Nothing in the feature store changes.
    """
    from training.console import show_label_loop
    from training.evaluation.label_loop import measure_label_loop
    from training.evaluation.simulated_review import Simulation

    with _training("label-loop", given) as workspace:
        simulation = Simulation(share, repeats, workspace.settings.seed)
        show_label_loop(measure_label_loop(workspace, simulation), workspace.display)
        workspace.display.info("`belvedere publish` adds this report to the release.")


def robustness(given: Given) -> None:
    """Measure the best model of each family on corrupted images, in five strengths.

    Each corruption is stored when it is finished, and is not measured again.
    """
    from training.console import show_robustness
    from training.evaluation.robustness import measure_robustness

    with _training("robustness", given) as workspace:
        show_robustness(measure_robustness(workspace), workspace.display)
        workspace.display.info("`belvedere publish` adds this report to the release.")


def publish(given: Given, ray: str | None, precision: "Precision") -> None:
    """Publish the best model as a release."""
    from embeddings.ray_cluster import connect_if
    from embeddings.release.reader import refuse_newer_release
    from training.export import publish_best

    with _training("publish", given) as workspace:
        workspace.pull_release()
        refuse_newer_release(workspace.settings.releases_folder)
        with connect_if(ray, workspace.display.warn) as cluster:
            publish_best(workspace, precision, cluster)
        workspace.clean_up_unless_written("belvedere publish")


def embed(given: Given, model: Path | None, ray: str | None) -> None:
    """Compute and store the features of all images that lack them, without publishing.

    They are those of the encoder of the current release or of --model. Without --ray, all cores of
    this machine compute them.
    """
    from embeddings.lock import home_lock
    from embeddings.ray_cluster import connect_if
    from embeddings.release.embed import embed as embed_images
    from embeddings.settings import PathSettings
    from embeddings.store.store import Store
    from training.console import Display

    settings, display = PathSettings.from_environment(**given), Display(console())
    store = Store(settings.store_uri)
    with (
        home_lock(settings.home, "belvedere embed"),
        connect_if(ray, display.warn) as cluster,
    ):
        done = embed_images(store, settings.releases_folder, model, cluster, display.track)
    display.info(
        f"{done.images} images have features of the encoder {done.encoder[:16]}; "
        f"{done.computed} were computed."
    )


def prepare(given: Given, command: str = "prepare") -> None:
    """Run data, train, compare and publish; skip what is finished."""
    from embeddings.lock import LockedByService
    from embeddings.release.reader import ReleaseError, current_release, read_manifest
    from training.settings import TrainingSettings

    try:
        _prepare(given, command)
    except LockedByService as error:
        # A stack whose service writes must start again, and that service publishes the changes.
        try:
            releases = TrainingSettings.from_environment(**given).releases_folder
            found = read_manifest(current_release(releases))
        except ReleaseError:
            raise error from None
        sys.stdout.write(f"{error} Nothing is ingested; release {found.fingerprint} stays.\n")


def _prepare(given: Given, command: str) -> None:
    from embeddings.release.reader import refuse_newer_release
    from training.data.download import PublishedArchive
    from training.evaluation.comparison import is_newest, is_published
    from training.workspace import ingest

    with _writing(command, given) as workspace:
        workspace.pull_release()
        refuse_newer_release(workspace.settings.releases_folder)
        ingest(workspace, PublishedArchive(), again=False)
        if not is_published(workspace):
            from training.export import publish_best
            from training.runner import train as train_experiments

            train_experiments(workspace)
            _show(workspace)
            publish_best(workspace)
        elif not is_newest(workspace):
            from training.republishing import publish_again

            publish_again(workspace)
        else:
            return
        workspace.clean_up()


def serve(given: Given) -> None:
    """Serve the current release."""
    # Nothing that is imported is garbage, but looking for it takes a tenth of the start.
    gc.disable()
    from service.app import serve as serve_release
    from service.settings import ServiceSettings

    gc.enable()
    serve_release(ServiceSettings.from_environment(**given))


def up(given: Given) -> None:
    """Prepare, then serve."""
    from service.settings import ServiceSettings
    from training.settings import TrainingSettings

    # A wrong setting of the service is reported before hours of training.
    ServiceSettings.from_environment(**_part(ServiceSettings, given))
    prepare(_part(TrainingSettings, given), "up")
    for name, value in _part(ServiceSettings, given).items():
        os.environ[f"BELVEDERE_{name}".upper()] = str(value)
    # A fresh process: the service must not keep TensorFlow in memory.
    os.execv(sys.executable, [sys.executable, "-m", "belvedere", "serve"])


def config(given: Given) -> None:
    """Print the effective settings and the source of each; secrets are not printed."""
    from belvedere.configuration import lines

    for line in lines(installed_settings(), given):
        sys.stdout.write(f"{line}\n")


def console(*, stderr: bool = False) -> "Console":
    """Return the console of the output; without a terminal it is as wide as a log."""
    from rich.console import Console

    return Console(stderr=stderr, width=None if sys.stdout.isatty() else _LOG_WIDTH)


def path_settings() -> tuple[type["PathSettings"], ...]:
    """Return the settings of the commands on the feature store."""
    from embeddings.settings import PathSettings

    return (PathSettings,)


def training_settings() -> tuple[type["PathSettings"], ...]:
    """Return the settings of the commands that train."""
    from training.settings import TrainingSettings

    return (TrainingSettings,)


def key_settings() -> tuple[type["PathSettings"], ...]:
    """Return the settings of the file of API keys."""
    from service.settings import KeySettings

    return (KeySettings,)


def service_settings() -> tuple[type["PathSettings"], ...]:
    """Return the settings of the service."""
    from service.settings import ServiceSettings

    return (ServiceSettings,)


def installed_settings() -> tuple[type["PathSettings"], ...]:
    """Return all settings; an image that only trains or only serves has a part of them."""
    found: tuple[type[PathSettings], ...] = ()
    if find_spec("training"):
        found += training_settings()
    if find_spec("service"):
        found += service_settings()
    return found


def _add_to(
    url: str,
    settings: "TrainingSettings",
    paths: Sequence[Path],
    options: "Options",
    display: "Display",
) -> None:
    from belvedere.remote_add import add_to
    from service.client import Client

    # Not an option: other users of this machine can read the options of a process.
    with Client(url, api_key=os.environ.get("BELVEDERE_API_KEY")) as client:
        add_to(client, settings, paths, options, display)


def _refuse_local_options(given: Mapping[str, bool]) -> None:
    from training.errors import DataError

    for name, is_given in given.items():
        if is_given:
            raise DataError(
                f"{name} applies to the feature store of this machine, not to a service; leave "
                f"out {name} or --to."
            )


def _piped_paths() -> list[Path]:
    """Return the paths on standard input, one on each line."""
    lines = sys.stdin.buffer.read().splitlines()
    return [Path(os.fsdecode(line)) for line in lines if line.strip()]


def _part(settings: type["PathSettings"], given: Given) -> dict[str, object]:
    return {name: value for name, value in given.items() if name in settings.model_fields}


def _show(workspace: "Workspace") -> None:
    from training.console import show_comparison
    from training.evaluation.comparison import compare as compare_runs

    show_comparison(compare_runs(workspace), workspace.display)


@contextmanager
def _writing(command: str, given: Given) -> Iterator["Workspace"]:
    """Yield the workspace while no other process can write into the home or its store."""
    from embeddings.lock import store_lock

    with (
        _training(command, given) as workspace,
        store_lock(workspace.settings.store_uri, f"belvedere {command}"),
    ):
        yield workspace


@contextmanager
def _training(command: str, given: Given) -> Iterator["Workspace"]:
    """Yield the workspace while no other process can write into the home.

    A service can write images into the store meanwhile.
    """
    from embeddings.lock import home_lock

    # Pillow warns of broken metadata; damaged files are reported as left out.
    warnings.filterwarnings("ignore", module="PIL")
    workspace = _workspace(given)
    with home_lock(workspace.settings.home, f"belvedere {command}"):
        yield workspace


def _workspace(given: Given) -> "Workspace":
    from training.console import Display
    from training.experiments.presets import PRESETS, with_local_networks
    from training.settings import TrainingSettings
    from training.workspace import Workspace

    settings = TrainingSettings.from_environment(**given)
    preset = PRESETS[settings.preset]
    if preset.local_networks:
        preset = with_local_networks(preset, settings.weights)
    return Workspace(settings, preset, Display(console()))
