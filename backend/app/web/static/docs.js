/* global SwaggerUIBundle */

// Swagger UI is configured here, because the page may run no inline script.
SwaggerUIBundle({
  dom_id: '#swagger-ui',
  url: '/openapi.json',
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: true,
  validatorUrl: null,
});
