"""Style of charts: one colour and mark per class, and alternative text."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
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
"""Decorator of functions that draw a chart."""

# Okabe and Ito's colours, distinguishable with any colour vision, without yellow, which is too pale
# on white. In this order fields are golden, forests green and water blue.
_COLOURS = ("#d55e00", "#e69f00", "#009e73", "#56b4e9", "#cc79a7", "#0072b2", "#4d4d4d")
_MARKS = ("o", "s", "^", "D", "v", "P", "X")

_WIDTH = 900
_INCHES = 9.0
_DENSITY = 2
_SHADES = 128


def label_percentages(axis: Axis) -> None:
    """Label the ticks of an axis of shares as percentages; each label is exact."""
    axis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10]))
    axis.set_major_formatter(lambda share, _: f"{100 * share:.6g} %")


@dataclass(frozen=True)
class ClassStyle:
    """Colour and mark of a class in every chart."""

    colour: str
    mark: str


def class_styles(classes: Sequence[str]) -> dict[str, ClassStyle]:
    """Return colour and mark of each class; classes of one colour differ in their mark."""
    return {
        label: ClassStyle(
            _COLOURS[number % len(_COLOURS)], _MARKS[number // len(_COLOURS) % len(_MARKS)]
        )
        for number, label in enumerate(classes)
    }


class Chart(Figure):
    """Figure that a notebook displays as PNG."""

    def __init__(self, height: float, alt: str, width: float = _INCHES) -> None:
        super().__init__(figsize=(width, height), layout="constrained", facecolor="white")
        self.alt = alt
        """Alternative text."""

    def _repr_png_(self) -> tuple[bytes, dict[str, str | int]]:
        drawn = BytesIO()
        density = _DENSITY * _WIDTH / _INCHES
        self.savefig(drawn, format="png", dpi=density, pil_kwargs={"compress_level": 1})
        with Image.open(drawn) as image:
            # A chart needs few shades; quantized, it has a third of the bytes.
            reduced = image.convert("RGB").quantize(_SHADES, dither=Image.Dither.NONE)
        small = BytesIO()
        reduced.save(small, format="png", optimize=True)
        return small.getvalue(), {"alt": self.alt, "width": reduced.width // _DENSITY}


def remove_frame(axes: Axes) -> None:
    """Remove frame and horizontal grid lines of a chart with labelled rows."""
    axes.spines[:].set_visible(False)
    axes.grid(axis="y", visible=False)
