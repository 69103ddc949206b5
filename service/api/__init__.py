"""HTTP interface: routes, dependencies, uploads, errors and the OpenAPI description."""
