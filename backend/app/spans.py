"""OpenTelemetry spans: how long the parts of a request take. They cost nothing unless they are collected.

A span never contains a user's name, what a user wrote, or the message of an error, which may quote it.
"""

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager

from opentelemetry import trace

_tracer = trace.get_tracer("chat-history")


def are_wanted() -> bool:
    """Whether the environment has any variable of OpenTelemetry."""
    return any(name.startswith("OTEL_") for name in os.environ)


def is_traced() -> bool:
    """Whether the current code runs inside a recorded span."""
    return trace.get_current_span().is_recording()


def span(name: str, attributes: Mapping[str, str]) -> AbstractContextManager[trace.Span]:
    """Returns a context manager that records its block as a child of the current span."""
    return _tracer.start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    )


def hide_address() -> None:
    """Removes path and query from the request's span: a path has ids, a query has words of the user."""
    if is_traced():
        trace.get_current_span().set_attributes({"url.path": "", "url.query": ""})
