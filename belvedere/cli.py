"""The command line: from photographs to a running service, whole or stage by stage."""

import argparse
import gc
import io
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from embeddings.cpu import usable_processors
from embeddings.errors import BelvedereError, explain_os_error

if TYPE_CHECKING:
    from training.workspace import Stage

_LOG_WIDTH = 130

# Libraries that count processors themselves do not see the quota of a container.
_COUNTS_OF_THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")

Command = Callable[[argparse.Namespace], None]

# Heavy libraries are imported by the command that needs them: `serve` never loads TensorFlow, and
# `up` starts at once when there is nothing to train.


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit status; errors of use are one sentence."""
    parsed = _parser().parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    for variable in _COUNTS_OF_THREADS:
        os.environ.setdefault(variable, str(usable_processors()))
    # Threads that wait would else spin, on processors that others have work for.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    # It warns of every network that is compiled anew, which is what a comparison does.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name that the terminal's encoding lacks is shown with escapes.
        sys.stdout.reconfigure(errors="backslashreplace")
    command: Command = parsed.command
    try:
        command(parsed)
    except KeyboardInterrupt:
        return _fail("Interrupted; what was finished is kept, run the command again to go on.", 130)
    except BelvedereError as error:
        return _fail(str(error))
    except BrokenPipeError:
        # Whoever read the output has ended, as `head` does; Python would fail on flushing it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        sentence = explain_os_error(error)
        if sentence is None:
            raise
        return _fail(sentence)
    return 0


def _data(given: argparse.Namespace) -> None:
    from training.data.download import PublishedArchive
    from training.workspace import take_data

    with _writing(given) as stage:
        take_data(stage, PublishedArchive())


def _train(given: argparse.Namespace) -> None:
    from training.experiments.presets import listed, selected

    if given.list:
        stage = _stage(given)
        for line in listed(stage.preset):
            stage.display.say(line)
        return
    with _writing(given) as stage:
        chosen = selected(stage.preset, given.names, given.seeds)
        from training.runner import train

        train(replace(stage, preset=chosen))
        _show(replace(stage, preset=selected(stage.preset, given.names, given.seeds, beside=True)))


def _compare(given: argparse.Namespace) -> None:
    from training.evaluation.comparison import warn_of_unused_runs

    stage = _stage(given)
    warn_of_unused_runs(stage)
    _show(stage)


def _show(stage: "Stage") -> None:
    from training.console import show_comparison
    from training.evaluation.comparison import compare

    show_comparison(compare(stage), stage.display)


def _publish(given: argparse.Namespace) -> None:
    from embeddings.release.reader import refuse_newer_release
    from training.export import publish_best

    with _writing(given) as stage:
        refuse_newer_release(stage.settings.releases)
        publish_best(stage, given.precision)


def _serve(_given: argparse.Namespace) -> None:
    # Nothing that is imported is garbage, but looking for it takes a tenth of the start.
    gc.disable()
    from service.app import serve
    from service.settings import ServiceSettings

    gc.enable()
    serve(ServiceSettings.from_environment())


def _prepare(given: argparse.Namespace) -> None:
    from embeddings.release.reader import refuse_newer_release
    from training.data.download import PublishedArchive
    from training.evaluation.comparison import up_to_date
    from training.workspace import take_data

    with _writing(given) as stage:
        refuse_newer_release(stage.settings.releases)
        take_data(stage, PublishedArchive(), again=False)
        if not up_to_date(stage):
            from training.export import publish_best
            from training.runner import train

            train(stage)
            _show(stage)
            publish_best(stage)


def _up(given: argparse.Namespace) -> None:
    _prepare(given)
    # A fresh process: the service must not carry TensorFlow's memory along.
    os.execv(sys.executable, [sys.executable, "-m", "belvedere", "serve"])


@contextmanager
def _writing(given: argparse.Namespace) -> Iterator["Stage"]:
    """Give what the stages share, while no other process can write into the home."""
    from embeddings.lock import home_lock

    stage = _stage(given)
    with home_lock(stage.settings.home, f"belvedere {given.called}"):
        yield stage


def _stage(given: argparse.Namespace) -> "Stage":
    from rich.console import Console

    from training.console import Display
    from training.experiments.presets import PRESETS, with_local_networks
    from training.settings import TrainingSettings
    from training.workspace import Stage

    chosen = getattr(given, "preset", None)
    settings = TrainingSettings.from_environment(**({"preset": chosen} if chosen else {}))
    console = Console(width=None if sys.stdout.isatty() else _LOG_WIDTH)
    preset = PRESETS[settings.preset]
    if preset.local_networks:
        preset = with_local_networks(preset, settings.weights)
    return Stage(settings, preset, Display(console))


_OF_A_PRESET = (_train, _compare, _publish, _prepare, _up)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)


def _fail(message: str, status: int = 1) -> int:
    sys.stderr.write(f"belvedere: {message}\n")
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("belvedere", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(name: str, command: Command, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(command=command, called=name)
        if command in _OF_A_PRESET:
            added.add_argument("--preset", help="which experiments; else BELVEDERE_PRESET")
        return added

    add("data", _data, "take the photographs into the feature store, checked and split")
    train = add("train", _train, "train the experiments of the preset that are not trained yet")
    train.add_argument("names", nargs="*", metavar="NAME", help="train these experiments instead")
    train.add_argument("--list", action="store_true", help="name every experiment and stop")
    train.add_argument(
        "--seeds", type=_count, metavar="N", help="train each experiment with so many seeds"
    )
    add("compare", _compare, "print the comparison of the trained experiments")
    publish = add("publish", _publish, "publish the best network as a release")
    publish.add_argument(
        "--precision", choices=("f32", "int8"), default="f32",
        help="what its encoder computes in; int8 is the fastest and refused where it costs quality",
    )  # fmt: skip
    add("prepare", _prepare, "do all of this up to the release, as far as it is not done yet")
    add("serve", _serve, "serve the current release")
    add("up", _up, "prepare, then serve")
    return parser
