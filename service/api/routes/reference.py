"""`/docs` and `/openapi.json`: all calls described, with examples of the release that is served."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from service.api.dependencies import State
from service.api.openapi import OF_SCENES, Description, examples_of, with_examples
from service.reference.page import page
from service.reference.walk import reference_of
from service.serving.state import ServiceState

router = APIRouter(include_in_schema=False)

_STYLE = "web/reference.css"


@router.get("/docs")
async def docs(request: Request, state: State) -> Response:
    """The description for people."""
    return await state.queries.run(_docs, request, state)


@router.get("/openapi.json")
async def openapi(request: Request, state: State) -> Response:
    """The description for machines."""
    return await state.queries.run(_openapi, request, state)


def _docs(request: Request, state: ServiceState) -> Response:
    address = str(request.base_url).rstrip("/") + state.settings.root_path
    return HTMLResponse(page(reference_of(_description(request, state)), address, _STYLE))


def _openapi(request: Request, state: ServiceState) -> Response:
    return JSONResponse(_description(request, state))


def _description(request: Request, state: ServiceState) -> Description:
    served = state.served
    examples = OF_SCENES if served is None else examples_of(served)
    description = with_examples(request.app.openapi(), examples)
    root = state.settings.root_path
    return {**description, "servers": [{"url": root}]} if root else description
