"""Typed clients of the service."""

from service.client.client import AsyncClient, Client
from service.client.errors import ServiceError

__all__ = ["AsyncClient", "Client", "ServiceError"]
