"""`python -m service.report`: execute the report and leave it where it can be read.

Without options it leaves a notebook, a page and a deck of slides with thumbnails in the folder
`report` of BELVEDERE_HOME; with `--committed` it renews the notebook itself, which holds no
photograph.
"""

import argparse
import sys
from pathlib import Path

from embeddings.errors import BelvedereError, explain_os_error
from service.report.server import ROOT, a_service
from service.settings import ServiceSettings

NOTEBOOK = ROOT / "report.ipynb"


def main(arguments: list[str] | None = None, notebook: Path = NOTEBOOK) -> int:
    """Make the report and return the exit status; errors of use are one sentence."""
    parser = argparse.ArgumentParser("python -m service.report", description=__doc__)
    parser.add_argument(
        "--committed",
        action="store_true",
        help="renew the notebook itself, without any pixel of a photograph",
    )
    committed: bool = parser.parse_args(arguments).committed
    try:
        settings = ServiceSettings.from_environment()
        written = renew(notebook, settings) if committed else report(notebook, settings)
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
    # The serving environment has neither nbclient nor nbconvert.
    from service.report.notebook import execute, write_text
    from service.report.page import page
    from service.report.slides import slides

    with a_service(settings) as url:
        executed = execute(notebook, url, thumbnails=True)
    folder = settings.home / "report"
    folder.mkdir(parents=True, exist_ok=True)
    return (
        write_text(folder / "report.ipynb", executed.text),
        write_text(folder / "report.html", page(executed.notebook)),
        write_text(folder / "slides.html", slides(executed.notebook)),
    )


def renew(notebook: Path, settings: ServiceSettings) -> tuple[Path, ...]:
    """Execute the notebook in place; photographs are referred to, not shown."""
    from service.report.notebook import execute, write_text

    with a_service(settings) as url:
        executed = execute(notebook, url, thumbnails=False)
    return (write_text(notebook, executed.text),)


def _fail(message: str) -> int:
    sys.stderr.write(f"report: {message}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
