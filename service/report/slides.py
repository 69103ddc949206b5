"""Report as slides: one for each figure and its findings, in one self-contained HTML file.

Arrow keys, space and the wheel move between slides.
"""

import re
from dataclasses import dataclass, field
from html import escape

from nbformat import NotebookNode

_STYLE = """
html { scroll-snap-type: y mandatory; }
body { margin: 0; color: #22313f; background: #fff; font: 20px/1.45 system-ui, sans-serif; }
section { box-sizing: border-box; height: 100vh; padding: 3.5vh 5vw; scroll-snap-align: start;
  display: flex; flex-direction: column; gap: 2vh; overflow: hidden; }
section.title { justify-content: center; background: #22313f; color: #fff; }
h1 { font-size: 2.2em; line-height: 1.15; margin: 0; }
h2 { font-size: 1.25em; margin: 0; color: #b5361c; }
.title h2 { color: #fff; font-size: 1.9em; }
figure { margin: 0; flex: 1 1 0; min-height: 0; display: flex; justify-content: center; }
figure img { max-width: 100%; max-height: 100%; object-fit: contain; }
.findings { font-size: 0.85em; max-height: 34vh; overflow: hidden; }
.findings p, .findings ul { margin: 0.2em 0; }
.shown { flex: 1 1 0; min-height: 0; overflow: hidden; font-size: 0.62em; }
.shown img { height: 15vh; width: auto; max-width: 14vw; }
footer { font-size: 0.6em; color: #8a97a3; }
@media print { section { break-after: page; } }
"""

_SCRIPT = """
const slides = [...document.querySelectorAll("section")];
const steps = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1,
                ArrowLeft: -1, ArrowUp: -1, PageUp: -1 };
addEventListener("keydown", (event) => {
  if (!(event.key in steps)) return;
  event.preventDefault();
  const at = Math.round(scrollY / innerHeight) + steps[event.key];
  slides[Math.max(0, Math.min(slides.length - 1, at))].scrollIntoView();
});
"""

_HEADING = re.compile(r"^(#{1,3}) (.+)$", re.MULTILINE)


@dataclass
class _Slide:
    heading: str
    level: int = 3
    image: str = ""
    findings: list[str] = field(default_factory=list)


def slides(notebook: NotebookNode) -> str:
    """Return the slides of an executed notebook as HTML."""
    found = _collect(notebook)
    title = found[0].heading if found else ""
    sections = "\n".join(_section(slide, number + 1) for number, slide in enumerate(found))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"{sections}\n<script>{_SCRIPT}</script>\n</body>\n</html>\n"
    )


def _collect(notebook: NotebookNode) -> list[_Slide]:
    """Return a slide for each heading, and one more for each further figure below it."""
    found: list[_Slide] = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            heading = _HEADING.search(cell.source)
            if heading:
                found.append(_Slide(heading[2], len(heading[1])))
            continue
        for output in cell.get("outputs", ()):
            _add(found, output.get("data", {}))
    return [slide for slide in found if slide.level < 3 or slide.image or slide.findings]


def _add(found: list[_Slide], data: dict[str, str]) -> None:
    if not found:
        return
    slide = found[-1]
    shown = data.get("text/html", "")
    gallery = "<img" in shown
    if "image/png" not in data and not gallery:
        # A table is too small to read on a slide.
        if shown and "<thead" not in shown:
            slide.findings.append(shown)
        return
    if slide.image or slide.level < 3:
        slide = _Slide(slide.heading)
        found.append(slide)
    if gallery:
        slide.image = f'<div class="shown">{shown}</div>'
    else:
        encoded = "".join(data["image/png"].split())
        slide.image = f'<figure><img alt="" src="data:image/png;base64,{encoded}"></figure>'


def _section(slide: _Slide, number: int) -> str:
    tag = "h1" if slide.level == 1 else "h2"
    heading = f"<{tag}>{escape(slide.heading)}</{tag}>"
    if slide.level < 3:
        return f'<section class="title">{heading}{_findings(slide)}</section>'
    foot = f"<footer>{number}</footer>"
    return f"<section>{heading}{slide.image}{_findings(slide)}{foot}</section>"


def _findings(slide: _Slide) -> str:
    return f'<div class="findings">{"".join(slide.findings)}</div>' if slide.findings else ""
