"""The OpenAPI document is a product: what it says is true, and what it shows works."""
