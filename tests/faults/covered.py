"""Which operations of an OpenAPI document somebody has used with success."""

import re
from collections import Counter

import httpx

from openapi.document import Document


class Covered:
    """Notes answers, and counts those that are no refusal by the name of their operation."""

    def __init__(self, document: Document) -> None:
        self._paths = {
            operation.name: (
                operation.method.upper(),
                re.compile(re.sub(r"\{.*?\}", "[^/]+", operation.path)),
            )
            for operation in document.operations
        }
        self.counted: Counter[str] = Counter(dict.fromkeys(self._paths, 0))

    def note(self, answer: httpx.Response) -> None:
        """A hook of a client."""
        if answer.is_success:
            self.counted[self._name(answer.request)] += 1

    def _name(self, request: httpx.Request) -> str:
        for name, (method, path) in self._paths.items():
            if method == request.method and path.fullmatch(request.url.path):
                return name
        raise AssertionError(f"{request.method} {request.url.path} is not in the document")
