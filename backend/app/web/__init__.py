"""The pages for people: the chat at `/` and the API's documentation at `/docs`."""
