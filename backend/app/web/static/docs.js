/* global SwaggerUIBundle */

// Swagger UI reads its settings here and not in the page, which may run no inline script.
SwaggerUIBundle({
  dom_id: '#swagger-ui',
  url: '/openapi.json',
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: true,
  validatorUrl: null,
});
