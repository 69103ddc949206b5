"""`/`: the page to look at photographs, network and errors, and the files that it consists of."""

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import HTTPException

from service.api.http_caching import accepts_gzip, coding_headers, is_not_modified
from service.static_files import assets

router = APIRouter(include_in_schema=False)


@router.get("/")
async def page(request: Request) -> Response:
    """The page; it asks for all that it shows with the calls that `/docs` describes."""
    return _sent(request, "index.html")


@router.get("/docs")
async def docs(request: Request) -> Response:
    """Return the API documentation, Swagger UI with `/openapi.json`."""
    return _sent(request, "docs.html")


@router.get("/web/{path:path}")
async def file(request: Request, path: str) -> Response:
    """A script, a style sheet or a picture of the page."""
    return _sent(request, path)


def _sent(request: Request, name: str) -> Response:
    asset = assets().get(name)
    if asset is None:
        raise HTTPException(404)
    small = accepts_gzip(request)
    headers = {
        # Asked for each time, since files of two versions do not go together.
        "Cache-Control": "no-cache",
        "ETag": f'"{asset.digest}{"-gzip" if small else ""}"',
    }
    if is_not_modified(request, headers["ETag"]):
        return Response(status_code=304, headers=headers | coding_headers(False))
    return Response(
        asset.compressed if small else asset.plain,
        headers=headers | coding_headers(small),
        media_type=asset.media_type,
    )
