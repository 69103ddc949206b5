"""Settings of the training side, read from variables with the prefix `BELVEDERE_`."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from embeddings.home import HomeSettings

PresetName = Literal["quick", "full"]


class TrainingSettings(HomeSettings):
    """What to train on, and how much."""

    data: str | None = Field(
        None, description="A zip or folder of class folders, or `scenes`; else the ml5 archive."
    )
    licenses: Path | None = Field(
        None, description="Folder of `<class>_photos_info.json`; else `licenses` beside the data."
    )
    weights: Path | None = Field(
        None, description="Folder of pretrained weights, looked into before any download."
    )
    preset: PresetName = Field("quick", description="Which experiments, and how long.")
    scenes: int = Field(200, ge=13, description="Generated scenes per class.")
    seed: int = Field(0, ge=0, description="Seed of the split and of every experiment.")
