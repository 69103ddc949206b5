"""`/openapi.json`: OpenAPI description of all calls, with examples of the served release."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from service.api.dependencies import State
from service.api.openapi import OF_SCENES, examples_of, with_examples
from service.serving.state import ServiceState

router = APIRouter(include_in_schema=False)


@router.get("/openapi.json")
async def openapi(request: Request, state: State) -> Response:
    """Return the OpenAPI description."""
    return await state.queries.run(_openapi, request, state)


def _openapi(request: Request, state: ServiceState) -> Response:
    served = state.served
    examples = OF_SCENES if served is None else examples_of(served)
    description = with_examples(request.app.openapi(), examples)
    root = state.settings.root_path
    return JSONResponse({**description, "servers": [{"url": root}]} if root else description)
