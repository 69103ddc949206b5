"""Chart of `docs/benchmarks.md`: requests and images per second of each service."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks.loads import NEIGHBORS, PREDICT, HttpMeasurement, Load
from benchmarks.services import BARE, BENTOML, LITSERVE, OURS, TUTORIAL

_INK, _OURS, _OTHERS = "#333333", "#2a6f97", "#b8c4cc"
_BASELINE = "baseline loop"


def plot_rates(http: HttpMeasurement, path: Path) -> None:
    """Write the chart as PNG."""
    figure = Figure(figsize=(8, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, height_ratios=(3, 5))
    _bars(above, "GET /neighbors?id=, requests per second, 16 clients", _rates(http, NEIGHBORS))
    images = [*_rates(http, PREDICT), (_BASELINE, http.baseline_per_second)]
    _bars(below, "POST /predict, images per second, 16 clients", images)
    figure.savefig(path, dpi=144)


def _rates(http: HttpMeasurement, load: Load) -> list[tuple[str, float]]:
    found = [(name, http.of(name, load)) for name in (OURS, TUTORIAL, LITSERVE, BENTOML, BARE)]
    return [(name, each.per_second) for name, each in found if each is not None]


def _bars(axes: Axes, title: str, rates: Sequence[tuple[str, float]]) -> None:
    ordered = sorted(rates, key=lambda rate: rate[1])
    names = [name for name, _ in ordered]
    values = [value for _, value in ordered]
    bars = axes.barh(names, values, color=[_OURS if n == OURS else _OTHERS for n in names])
    axes.bar_label(bars, [f"{value:,.0f}" for value in values], padding=4, color=_INK, fontsize=9)
    axes.set_xlim(0, max(values) * 1.15)
    axes.set_title(title, loc="left", fontsize=10, color=_INK)
    axes.tick_params(axis="both", labelsize=9, colors=_INK, length=0, which="both")
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.xaxis.set_visible(False)
