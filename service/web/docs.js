/** The API documentation: Swagger UI with the OpenAPI description of this service. */

SwaggerUIBundle({ dom_id: "#swagger-ui", url: "openapi.json", deepLinking: true });
