"""Which operations of an OpenAPI document somebody has used with success."""

import re
from collections import Counter

import httpx

from openapi.document import Document


class Covered:
    """Notes answers, and counts those that are no refusal by the name of their operation."""

    def __init__(self, document: Document) -> None:
        self.counted: Counter[str] = Counter({operation.name: 0 for operation in document.operations})
        # One expression for all: thousands of requests are looked up.
        self._names = re.compile(
            "|".join(
                f"(?P<{one.name}>{one.method.upper()} {re.sub(r'{.*?}', '[^/]+', one.path)})"
                for one in document.operations
            )
        )

    def note(self, answer: httpx.Response) -> None:
        """A hook of a client."""
        if answer.is_success:
            self.counted[self._name(answer.request)] += 1

    def _name(self, request: httpx.Request) -> str:
        asked = f"{request.method} {request.url.path}"
        if (found := self._names.fullmatch(asked)) is None or found.lastgroup is None:
            raise AssertionError(f"{asked} is not in the document")
        return found.lastgroup
