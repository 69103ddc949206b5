"""Report as one self-contained page of HTML, without scripts."""

from html import escape

from nbconvert import HTMLExporter
from nbformat import NotebookNode

_CELLS = """
{%- extends 'basic/index.html.j2' -%}
{%- block input -%}
<details><summary>code</summary>{{ super() }}</details>
{%- endblock input -%}
"""
# Code is collapsed, for readers of the text alone.

_STYLE = """
body { margin: 0; background: #fff; color: #22313f; font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1.25rem 5rem; }
h1 { font-size: 2.1rem; line-height: 1.2; margin: 1rem 0; }
h2 { font-size: 1.45rem; margin: 3rem 0 0.75rem; padding-top: 1rem; border-top: 1px solid #dfe5ea; }
a { color: #0b5394; }
img { max-width: 100%; height: auto; }
table { border-collapse: collapse; margin: 1rem 0; font-size: 0.82rem; line-height: 1.4; }
th, td { padding: 0.35rem 0.55rem; }
thead th { border-bottom: 2px solid #8a97a3; }
tbody td { border-bottom: 1px solid #dfe5ea; }
.output_html { overflow-x: auto; }
code { background: #f1f4f6; padding: 0.1em 0.3em; border-radius: 3px; font-size: 0.9em; }
details { margin: 0.75rem 0; font-size: 0.85rem; }
summary { color: #5d6b78; cursor: pointer; }
details pre { background: #f6f8f9; padding: 0.75rem 1rem; overflow-x: auto; border-radius: 4px; }
"""


def page(notebook: NotebookNode) -> str:
    """Return the page of an executed notebook, with figures and thumbnails embedded."""
    exporter = HTMLExporter(  # type: ignore[no-untyped-call]
        raw_template=_CELLS,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    cells, resources = exporter.from_notebook_node(notebook)
    colours = "\n".join(resources["inlining"]["css"])
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(_title(notebook))}</title>\n<style>{_STYLE}{colours}</style>\n"
        f"</head>\n<body>\n<main>\n{cells}\n</main>\n</body>\n</html>\n"
    )


def _title(notebook: NotebookNode) -> str:
    first: str = notebook.cells[0].source
    return first.splitlines()[0].lstrip("# ")
