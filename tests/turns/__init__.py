"""The turn engine, through the public API."""
