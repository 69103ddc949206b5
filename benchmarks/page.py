"""`python -m benchmarks.page`: write `docs/benchmarks.md` from what was measured."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from benchmarks.circumstances import circumstances
from benchmarks.loads import LOADS, ROUNDS, HttpMeasurement, Load
from benchmarks.markdown import table
from benchmarks.measurements import home_of_settings
from benchmarks.million import MillionMeasurement
from benchmarks.picture import draw
from benchmarks.precision import PrecisionMeasurement
from benchmarks.results import Results, results_of
from benchmarks.services import BENTOML, FLOOR, LITSERVE, OURS, TUTORIAL
from benchmarks.stages import StageMeasurement
from benchmarks.targets import HEADER, targets
from embeddings.release.reader import Release, current_release, open_release
from embeddings.release.reports import Comparison

PAGE = Path("docs/benchmarks.md")
PICTURE = Path("docs/benchmarks.png")

_SERVICES = f"""\
- **{OURS}**: the service of this project, one process.
- **{TUTORIAL}**: FastAPI with Keras' `model.predict` for each request and scikit-learn's
  `NearestNeighbors`; the same network, the same embeddings.
- **{LITSERVE}**, **{BENTOML}**: the same encoder on the same runtime with the same decoding. Of the
  settings that their documentation offers for a processor, those that were fastest on two cores.
- **{FLOOR}**: a bare ASGI callable on uvicorn that answers a fixed body, as long as an answer of
  `/neighbors`.
- **plain loop**: decoding and the same encoder in one process without HTTP; one photograph after
  the other, and with a thread for each core.

`wrk` and the service share the cores. All services are started once; only the one under load may
run. The loads go round {ROUNDS} times; figures are medians. The latencies are those of whole calls,
corrected by `wrk` for answers that kept a client from asking."""


def main() -> None:
    """Write both from the current release of BELVEDERE_HOME and its measurements."""
    home = home_of_settings()
    results = results_of(home)
    release = open_release(current_release(home / "releases"))
    PAGE.write_text(page(release, results), encoding="utf-8")
    if results.http is not None and results.http.rounds:
        draw(results.http, PICTURE)


def page(release: Release, results: Results) -> str:
    """The page as Markdown."""
    http, parity = results.http, release.manifest.parity
    sections = [
        ["# Benchmarks", "Written by `make bench`; no figure here is typed by hand."],
        circumstances(release, http.versions if http else {}, results.days),
        ["## Targets", *table(HEADER, [each.row for each in targets(results, parity)], words=4)],
    ]
    if http is not None:
        sections.append(_services(http))
    if results.precision is not None:
        sections.append(_precision(results.precision))
    if results.million is not None:
        sections.append(_million(results.million))
    if results.stages is not None:
        sections.append(_stages(results.stages))
        sections.append(_comparison(release.comparison))
    return "\n".join(chain.from_iterable(_spaced(each) for each in sections))


def _spaced(lines: Sequence[str]) -> list[str]:
    """Paragraphs apart; lines of a table or a list stay together."""
    spaced: list[str] = []
    for line in lines:
        if spaced and not (line[:1] == spaced[-1][:1] and line[:1] in "|-"):
            spaced.append("")
        spaced.append(line)
    return [*spaced, ""]


def _services(http: HttpMeasurement) -> list[str]:
    lines = ["## Services side by side"]
    lines += [f"- {name} was left out: {why}" for name, why in http.left_out.items()]
    if not http.rounds:
        return lines
    rows = [row for load in LOADS for row in _rows(http, load)]
    header = ("call", "clients", "service", "answers/s", "p50, ms", "p99, ms", "failed")
    plain = (
        f"The plain loop takes {http.plain_milliseconds:.1f} ms for each photograph and recognises "
        f"{http.plain_per_second:.0f} a second with a thread for each core."
    )
    picture = f"![Requests and photographs per second]({PICTURE.name})"
    return [*lines, picture, _SERVICES, *table(header, rows, words=3), plain]


def _rows(http: HttpMeasurement, load: Load) -> list[list[str]]:
    call = "`GET /neighbors?id=`" if load.call == "neighbors" else "`POST /predict`"
    clients = f"{load.clients}" + (f", {load.per_second:,}/s tried" if load.per_second else "")
    found = [(name, http.of(name, load)) for name in (OURS, TUTORIAL, LITSERVE, BENTOML, FLOOR)]
    return [
        [
            call,
            clients,
            name,
            f"{each.per_second:,.0f}",
            f"{each.p50_ms:.2f}",
            f"{each.p99_ms:.2f}",
            f"{each.failed}",
        ]
        for name, each in found
        if each is not None
    ]


def _precision(measured: PrecisionMeasurement) -> list[str]:
    rows = [
        [name, f"{each.milliseconds:.1f}", f"{each.per_second:.0f}", f"{each.megabytes:.1f}"]
        for name, each in (("32 bits", measured.f32), ("8 bits", measured.int8))
    ]
    verdict = "accepts it" if measured.refused is None else "refuses it"
    about = (
        "The published encoder, and the same quantized as by `belvedere publish --precision int8`; "
        "decoding included, in the plain loop, in turn."
    )
    change = (
        f"On the validation photographs 8 bits change accuracy by {measured.accuracy_change:+.2%} "
        f"and P@3 among them by {measured.precision_at_3_change:+.4f}; publishing {verdict}."
    )
    header = ("encoder", "ms, one at a time", "photographs/s, every core", "weights, MB")
    return ["## Encoders in 32 and 8 bits", about, *table(header, rows), change]


def _million(million: MillionMeasurement) -> list[str]:
    about = (
        f"{million.count:,} generated embeddings of {million.dimension} dimensions in "
        f"{million.clusters:,} clusters; {million.queries:,} queries from the same clusters, one "
        "at a time on one thread."
    )
    rows = [
        ["`FlatIndex`: exact", "1", f"{million.exact_milliseconds:.2f}", "", ""],
        [
            million.settings,
            f"{million.recall:.4f}",
            f"{million.approximate_milliseconds:.2f}",
            f"{million.build_seconds:.0f}",
            f"{million.megabytes:,.0f}",
        ],
    ]
    header = ("search", "recall@3", "ms per query", "seconds to build, every core", "MB")
    return ["## A million embeddings", about, *table(header, rows)]


def _stages(measured: StageMeasurement) -> list[str]:
    rows = [[f"`belvedere {each.command}`", f"{each.seconds:.0f}"] for each in measured.stages]
    return [
        f"## From photographs to a release, {measured.preset} preset",
        *table(("command", "seconds"), [*rows, ["together", f"{measured.seconds:.0f}"]]),
    ]


def _comparison(comparison: Comparison) -> list[str]:
    about = (
        f"{comparison.train} photographs to learn from ({comparison.tuning} of them for tuning), "
        f"{comparison.validation} to validate on; best by tuning accuracy: `{comparison.best}`."
    )
    header = (
        "experiment", "validation accuracy", "macro F1", "tuning accuracy", "parameters", "seconds",
    )  # fmt: skip
    rows = [
        [each.name, f"skipped: {each.reason}", "", "", "", ""]
        if each.status == "skipped"
        else [
            each.name,
            f"{each.accuracy:.1%}",
            f"{each.macro_f1:.3f}",
            f"{each.tuning_accuracy:.1%}" if each.tuning_accuracy is not None else "–",
            f"{each.parameters:,}",
            f"{each.train_seconds:.0f}",
        ]
        for each in comparison.experiments
    ]
    return [about, *table(header, rows)]


if __name__ == "__main__":
    main()
