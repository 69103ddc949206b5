"""The command line: from photographs to a running service, whole or stage by stage."""

import argparse
import errno
import logging
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from pydantic import ValidationError

from embeddings.home import explain_setting

if TYPE_CHECKING:
    from training.stages import Stage

_LOG_WIDTH = 110

# Heavy libraries are imported by the command that needs them: `serve` never loads TensorFlow, and
# `up` starts at once when there is nothing to train.


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit status; errors of use are one sentence."""
    parsed = _parser().parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    # It warns of every network that is compiled anew, which is what a comparison does.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    command: Callable[[], None] = parsed.command
    try:
        command()
    except KeyboardInterrupt:
        return _fail("Interrupted; what was finished is kept, run the command again to go on.", 130)
    except ValidationError as error:
        return _fail(explain_setting(error))
    except (OSError, RuntimeError) as error:
        if getattr(error, "errno", None) == errno.ENOSPC or "No space left" in str(error):
            return _fail("The disk is full; make room, nothing was left half-written.")
        if type(error).__module__.split(".")[0] not in {"embeddings", "training", "service"}:
            raise
        return _fail(str(error))
    return 0


def _data() -> None:
    from training.archive import PublishedArchive
    from training.stages import take_data

    take_data(_stage(), PublishedArchive())


def _train() -> None:
    from training.campaign import train

    train(_stage())
    _compare()


def _compare() -> None:
    from training.showing import show_comparison
    from training.stages import compare

    stage = _stage()
    show_comparison(compare(stage), stage.display)


def _publish() -> None:
    from training.export import publish_best

    publish_best(_stage())


def _serve() -> None:
    from service.app import serve
    from service.settings import ServiceSettings

    serve(ServiceSettings())


def _up() -> None:
    from training.archive import PublishedArchive
    from training.stages import take_data, up_to_date

    stage = _stage()
    take_data(stage, PublishedArchive(), again=False)
    if not up_to_date(stage):
        _train()
        _publish()
    # A fresh process: the service must not carry TensorFlow's memory along.
    os.execv(sys.executable, [sys.executable, "-m", "belvedere", "serve"])


def _stage() -> "Stage":
    from rich.console import Console

    from training.programme import PRESETS
    from training.progress import Display
    from training.settings import TrainingSettings
    from training.stages import Stage

    settings = TrainingSettings()
    console = Console(width=None if sys.stdout.isatty() else _LOG_WIDTH)
    return Stage(settings, PRESETS[settings.preset], Display(console))


def _fail(message: str, status: int = 1) -> int:
    sys.stderr.write(f"belvedere: {message}\n")
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("belvedere", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(name: str, command: Callable[[], None], text: str) -> None:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(command=command)

    add("data", _data, "take the photographs into the feature store, checked and split")
    add("train", _train, "train the experiments of the preset that are not trained yet")
    add("compare", _compare, "print the comparison of the trained experiments")
    add("publish", _publish, "publish the best network as a release")
    add("serve", _serve, "serve the current release")
    add("up", _up, "do all of this, as far as it is not done yet")
    return parser


if __name__ == "__main__":
    sys.exit(main())
