"""Command line: from images to a running service, as a whole or step by step."""

import io
import logging
import os
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from belvedere import __version__, commands, export_command, key_command, store_commands
from belvedere.options import options_of
from embeddings.cpu import usable_processors
from embeddings.errors import BelvedereError, explain_os_error
from embeddings.export import FORMAT_NAMES
from embeddings.ray_cluster import LOCAL, is_address

if TYPE_CHECKING:
    from embeddings.settings import PathSettings

# Libraries that count processors themselves do not see the quota of a container.
_COUNTS_OF_THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")

_PARTS = ("service", "training")
"""Packages that an image of a container may lack."""

Settings = Callable[[], tuple[type["PathSettings"], ...]]


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit status; errors of use are one sentence."""
    _prepare_process()
    try:
        return _commands().main(arguments, "belvedere", standalone_mode=False) or 0
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 2
    except click.ClickException as error:
        return _fail(error.format_message(), error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        return _fail("Interrupted. Finished work is kept; run the command again to continue.", 130)
    except BelvedereError as error:
        return _fail(str(error))
    except ModuleNotFoundError as error:
        if error.name not in _PARTS:
            raise
        return _fail(
            f"This command needs the package `{error.name}`, which is not installed here; run it "
            "where all of Belvedere is installed."
        )
    except BrokenPipeError:
        # The reader of the output has ended, as `head` does; Python would fail on flushing it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        sentence = explain_os_error(error)
        if sentence is None:
            raise
        return _fail(sentence)


class _Command(click.Command):
    """Command that takes each setting as an option.

    The options are made when they are needed, since an image may lack the package of another
    command's settings.
    """

    def __init__(
        self,
        settings: Settings,
        run: Callable[..., int | None],
        params: Sequence[click.Parameter] = (),
    ) -> None:
        super().__init__(
            name=run.__name__.replace("_", "-"),
            callback=self._call,
            params=list(params),
            help=run.__doc__,
            context_settings={"max_content_width": 100},
        )
        self._run = run
        self._settings = settings
        self._own = {each.name for each in params}

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the parameters of the command, then an option for each setting."""
        own = super().get_params(ctx)
        return [*own[:-1], *options_of(*self._settings()), *own[-1:]]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments; `--ray` takes the next one only if it is an address."""
        complete = [
            f"--ray={LOCAL}" if pair[0] == "--ray" and not is_address(pair[1]) else pair[0]
            for pair in pairwise([*args, ""])
        ]
        return super().parse_args(ctx, complete)

    def _call(self, /, **values: Any) -> int | None:
        own = {name: value for name, value in values.items() if name in self._own}
        given = {
            name: value
            for name, value in values.items()
            if name not in self._own and value is not None
        }
        return self._run(given, **own)


class _Group(click.Group):
    """Group whose help lists the commands in the order of their work."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(self.commands)


def _commands() -> click.Group:
    ray = click.Option(
        ["--ray"], metavar="[ADDRESS]",
        help="Compute on a Ray cluster: one that is started for this command, or that at ADDRESS "
        "(auto, HOST:PORT or ray://HOST:PORT).",
    )  # fmt: skip
    train = (
        click.Argument(["names"], nargs=-1, metavar="[NAME]..."),
        click.Option(["--list", "listed"], is_flag=True, help="List every experiment and stop."),
        click.Option(
            ["--seeds"], type=click.IntRange(1), help="Train each experiment with N seeds.",
            metavar="N",
        ),
        ray,
    )  # fmt: skip
    model = click.Option(
        ["--model"], type=click.Path(path_type=Path), metavar="FILE",
        help="Encoder (encoder.xml) instead of that of the current release.",
    )  # fmt: skip
    new_class = click.Option(
        ["--new-class"], is_flag=True,
        help="Create the classes that neither an image nor the release has.",
    )  # fmt: skip
    add = (
        click.Argument(["paths"], nargs=-1, required=True, metavar="PATH..."),
        click.Option(["--label"], help="Class of every image, instead of the folder's name."),
        click.Option(
            ["--unlabelled"], is_flag=True, help="Add images in no class folder without a label."
        ),
        click.Option(
            ["--mirror"], is_flag=True, help="Delete the images whose files are gone from PATH."
        ),
        click.Option(
            ["--yes"], is_flag=True, help="Let --mirror delete more than a tenth of the images."
        ),
        click.Option(["--restore"], is_flag=True, help="Add deleted images again."),
        new_class,
        click.Option(
            ["--keep-location"], is_flag=True, help="Keep the location of the images (EXIF)."
        ),
        ray,
        click.Option(
            ["--to"], metavar="URL", help="Send the images to the service at this address instead."
        ),
    )
    precision = click.Option(
        ["--precision"], type=click.Choice(("f32", "int8")), default="f32", show_default=True,
        help="Precision that the encoder computes in; int8 is the fastest and is refused if it "
        "loses quality.",
    )  # fmt: skip
    label_loop = (
        click.Option(
            ["--wrong", "share"], type=click.FloatRange(0, 0.5, min_open=True), default=0.1,
            show_default=True, help="Share of the training labels that is made wrong.",
        ),
        click.Option(
            ["--repeats"], type=click.IntRange(1), default=5, show_default=True,
            help="Repeats with other wrong labels and seeds.",
        ),
    )  # fmt: skip
    as_json = click.Option(["--json", "as_json"], is_flag=True, help="Print JSON.")
    dry_run = click.Option(
        ["--dry-run"], is_flag=True, help="List what would be deleted, and its size."
    )
    yes = click.Option(["--yes"], is_flag=True, help="Erase without asking.")
    tag = (
        click.Argument(["name"]),
        click.Option(["--version"], help="Tag or revision (default: the newest revision)."),
        click.Option(["--delete", "remove"], is_flag=True, help="Delete the name."),
    )
    export = (
        click.Argument(["path"], type=click.Path(path_type=Path, dir_okay=False)),
        click.Option(
            ["--format", "format_name"], type=click.Choice(FORMAT_NAMES),
            help="Format of the file (default: that of the extension of PATH, or parquet).",
        ),
        click.Option(["--label"], multiple=True, help="Export only images of this class."),
        click.Option(
            ["--split"], multiple=True, help="Export only images of this part of the data."
        ),
        click.Option(
            ["--where"], multiple=True, metavar="NAME=VALUE",
            help="Export only images that meet this condition of a filter, such as wrong=true.",
        ),
        click.Option(["--selection"], metavar="NAME", help="Export only this saved selection."),
        click.Option(["--at"], help="Tag or revision (default: the newest revision)."),
        click.Option(["--thumbnails"], is_flag=True, help="Contain a thumbnail of each image."),
        click.Option(
            ["--keep-location"], is_flag=True, help="Keep the location of the images."
        ),
    )  # fmt: skip
    before, after = (click.Argument([name]) for name in ("before", "after"))
    ids = click.Argument(["ids"], nargs=-1, required=True, metavar="ID...")
    label = click.Argument(["label"])
    key = (
        click.Argument(["name"], required=False),
        click.Option(
            ["--role"], type=click.Choice(key_command.ROLES), help="Rights of the new key."
        ),
        click.Option(["--list", "listed"], is_flag=True, help="List all keys and their roles."),
        click.Option(["--remove"], metavar="NAME", help="Remove the key of this name."),
    )
    paths = commands.path_settings
    training, service = commands.training_settings, commands.service_settings
    group = _Group(
        "belvedere",
        help="From a folder of labelled images to compared models and a service.",
        commands=[
            _Command(training, commands.data),
            _Command(training, commands.add, add),
            _Command(training, commands.train, train),
            _Command(training, commands.compare),
            _Command(training, commands.label_loop, label_loop),
            _Command(training, commands.robustness),
            _Command(training, commands.publish, [ray, precision]),
            _Command(paths, commands.embed, [model, ray]),
            _Command(training, commands.prepare),
            _Command(service, commands.serve),
            _Command(commands.key_settings, key_command.key, key),
            _Command(commands.installed_settings, commands.up),
            _Command(paths, store_commands.versions, [as_json]),
            _Command(paths, store_commands.tag, tag),
            _Command(paths, store_commands.diff, [before, after, as_json]),
            _Command(paths, store_commands.delete, [ids]),
            _Command(paths, store_commands.restore, [ids]),
            _Command(paths, store_commands.relabel, [label, ids, new_class]),
            _Command(paths, export_command.export, export),
            _Command(paths, store_commands.verify, [as_json]),
            _Command(training, store_commands.prune, [dry_run]),
            _Command(paths, store_commands.erase, [ids, yes]),
            _Command(commands.installed_settings, commands.config),
        ],
    )
    return click.version_option(__version__, prog_name="belvedere")(group)


def _prepare_process() -> None:
    """Set what libraries read when they are imported, and the encoding of the output."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    for name in _COUNTS_OF_THREADS:
        os.environ.setdefault(name, str(usable_processors()))
    # Threads that wait would otherwise spin on processors that other threads need.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    # TensorFlow warns of every compiled network, and a comparison compiles many.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name that the terminal's encoding lacks is shown with escapes.
        sys.stdout.reconfigure(errors="backslashreplace")


def _fail(message: str, status: int = 1) -> int:
    sys.stderr.write(f"belvedere: {message}\n")
    return status
