"""The reference of all calls, made from the OpenAPI description: as Markdown and as a page."""
