"""The web pages: the chat at `/` and the API's documentation at `/docs`."""
