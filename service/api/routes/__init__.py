"""Routes of the service, one module for each resource."""

from fastapi import APIRouter
from starlette.routing import Route

from service.api.routes import (
    changes,
    edits,
    errors,
    experiments,
    export,
    features,
    filters,
    health,
    images,
    jobs,
    neighbors,
    openapi,
    page,
    predict,
    review,
    search,
    selections,
    tsne,
    versions,
    writes,
)

DIRECT_ROUTES = (Route("/predict", predict.predict_upload, methods=["POST"]),)
"""Frequent calls whose endpoints take the request alone."""

ROUTERS: tuple[APIRouter, ...] = (
    predict.router,
    neighbors.router,
    search.router,
    tsne.router,
    images.router,
    filters.router,
    selections.router,
    writes.router,
    edits.router,
    jobs.router,
    features.router,
    export.router,
    versions.router,
    changes.router,
    experiments.router,
    errors.router,
    review.router,
    health.router,
    openapi.router,
    page.router,
)
