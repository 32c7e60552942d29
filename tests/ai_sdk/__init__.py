"""The AI SDK's own client against a running service."""
