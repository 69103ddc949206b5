"""History of the collection in the report."""

from datetime import UTC, datetime

from embeddings.release.reports import PairedAccuracy, VersionComparison
from service.report import figures
from service.schemas import (
    ChangeCounts,
    DatasetVersion,
    TrainingVersion,
    VersionDifference,
    VersionList,
)
from tests.service.report.figures_of_a_comparison import comparison_of, experiment


def _versions() -> VersionList:
    versions = [
        DatasetVersion(
            revision=revision,
            created=datetime(2026, 11, revision, 8, 5, tzinfo=UTC),
            tags=("first",) if revision == 2 else (),
            images=100 * revision,
            classes={"lake": 40 * revision, "road": 50 * revision},
        )
        for revision in (4, 3, 2)
    ]
    training = TrainingVersion(version="first", revision=2, images=160, validation=40)
    return VersionList(
        versions=tuple(versions), total=5, training=training, release="0", revision=4
    )


def _change(before: int, after: int) -> VersionDifference:
    return VersionDifference(
        before=before,
        after=after,
        total=ChangeCounts(added=101, removed=1, replaced=7, relabelled=5, moved_to_pool=3, kept=2),
        added=(),
        removed=(),
        replaced=(),
        relabelled=(),
        moved_to_pool=(),
        kept=(),
        by_class={},
        release="0",
        revision=4,
    )


def test_the_table_has_sizes_and_changes_of_each_version() -> None:
    table = figures.history_table(_versions(), (_change(3, 4), _change(2, 3))).html
    assert table.count("<tr>") == 4
    assert "2026-11-04 08:05" in table
    for number in ("400", "101", "7", "5", "3"):
        assert f">{number}</td>" in table
    assert table.count("–") == 6
    assert table.count("<td") == 3 * table.count("<th ")


def test_the_chart_can_be_drawn_with_images_without_a_label() -> None:
    assert figures.history_chart(_versions(), ("lake", "road"))._repr_png_()


def test_findings_name_the_versions_of_release_and_model() -> None:
    comparison = comparison_of(
        [experiment("baseline", "own network", ("lake", "road"), tuning=True, perfect=False)],
        ("lake", "road"),
    )
    found = figures.history_findings(_versions(), comparison).html
    assert "shows revision 4" in found
    assert "from 200 images to 400" in found
    assert "2 older versions are not shown" in found
    assert "<code>training-0</code> (revision 2), 700 images" in found
    assert "30 training images more" in found
    assert "<code>training-0</code>" in figures.summary_table(comparison).html


def test_findings_compare_the_models_of_two_versions_on_common_images() -> None:
    pair = PairedAccuracy(
        experiment="baseline", before=0.8, after=0.9, p_value=0.01, verdict="better"
    )
    earlier = VersionComparison(
        version="training-1",
        revision=1,
        train=90,
        validation=20,
        common=18,
        best="baseline",
        accuracy=0.75,
        experiments=(pair,),
    )
    comparison = comparison_of(
        [experiment("baseline", "own network", ("lake", "road"), tuning=True, perfect=False)],
        ("lake", "road"),
    ).model_copy(update={"versions": (earlier,)})
    found = figures.history_findings(_versions(), comparison).html
    assert "on the 18 validation images of both versions" in found
    assert "better" in found
    assert "80.0" in found
    assert "90.0" in found
    assert "75.0" not in found
