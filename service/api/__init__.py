"""HTTP interface: routes, parameters, uploads, errors and their description."""
