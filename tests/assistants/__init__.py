"""Assistants by themselves."""
