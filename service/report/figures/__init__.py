"""Charts, tables and findings of the report, made from answers of the service."""

from service.report.figures.comparison import (
    comparison_chart,
    differences,
    finished,
    of_family,
    summary_findings,
    summary_table,
)
from service.report.figures.conclusions import agreement, conclusions
from service.report.figures.confusion import (
    class_table,
    confusion_chart,
    confusion_findings,
    error_findings,
    label_findings,
    one_per_photographer,
)
from service.report.figures.curves import curve_findings, learning_curves, technique_panels
from service.report.figures.evidence import evidence_findings, evidence_table, interval_chart
from service.report.figures.gallery import Gallery
from service.report.figures.history import (
    history_chart,
    history_findings,
    history_table,
    recent_versions,
    trained_on,
    version_changes,
)
from service.report.figures.introduction import introduction, licence_findings
from service.report.figures.leakage import leakage_chart, leakage_findings
from service.report.figures.loop import loop_chart, loop_findings, loop_table
from service.report.figures.map import map_chart, map_findings
from service.report.figures.pareto import pareto_chart, pareto_findings
from service.report.figures.retrieval import (
    retrieval_chart,
    retrieval_findings,
    retrieval_table,
)
from service.report.figures.robustness import (
    robustness_chart,
    robustness_findings,
    robustness_table,
)
from service.report.figures.split import every_image, split_chart, split_findings
from service.report.figures.techniques import effect_chart, technique_findings, technique_table
from service.report.figures.trust import (
    reliability_chart,
    reliability_findings,
    set_findings,
    unusual,
)

__all__ = [
    "Gallery",
    "agreement",
    "class_table",
    "comparison_chart",
    "conclusions",
    "confusion_chart",
    "confusion_findings",
    "curve_findings",
    "differences",
    "effect_chart",
    "error_findings",
    "every_image",
    "evidence_findings",
    "evidence_table",
    "finished",
    "history_chart",
    "history_findings",
    "history_table",
    "interval_chart",
    "introduction",
    "label_findings",
    "leakage_chart",
    "leakage_findings",
    "learning_curves",
    "licence_findings",
    "loop_chart",
    "loop_findings",
    "loop_table",
    "map_chart",
    "map_findings",
    "of_family",
    "one_per_photographer",
    "pareto_chart",
    "pareto_findings",
    "recent_versions",
    "reliability_chart",
    "reliability_findings",
    "retrieval_chart",
    "retrieval_findings",
    "retrieval_table",
    "robustness_chart",
    "robustness_findings",
    "robustness_table",
    "set_findings",
    "split_chart",
    "split_findings",
    "summary_findings",
    "summary_table",
    "technique_findings",
    "technique_panels",
    "technique_table",
    "trained_on",
    "unusual",
    "version_changes",
]
