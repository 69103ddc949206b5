"""`python -m service.report`: execute the notebook and export it.

Without options, a notebook, a page and slides with thumbnails are written to the folder `report` of
BELVEDERE_HOME. With `--committed`, the notebook itself is executed in place, without any image.
"""

import argparse
import sys
from pathlib import Path

from embeddings.errors import BelvedereError, explain_os_error
from service.report.server import ROOT, running_service
from service.settings import ServiceSettings

NOTEBOOK = ROOT / "report.ipynb"


def main(arguments: list[str] | None = None, notebook: Path = NOTEBOOK) -> int:
    """Write the report and return the exit status; an error of use is one sentence."""
    parser = argparse.ArgumentParser("python -m service.report", description=__doc__)
    parser.add_argument(
        "--committed",
        action="store_true",
        help="execute the notebook in place, without any pixel of an image",
    )
    committed: bool = parser.parse_args(arguments).committed
    try:
        settings = ServiceSettings.from_environment()
        written = execute_in_place(notebook, settings) if committed else report(notebook, settings)
    except ModuleNotFoundError as error:
        return _fail(f"The report needs {error.name}; `make report` installs it.")
    except BelvedereError as error:
        return _fail(str(error))
    except OSError as error:
        sentence = explain_os_error(error)
        if sentence is None:
            raise
        return _fail(sentence)
    for path in written:
        sys.stdout.write(f"{path}\n")
    return 0


def report(notebook: Path, settings: ServiceSettings) -> tuple[Path, ...]:
    """Write the executed notebook, its page and its slides, all with thumbnails."""
    # The environment of the service has neither nbclient nor nbconvert.
    from service.report.notebook import execute, write_text
    from service.report.page import page
    from service.report.slides import slides

    with running_service(settings) as url:
        executed = execute(notebook, url, thumbnails=True)
    folder = settings.home / "report"
    folder.mkdir(parents=True, exist_ok=True)
    return (
        write_text(folder / "report.ipynb", executed.text),
        write_text(folder / "report.html", page(executed.notebook)),
        write_text(folder / "slides.html", slides(executed.notebook)),
    )


def execute_in_place(notebook: Path, settings: ServiceSettings) -> tuple[Path, ...]:
    """Execute the notebook in place; images are linked, not embedded."""
    from service.report.notebook import execute, write_text

    with running_service(settings) as url:
        executed = execute(notebook, url, thumbnails=False)
    return (write_text(notebook, executed.text),)


def _fail(message: str) -> int:
    sys.stderr.write(f"report: {message}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
