"""Every kind of index that needs no server passes the same cases."""

import pytest

from tests.congruence import COLLECTIONS, Congruence
from tests.indexes import EMBEDDED, Build, builder


@pytest.fixture(scope="module", params=EMBEDDED)
def build(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Return the builder of indexes of a kind."""
    return builder(request.param, COLLECTIONS, tmp_path_factory.mktemp("indexes"))


class TestEmbeddedKinds(Congruence):
    """The cases, for each embedded kind."""
