"""Serialized answers about stored images, each made once until its content changes."""

import gzip
from urllib.parse import unquote_plus

from embeddings.index.knn_graph import DEGREE
from service.schemas import Answer
from service.serving.responses import map_of, neighborhood, prediction
from service.serving.served_release import ServedRelease
from service.serving.tsne_jobs import sample_rows

_QUERY = b"id="

# Level 9 takes twice as long and saves a fortieth.
_COMPRESSION = 6


def row_of(served: ServedRelease, query: bytes) -> int | None:
    """Return the row of a query string that consists of an id alone.

    None if it has other parameters, or if no image has the id.
    """
    if not query.startswith(_QUERY) or b"&" in query:
        return None
    return served.live.row(unquote_plus(query[len(_QUERY) :].decode("latin-1")))


def ready_neighborhood(served: ServedRelease, row: int) -> bytes | None:
    """Return the answer to `GET /neighbors?id=` for a row; None if it needs a search."""
    stamp = served.live.stamp(row)
    rest = served.caches.neighborhoods.get(row, stamp)
    if rest is not None:
        return served.prefix + rest
    # The release contains the neighbours of an image that no change has touched.
    return neighborhood_of(served, row) if stamp == 0 else None


def neighborhood_of(served: ServedRelease, row: int) -> bytes:
    """Return the answer to `GET /neighbors?id=` for a row, as JSON."""
    cache, stamp = served.caches.neighborhoods, served.live.stamp(row)
    rest = cache.get(row, stamp)
    if rest is None:
        found = served.live.neighbors(row)
        rest = _rest(neighborhood(served, served.live.record(row).id, DEGREE, found))
        cache.put(row, stamp, rest)
    return served.prefix + rest


def prediction_of(served: ServedRelease, row: int) -> bytes:
    """Return the answer to `GET /predict?id=` for a row, as JSON."""
    cache = served.caches.predictions
    # The file of a row never changes, and neither does its prediction.
    rest = cache.get(row, 0)
    if rest is None:
        rest = _rest(prediction(served, served.recognition(row)))
        cache.put(row, 0, rest)
    return served.prefix + rest


def published_map(served: ServedRelease, n: int, compressed: bool) -> bytes:
    """Return the map of `n` images, as JSON; compressed with gzip if `compressed`."""
    cache, key = served.caches.maps, (n, compressed)
    body = cache.get(key, served.revision)
    if body is None:
        rows = sample_rows(served.live, n, served.manifest.map_seed)
        body = served.prefix + _rest(map_of(served, rows, served.live.points(rows)))
        if compressed:
            body = gzip.compress(body, _COMPRESSION, mtime=0)
        cache.put(key, served.revision, body)
    return body


def _rest(answer: Answer) -> bytes:
    """Return an answer as JSON without the fields that `ServedRelease.prefix` contains."""
    return answer.model_dump_json(exclude={"release", "revision"}).encode()[1:]
