"""Settings of training, read from environment variables with the prefix `BELVEDERE_`."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from embeddings.settings import IndexSettings, ResolvedPath, resolve_path
from embeddings.store.retention import RetentionSettings

PresetName = Literal["quick", "full", "long"]

OUTCOMES = "outcomes.csv"
"""File in the home that lists the outcome of each file of the last ingest."""

SCENES = "scenes"
"""Value of `BELVEDERE_DATA` for generated scenes."""

_LARGEST_SEED = 2**31 - 1


def _resolve_data(data: str | None) -> str | None:
    return data if data is None or data == SCENES else str(resolve_path(Path(data)))


def _folder(path: Path | None) -> Path | None:
    if path is not None and not path.is_dir():
        raise ValueError("it is not a folder")
    return path


class TrainingSettings(RetentionSettings, IndexSettings):
    """Settings of the data set and of training."""

    data: Annotated[str | None, AfterValidator(_resolve_data)] = Field(
        None,
        description="Zip or folder of class folders, or `scenes`. Default: the ml5 archive.",
    )
    licenses: ResolvedPath | None = Field(
        None,
        description="Folder of `<class>_photos_info.json`. Default: `licenses` by the data.",
    )
    weights: Annotated[ResolvedPath | None, AfterValidator(_folder)] = Field(
        None, description="Folder of pretrained weights, searched before any download."
    )
    preset: PresetName = Field("quick", description="Set of experiments and number of epochs.")
    scenes: int = Field(200, ge=13, description="Generated scenes per class.")
    seed: int = Field(
        0, ge=0, le=_LARGEST_SEED, description="Seed of the split and of every experiment."
    )
    retrain: bool = Field(
        False, description="Train on the newest revision instead of publishing the same model."
    )
    trial_cpus: int = Field(
        1, ge=1, description="CPUs, and so threads, of a trial on Ray (`train --ray`)."
    )
    trial_gpus: float | None = Field(
        None, ge=0, description="GPUs of a trial on Ray. Default: 1 if the cluster has any, or 0."
    )
    dataset_version: str | None = Field(
        None, description="Tag or revision to train on and compare. Default: the last trained on."
    )
    keep_releases: int = Field(
        3, ge=0, description="Newest releases besides the current one that `belvedere prune` keeps."
    )
