"""Section of `docs/benchmarks.md` on growing collections, and its chart."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

from benchmarks.growth.results import PARTS, GrowthMeasurement
from benchmarks.growth.targets import growth_targets
from benchmarks.markdown import table
from benchmarks.targets import HEADER

CHART = "growth.png"

_INK, _GRID = "#333333", "#e3e7ea"
_COLOURS = ("#2a6f97", "#61a5c2", "#c08a2d", "#7a9e5f", "#8d5a97")


def section(growth: GrowthMeasurement) -> list[str]:
    """Return the section as paragraphs and lines of tables."""
    largest = growth.sizes[-1].images
    loads = ", ".join(f"{load:.1f}" for load in growth.load)
    rows = [
        [
            f"{each.images:,}",
            *(f"{each.part(part).seconds:,.1f} ({_figure(each.milliseconds_per_image(part))})"
              for part in PARTS),
            f"{each.ingest.megabytes:,.0f}",
            f"{max(each.publish.megabytes, each.republish.megabytes):,.0f}",
        ]
        for each in growth.sizes
    ]  # fmt: skip
    changes = [
        [
            f"{each.images:,}",
            f"{each.added:,}",
            f"{each.add.seconds:,.1f}",
            f"{each.republish.seconds:,.1f}",
            f"{each.unchanged.seconds:,.1f}",
        ]
        for each in growth.sizes
    ]
    return [
        "## Collections of growing size",
        f"![Seconds of each part for up to {largest:,} images]({CHART})",
        "Measured by `python -m benchmarks.growth` with generated JPEGs of 64x48 pixels in a folder"
        " and a small encoder with 256 dimensions, so that the time of the tables and searches is"
        " visible beside that of decoding and of the network. Each step runs in a process of its"
        " own.",
        f"- Machine: {growth.machine}.",
        f"- Date: {growth.day.isoformat()}; load average at the start of each size: {loads}.",
        *table(HEADER, [each.row for each in growth_targets(growth)], words=4),
        "Seconds, in brackets milliseconds per image; peak resident memory in MB. `publish` is"
        " publishing in all, with features, graph and map.",
        *table(("images", *PARTS, "ingest, MB", "publish, MB"), rows, words=0),
        "Seconds after a growth of one in a hundred: `belvedere add` of the grown folder,"
        " publishing of the same model over the new revision, and `belvedere add` of the then"
        " unchanged folder.",
        *table(("images", "added", "add", "publish again", "unchanged"), changes, words=0),
    ]


def plot_growth(growth: GrowthMeasurement, path: Path) -> None:
    """Write the chart as PNG: seconds and memory by number of images, on logarithmic axes."""
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    images = [each.images for each in growth.sizes]
    for part, colour in zip(PARTS, _COLOURS, strict=True):
        _line(left, images, [each.part(part).seconds for each in growth.sizes], part, colour)
    linear = [growth.sizes[0].part("publish").seconds * each / images[0] for each in images]
    left.plot(images, linear, color=_INK, linewidth=1, linestyle=":", label="linear")
    _line(right, images, [each.ingest.megabytes for each in growth.sizes], "ingest", _COLOURS[0])
    megabytes = [max(each.publish.megabytes, each.republish.megabytes) for each in growth.sizes]
    _line(right, images, megabytes, "publish", _COLOURS[-1])
    _style(left, images, "Seconds")
    _style(right, images, "Peak memory, MB")
    figure.savefig(path, dpi=144)


def _line(axes: Axes, images: list[int], values: list[float], name: str, colour: str) -> None:
    axes.plot(images, values, color=colour, marker="o", markersize=4, linewidth=1.8, label=name)


def _style(axes: Axes, images: list[int], title: str) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_title(title, loc="left", fontsize=10, color=_INK)
    axes.set_xlabel("images", fontsize=9, color=_INK)
    axes.set_xticks(images, [f"{each:,}" for each in images])
    axes.xaxis.set_minor_locator(NullLocator())
    numbers = FuncFormatter(lambda value, _: f"{value:,g}")
    axes.yaxis.set_major_formatter(numbers)
    low, high = axes.get_ylim()
    axes.yaxis.set_minor_formatter(numbers if high < 10 * low else NullFormatter())
    axes.grid(color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=9, colors=_INK, length=0, which="both")
    axes.legend(frameon=False, fontsize=9, labelcolor=_INK)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)


def _figure(milliseconds: float) -> str:
    """Return milliseconds with three significant digits."""
    return f"{milliseconds:.2f}" if milliseconds < 10 else f"{milliseconds:.1f}"
