"""Charts, tables and sentences of the report, made from the service's answers alone."""

from service.figures.comparison import (
    comparison_chart,
    finished,
    of_family,
    summary_findings,
    summary_table,
    transfer_findings,
)
from service.figures.conclusions import agreement, conclusions
from service.figures.confusion import confusion_chart, confusion_findings, error_findings
from service.figures.curves import curve_findings, learning_curves, technique_panels
from service.figures.gallery import Gallery
from service.figures.introduction import introduction, licence_findings
from service.figures.map import map_chart, map_findings
from service.figures.split import every_photograph, split_chart, split_findings
from service.figures.techniques import effect_chart, technique_findings, technique_table

__all__ = [
    "Gallery",
    "agreement",
    "comparison_chart",
    "conclusions",
    "confusion_chart",
    "confusion_findings",
    "curve_findings",
    "effect_chart",
    "error_findings",
    "every_photograph",
    "finished",
    "introduction",
    "learning_curves",
    "licence_findings",
    "map_chart",
    "map_findings",
    "of_family",
    "split_chart",
    "split_findings",
    "summary_findings",
    "summary_table",
    "technique_findings",
    "technique_panels",
    "technique_table",
    "transfer_findings",
]
