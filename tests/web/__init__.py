"""The pages: what is served, how it is built, and how it behaves in a browser."""
