"""How charts look: one style, one colour and mark per class, a text for who cannot see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

INK = "#22313f"
QUIET = "#8a97a3"
PALE = "#dfe5ea"
ACCENT = "#b5361c"

in_style = rc_context(
    {
        "font.size": 9.5,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": QUIET,
        "axes.titlesize": 10.5,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.grid": True,
        "grid.color": PALE,
        "grid.linewidth": 0.8,
        "xtick.color": INK,
        "ytick.color": INK,
        "xtick.major.size": 0,
        "ytick.major.size": 0,
        "legend.frameon": False,
    }
)
"""Decorates what draws a chart."""

# Okabe and Ito's colours, which people with any colour vision tell apart, without the yellow that
# white swallows. Their order lets fields be golden, forests green and water blue.
_COLOURS = ("#d55e00", "#e69f00", "#009e73", "#56b4e9", "#cc79a7", "#0072b2", "#4d4d4d")
_MARKS = ("o", "s", "^", "D", "v", "P", "X")

_WIDTH = 900
_INCHES = 9.0
_DENSITY = 2
_SHADES = 128


@dataclass(frozen=True)
class Look:
    """How a class is drawn in every chart."""

    colour: str
    mark: str


def looks(classes: Sequence[str]) -> dict[str, Look]:
    """A look for each class; beyond the colours there are, the mark tells classes apart."""
    return {
        label: Look(_COLOURS[number % len(_COLOURS)], _MARKS[number // len(_COLOURS) % len(_MARKS)])
        for number, label in enumerate(classes)
    }


class Chart(Figure):
    """A figure that a notebook shows by itself."""

    def __init__(self, height: float, alt: str, width: float = _INCHES) -> None:
        super().__init__(figsize=(width, height), layout="constrained", facecolor="white")
        self.alt = alt
        """What it shows, for those who cannot see it."""

    def _repr_png_(self) -> tuple[bytes, dict[str, str | int]]:
        drawn = BytesIO()
        density = _DENSITY * _WIDTH / _INCHES
        self.savefig(drawn, format="png", dpi=density, pil_kwargs={"compress_level": 1})
        with Image.open(drawn) as image:
            # A chart needs few shades, and so a third of the bytes.
            reduced = image.convert("RGB").quantize(_SHADES, dither=Image.Dither.NONE)
        small = BytesIO()
        reduced.save(small, format="png", optimize=True)
        return small.getvalue(), {"alt": self.alt, "width": reduced.width // _DENSITY}


def bare(axes: Axes) -> None:
    """Take away the lines that a chart with labelled rows does not need."""
    axes.spines[:].set_visible(False)
    axes.grid(axis="y", visible=False)
