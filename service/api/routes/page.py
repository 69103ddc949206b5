"""`/` and `/web/`: the page and its static files."""

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import HTTPException

from service.api.http_caching import accepts_gzip, coding_headers, is_not_modified
from service.static_files import static_files

router = APIRouter(include_in_schema=False)


@router.get("/")
async def page(request: Request) -> Response:
    """Return the page, which loads its data from the public API."""
    return _response(request, "index.html")


@router.get("/docs")
async def docs(request: Request) -> Response:
    """Return the API documentation, Swagger UI with `/openapi.json`."""
    return _response(request, "docs.html")


@router.get("/web/{path:path}")
async def file(request: Request, path: str) -> Response:
    """Return a script, a style sheet or the icon of the page."""
    return _response(request, path)


def _response(request: Request, name: str) -> Response:
    static_file = static_files().get(name)
    if static_file is None:
        raise HTTPException(404)
    is_compressed = accepts_gzip(request)
    headers = {
        # Revalidated at each use, because files of different versions are not compatible.
        "Cache-Control": "no-cache",
        "ETag": f'"{static_file.digest}{"-gzip" if is_compressed else ""}"',
    }
    if is_not_modified(request, headers["ETag"]):
        return Response(status_code=304, headers=headers | coding_headers(False))
    return Response(
        static_file.compressed if is_compressed else static_file.content,
        headers=headers | coding_headers(is_compressed),
        media_type=static_file.media_type,
    )
