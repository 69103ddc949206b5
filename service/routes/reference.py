"""`/docs` and `/openapi.json`: all calls described, with examples of the release that is served."""

from functools import cache
from importlib.resources import files

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

from service.description import OF_SCENES, Description, examples_of, with_examples
from service.parameters import State
from service.reference.page import page
from service.reference.walk import reference_of
from service.state import ServiceState

router = APIRouter(include_in_schema=False)

_STYLE = "/docs/reference.css"


@router.get("/")
async def front_door() -> RedirectResponse:
    """Lead people to the description."""
    return RedirectResponse("/docs")


@router.get("/docs")
def docs(request: Request, state: State) -> HTMLResponse:
    """The description for people."""
    address = str(request.base_url).rstrip("/")
    return HTMLResponse(page(reference_of(_description(request, state)), address, _STYLE))


@router.get(_STYLE)
def style() -> Response:
    """How the page looks."""
    return Response(
        _style_sheet(), media_type="text/css", headers={"Cache-Control": "max-age=3600"}
    )


@router.get("/openapi.json")
def openapi(request: Request, state: State) -> JSONResponse:
    """The description for machines."""
    return JSONResponse(_description(request, state))


def _description(request: Request, state: ServiceState) -> Description:
    opened = state.opened
    examples = OF_SCENES if opened is None else examples_of(opened)
    return with_examples(request.app.openapi(), examples)


@cache
def _style_sheet() -> bytes:
    return files("service").joinpath("web/reference.css").read_bytes()
