"""Take all measurements on the data set of the settings and write `docs/benchmarks.md`."""

import shutil
from pathlib import Path
from statistics import median

from benchmarks.circumstances import circumstances
from benchmarks.serving import AtRest, measure_service, share_of_exact_neighbors
from benchmarks.stages import StageTime, time_stages
from embeddings.comparison import Comparison
from embeddings.home import HomeSettings
from embeddings.release import Release, current_release, open_release

PAGE = Path("docs/benchmarks.md")


def main() -> None:
    """Measure the quick preset and the service on it.

    Everything lies in `<home>/bench` and stays there to be looked at.
    """
    home = HomeSettings().home / "bench"
    shutil.rmtree(home, ignore_errors=True)
    quick = time_stages(home, "quick")
    release = open_release(current_release(home / "releases"))
    at_rest = measure_service(home)
    exact = share_of_exact_neighbors(release)
    PAGE.write_text(_page(release, quick, at_rest, exact))


def _page(
    release: Release,
    quick: list[StageTime],
    at_rest: AtRest,
    exact: float,
) -> str:
    starts = ", ".join(f"{seconds:.2f}" for seconds in at_rest.seconds_to_ready)
    return "\n".join(
        [
            "# Benchmarks",
            "",
            "Written by `make bench`; no figure here is typed by hand.",
            "",
            *circumstances(release),
            "",
            "## From photographs to a release, quick preset",
            "",
            *_stage_table(quick),
            "",
            *_comparison_table(release.comparison),
            "",
            "## The service",
            "",
            "| what | measured | target |",
            "| --- | --- | --- |",
            f"| start to ready, median of {starts} s | {median(at_rest.seconds_to_ready):.2f} s "
            "| ≤ 2 s |",
            f"| memory at rest (resident) | {at_rest.megabytes:.0f} MB | ≤ 400 MB |",
            f"| TensorFlow loaded | {'yes' if at_rest.tensorflow_loaded else 'never'} | never |",
            "| three nearest of all photographs agree with scikit-learn's `NearestNeighbors` | "
            f"{exact:.2%} | 100 % |",
            "| largest relative error of an exported embedding | "
            f"{release.manifest.parity.largest_relative_error:.1e} | ≤ 1e-4 |",
            "",
        ]
    )


def _stage_table(times: list[StageTime]) -> list[str]:
    total = sum(time.seconds for time in times)
    return [
        "| command | seconds |",
        "| --- | ---: |",
        *(f"| `belvedere {time.command}` | {time.seconds:.0f} |" for time in times),
        f"| together | {total:.0f} |",
    ]


def _comparison_table(comparison: Comparison) -> list[str]:
    lines = [
        f"{comparison.train} photographs to learn from ({comparison.tuning} of them for tuning), "
        f"{comparison.validation} to validate on; best by tuning accuracy: `{comparison.best}`.",
        "",
        "| experiment | validation accuracy | macro F1 | tuning accuracy | parameters | seconds |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for report in comparison.experiments:
        if report.status == "skipped":
            lines.append(f"| {report.name} | skipped: {report.reason} | | | | |")
        else:
            lines.append(
                f"| {report.name} | {report.accuracy:.1%} | {report.macro_f1:.3f} "
                f"| {report.tuning_accuracy:.1%} | {report.parameters:,} "
                f"| {report.train_seconds:.0f} |"
            )
    return lines


if __name__ == "__main__":
    main()
