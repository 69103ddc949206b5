"""`python -m service.reference`: write docs/api.md from the OpenAPI description."""

from pathlib import Path

from embeddings.atomic import atomic_write
from service.api.openapi import OF_SCENES, with_examples
from service.app import create_api
from service.metrics import Metrics
from service.reference.markdown import markdown
from service.reference.walk import reference_of
from service.settings import ServiceSettings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"


def written() -> str:
    """What docs/api.md says, with examples of the generated scenes."""
    description = create_api(ServiceSettings(), Metrics()).openapi()
    return markdown(reference_of(with_examples(description, OF_SCENES)))


if __name__ == "__main__":
    atomic_write(PAGE, written())
