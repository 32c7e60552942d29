"""Spans for OpenTelemetry: how long the parts of a request take. They cost nothing where nobody takes them.

A span never holds what a user wrote or is called, and no error's text, which may quote it.
"""

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager

from opentelemetry import trace

_tracer = trace.get_tracer("chat-history")


def are_wanted() -> bool:
    """Whether the environment says where spans go, or anything else of OpenTelemetry."""
    return any(name.startswith("OTEL_") for name in os.environ)


def is_traced() -> bool:
    """Whether what runs now is part of something that is traced."""
    return trace.get_current_span().is_recording()


def span(name: str, attributes: Mapping[str, str]) -> AbstractContextManager[trace.Span]:
    """A span for as long as the block takes, below the one in which it begins."""
    return _tracer.start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    )


def hide_address() -> None:
    """Takes the address out of the span of this request: a path has ids, a query has words of the user."""
    if is_traced():
        trace.get_current_span().set_attributes({"url.path": "", "url.query": ""})
