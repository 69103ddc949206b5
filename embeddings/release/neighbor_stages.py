"""Neighbours of some validation images from model to model: pixels first, then trained networks."""

from collections.abc import Container

from pydantic import Field

from embeddings.frozen_model import FrozenModel


class StageNeighbor(FrozenModel):
    """Training image near a query."""

    id: str = Field(description="Id of the image.")
    label: str = Field(description="Class of the image at the training.")
    right: bool = Field(description="True if it is the class of the query.")


class Stage(FrozenModel):
    """Kind of representation by which images are compared."""

    title: str = Field(description="Kind of representation, such as `pixels`.")
    experiment: str | None = Field(
        description="Experiment whose embedding is compared, that with the highest tuning accuracy "
        "of its kind; null for pixels."
    )


class StageNeighbors(Stage):
    """Training images nearest to a query by one kind of representation, the nearest first."""

    neighbors: tuple[StageNeighbor, ...]


class StagedQuery(FrozenModel):
    """Validation image with its neighbours by each kind of representation."""

    id: str
    label: str
    stages: tuple[StageNeighbors, ...]


class NeighborStages(FrozenModel):
    """Neighbours of one validation image of each class."""

    queries: tuple[StagedQuery, ...]

    def among(self, ids: Container[str]) -> "NeighborStages":
        """Return the report without images whose id is not among `ids`."""

        def kept(stage: StageNeighbors) -> StageNeighbors:
            neighbors = tuple(each for each in stage.neighbors if each.id in ids)
            return stage.model_copy(update={"neighbors": neighbors})

        return NeighborStages(
            queries=tuple(
                query.model_copy(update={"stages": tuple(map(kept, query.stages))})
                for query in self.queries
                if query.id in ids
            )
        )
