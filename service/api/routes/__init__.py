"""The calls of the service, one module per resource."""

from fastapi import APIRouter

from service.api.routes import (
    errors,
    experiments,
    features,
    health,
    images,
    neighbors,
    page,
    predict,
    reference,
    tsne,
)

ROUTERS: tuple[APIRouter, ...] = (
    predict.router,
    neighbors.router,
    tsne.router,
    images.router,
    features.router,
    experiments.router,
    errors.router,
    health.router,
    reference.router,
    page.router,
)
