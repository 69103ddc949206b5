"""Base classes of pydantic models that cannot be changed."""

from pydantic import BaseModel, ConfigDict


class FrozenModel(BaseModel):
    """Pydantic model with read-only fields; unknown fields of the input are ignored."""

    model_config = ConfigDict(frozen=True)


class StrictModel(FrozenModel):
    """Pydantic model with read-only fields that rejects unknown fields of the input."""

    model_config = ConfigDict(extra="forbid")
