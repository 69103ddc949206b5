"""Effects of changes of validation images on the figures."""

import pyarrow as pa
import pyarrow.compute as pc

from service.schemas import CorrectionEffect
from service.serving.served_release import ServedRelease


def effect_on_figures(
    served: ServedRelease, row: int, suggested: int | None = None
) -> CorrectionEffect | None:
    """Return the effect of a change of a validation image on the figures; None of another one."""
    image = served.live.record(row)
    if image.split != "validation":
        return None
    evidence = served.reasons.evidence
    predicted = int(evidence.predicted[row])
    digest = pa.scalar(image.digest, pa.string())
    return CorrectionEffect(
        validation=served.validation_count,
        counted=int(pc.index(served.history.judged, digest).as_py()) >= 0,
        correct=predicted == int(evidence.labels[row]),
        correct_after=None if suggested is None else predicted == suggested,
    )
