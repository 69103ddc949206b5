"""Program that draws all figures of a comparison and prints its peak memory in MiB."""

import sys

import numpy as np

from embeddings.release.label_loop import (
    LabelLoop,
    LoopStep,
    Noise,
    SimulatedAccuracy,
    SimulatedReview,
)
from embeddings.release.reliability import measure_uncertainty, reliability
from embeddings.release.reports import (
    ClassReport,
    Cost,
    Curves,
    Evidence,
    ExperimentReport,
    ExperimentSummary,
)
from embeddings.release.retrieval import ClassRetrieval, Estimate, Retrieval, RetrievalScores
from embeddings.release.robustness import (
    CorruptionName,
    CorruptionRobustness,
    ModelRobustness,
    Robustness,
    RobustnessStep,
)
from embeddings.release.uncertainty import Typicality
from service.report import figures
from service.report.figures.comparison import Reports
from service.schemas import (
    CalibrationReport,
    ExperimentList,
    ImageRecord,
    Map,
    MapPoint,
    TrainingVersion,
)
from tests.peak_memory import peak_bytes

FAMILIES = ("own network", "technique", "combination", "transfer")


def experiment(
    name: str, family: str, classes: tuple[str, ...], *, tuning: bool, perfect: bool
) -> ExperimentReport:
    """Return a report on four validation images of each class but the last, which has none."""
    number = len(classes)
    matrix = np.diag([4] * (number - 1) + [0])
    if not perfect:
        matrix[0, -1] = matrix[1, 0] = 2
    falling = (0.5, 0.0) if perfect else (2.0, 0.7)
    rising = (0.5, 1.0) if perfect else (0.4, 0.8)
    return ExperimentReport(
        name=name,
        family=family,
        base=None if family == "own network" else "own network 0",
        change="a change",
        status="done",
        accuracy=1.0 if perfect else 0.8,
        macro_f1=1.0 if perfect else 0.8,
        tuning_accuracy=rising[-1] if tuning else None,
        tuning_loss=falling[-1] if tuning else None,
        precision_at_3=0.9,
        pooled_precision_at_3=0.8,
        parameters=1000,
        trainable_parameters=100,
        train_seconds=1.0,
        epochs=2,
        input=(96, 144),
        cost=Cost(latency_ms=2.0, images_per_second=500.0),
        evidence=Evidence(seeds=1, lowest=0.8, highest=0.8, interval=(0.7, 0.9)),
        seed=0,
        curves=Curves(
            loss=falling,
            accuracy=rising,
            tuning_loss=(falling[-1], *falling[1:]) if tuning else (),
            tuning_accuracy=rising if tuning else (),
        ),
        classes=classes,
        confusion=tuple(tuple(row) for row in matrix.tolist()),
        per_class=tuple(
            ClassReport(label=label, precision=1.0, recall=1.0, f1=1.0, support=int(support))
            for label, support in zip(classes, matrix.sum(axis=1), strict=True)
        ),
        tuning_precision_at_3=0.9 if tuning else None,
        retrieval=retrieval(classes[:-1]) if perfect else None,
    )


def retrieval(classes: tuple[str, ...]) -> Retrieval:
    """Return a report of the search with equal measures."""
    each = Estimate(value=0.9, interval=(0.8, 0.95))
    scores = RetrievalScores(
        precision_at_1=each, precision_at_3=each, mean_average_precision=each, r_precision=each
    )
    per_class = tuple(
        ClassRetrieval(label=label, support=4, embedding=scores, pooled=scores) for label in classes
    )
    return Retrieval(embedding=scores, pooled=scores, per_class=per_class)


def comparison_of(reports: list[ExperimentReport], classes: tuple[str, ...]) -> ExperimentList:
    """Return the response of `/experiments`."""
    return ExperimentList(
        preset="synthetic",
        classes=classes,
        train=10 * len(classes),
        tuning=len(classes) if reports[0].tuning_accuracy is not None else 0,
        validation=4 * len(classes) - 4,
        best=reports[-1].name,
        experiments=tuple(
            ExperimentSummary.model_validate(
                {name: getattr(each, name) for name in ExperimentSummary.model_fields}
            )
            for each in reports
        ),
        random_split=(),
        versions=(),
        training=TrainingVersion(version="training-0", revision=2, images=700, validation=140),
        not_learned=30,
        release="0",
        revision=3,
    )


def label_loop(*, helpful: bool) -> LabelLoop:
    """Return a report of simulated reviews by a queue that helps, or that does not."""
    gain = 0.04 if helpful else 0.0

    def accuracy(value: float) -> SimulatedAccuracy:
        return SimulatedAccuracy(accuracy=value, interval=(value - 0.01, value + 0.01))

    step = LoopStep(
        checked=50,
        found_by_queue=30.0 if helpful else 4.0,
        found_at_random=5.0,
        queue=accuracy(0.9 + gain),
        random=accuracy(0.9),
        difference=gain,
        interval=(gain - 0.01, gain + 0.01),
        p_value=0.0005 if helpful else 1.0,
        p_adjusted=0.0005 if helpful else 1.0,
        verdict="better" if helpful else "no evidence of a difference",
    )
    noises: tuple[Noise, ...] = ("class", "image")
    return LabelLoop(
        experiment="transfer 0",
        train=1000,
        validation=200,
        share=0.1,
        repeats=5,
        seed=0,
        reviews=tuple(
            SimulatedReview(
                noise=noise,
                wrong=100,
                none=accuracy(0.88),
                everything=accuracy(0.95),
                steps=(step, step.model_copy(update={"checked": 100})),
            )
            for noise in noises
        ),
    )


def robustness_of(drawn: list[ExperimentReport]) -> Robustness:
    """Return a report in which noise costs a tenth for each strength, and grey nothing."""
    costs: dict[CorruptionName, float] = {"noise": 0.1, "grey": 0.0, "crop": 0.05, "blur": 0.02}

    def model(report: ExperimentReport) -> ModelRobustness:
        accuracy = report.accuracy or 0.0
        return ModelRobustness(
            experiment=report.name,
            family=report.family,
            accuracy=accuracy,
            precision_at_3=0.9,
            corruptions=tuple(
                CorruptionRobustness(
                    corruption=name,
                    unit="%",
                    steps=tuple(
                        RobustnessStep(
                            strength=strength,
                            value=strength,
                            accuracy=accuracy * (1 - cost * strength),
                            precision_at_3=0.9 * (1 - cost * strength),
                        )
                        for strength in range(1, 6)
                    ),
                )
                for name, cost in costs.items()
            ),
        )

    best = {report.family: report for report in drawn}
    return Robustness(validation=200, seed=0, models=tuple(map(model, best.values())))


def draw(
    classes: int, families: tuple[str, ...], each: int, *, tuning: bool, perfect: bool
) -> list[str]:
    """Draw all figures as the notebook does and return their HTML."""
    names = tuple(f"class {number}" for number in range(classes))
    drawn = [
        experiment(f"{family} {number}", family, names, tuning=tuning, perfect=perfect)
        for family in families
        for number in range(each)
    ]
    comparison = comparison_of(drawn, names)
    reports: Reports = {
        report.name: report.model_copy(update={"confusion": ()}) for report in drawn
    }
    best, baseline = drawn[-1], drawn[0]
    uncertainty = _uncertainty(names, perfect=perfect)
    images = [_record(label, side) for label in names for side in ("train", "validation")]
    points = [
        MapPoint(
            id=str(n),
            label=names[n % classes],
            predicted=names[0],
            split="train",
            learned=True,
            x=n,
            y=n % 7,
        )
        for n in range(500)
    ]
    loop = label_loop(helpful=perfect)
    robustness = robustness_of(drawn)
    found = Map(points=tuple(points), release="0", revision=3)
    techniques = figures.of_family(reports, "technique")
    shown: list[object] = [
        figures.split_chart(images, names),
        figures.split_findings(images, comparison),
        figures.learning_curves(baseline),
        figures.curve_findings(baseline),
        figures.technique_panels(baseline, techniques),
        figures.technique_table(baseline, reports, comparison.validation),
        figures.technique_findings(baseline, reports, comparison.validation),
        figures.differences(baseline, reports, comparison),
        figures.summary_table(comparison),
        figures.comparison_chart(comparison, reports),
        figures.summary_findings(comparison, reports),
        figures.interval_chart(reports),
        figures.evidence_table(reports),
        figures.evidence_findings(comparison, reports),
        figures.pareto_chart(reports),
        figures.pareto_findings(reports),
        figures.retrieval_chart(reports),
        figures.retrieval_table(reports, best),
        figures.retrieval_findings(reports, best.name),
        figures.confusion_chart(best),
        figures.class_table(best),
        figures.confusion_findings(best),
        figures.reliability_chart(uncertainty),
        figures.reliability_findings(uncertainty),
        figures.set_findings(uncertainty),
        figures.loop_chart(loop),
        figures.loop_table(loop),
        figures.loop_findings(loop),
        figures.loop_findings(None),
        figures.robustness_chart(robustness, "accuracy"),
        figures.robustness_chart(robustness, "precision_at_3"),
        figures.robustness_table(robustness),
        figures.robustness_findings(robustness),
        figures.robustness_findings(None),
        figures.map_chart(found, names),
        figures.map_findings(found),
        figures.conclusions(comparison, reports, best, 0.9),
    ]
    return [_rendered(each) for each in shown]


def _rendered(figure: object) -> str:
    if hasattr(figure, "_repr_png_"):
        png, _ = figure._repr_png_()
        return f"PNG of {len(png)} bytes"
    return str(figure._repr_html_())  # type: ignore[attr-defined]


def _uncertainty(classes: tuple[str, ...], *, perfect: bool) -> CalibrationReport:
    labels = np.arange(4 * (len(classes) - 1)) % (len(classes) - 1)
    sure = np.eye(len(classes), dtype=np.float32)[labels]
    probabilities = sure if perfect else (0.5 * sure + 0.5 / len(classes)).astype(np.float32)
    uncertainty = measure_uncertainty(
        1.0,
        reliability(probabilities, labels),
        (probabilities[:0], labels[:0]),
        (probabilities, labels),
        classes,
    )
    assert not uncertainty.sets.thresholds.any()
    return CalibrationReport(
        calibration=uncertainty.calibration,
        sets=uncertainty.sets,
        typicality=Typicality(neighbor=10, distances=()),
        training=TrainingVersion(version="training-0", revision=2, images=700, validation=140),
        not_learned=30,
        release="0",
        revision=3,
    )


def _record(label: str, side: str) -> ImageRecord:
    return ImageRecord.model_validate(
        {
            "id": f"{label}/{side}",
            "learned": side == "train",
            "label": label,
            "split": side,
            "width": 1,
            "height": 1,
            "attribution": None,
            "attributes": {},
            "tags": (),
            "reviewed": None,
            "etag": "0",
        }
    )


if __name__ == "__main__":
    html = draw(int(sys.argv[1]), FAMILIES, int(sys.argv[2]), tuning=True, perfect=False)
    sys.stdout.write(f"{peak_bytes() / 2**20:.0f} {sum(map(len, html))}\n")
