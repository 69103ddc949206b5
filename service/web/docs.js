/** The API documentation: Swagger UI with the OpenAPI description of this service. */

// The description has no server, and its default is the root of the host. A reverse proxy may serve
// the service under a path prefix, which only the URL of this page contains.
const servers = [{ url: new URL(".", location.href).href.replace(/\/$/, "") }];

fetch("openapi.json")
  .then((response) => response.json())
  .then(
    (spec) => ({ spec: { ...spec, servers } }),
    // Swagger UI reports the error.
    () => ({ url: "openapi.json" }),
  )
  .then((source) => SwaggerUIBundle({ dom_id: "#swagger-ui", deepLinking: true, ...source }));
