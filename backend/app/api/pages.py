"""Pages of lists: opaque cursors, and the JSON around items that Postgres serialized."""

import base64
import binascii
import hashlib
import json
import struct
from datetime import UTC, datetime, timedelta

from fastapi import Response

from ..errors import CursorInvalid
from ..models.ui import ui_message
from ..repositories.conversations import Place

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TAG_BYTES = 8


class Cursor:
    """Writes and reads the cursors of one list of one user, and rejects those of other lists and users.

    The tag protects against mix-ups, not forgery: a forged cursor leads only to the user's own rows.
    """

    def __init__(self, *list_: object) -> None:
        self._list = repr(list_).encode()

    def at(self, place: int | None) -> str | None:
        """Returns the cursor of a place that is one number; None if `place` is None."""
        return None if place is None else self.write(place)

    def write(self, *place: int) -> str:
        """Returns the cursor of a place that consists of signed 64-bit numbers."""
        packed = struct.pack(f">{len(place)}q", *place)
        return base64.urlsafe_b64encode(self._tag(packed) + packed).decode().rstrip("=")

    def read(self, cursor: str, numbers: int) -> tuple[int, ...]:
        """Returns the place in a cursor that `write` made of so many numbers. Raises CursorInvalid."""
        try:
            whole = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            tag, packed = whole[:_TAG_BYTES], whole[_TAG_BYTES:]
            place = struct.unpack(f">{numbers}q", packed)
        except (ValueError, binascii.Error, struct.error):
            raise CursorInvalid from None
        if tag != self._tag(packed) or self.write(*place) != cursor:
            raise CursorInvalid
        return place

    def _tag(self, packed: bytes) -> bytes:
        return hashlib.blake2b(
            packed, key=hashlib.sha256(self._list).digest(), digest_size=_TAG_BYTES
        ).digest()


def place_numbers(place: Place) -> tuple[int, int, int]:
    """Converts a place in a list of conversations to numbers, exact to the microsecond."""
    return int(place[0]), (place[1] - _EPOCH) // _MICROSECOND, place[2]


def numbers_place(numbers: tuple[int, ...]) -> Place:
    """Converts the numbers back. Raises CursorInvalid for a time that only a forged cursor can have."""
    try:
        return bool(numbers[0]), _EPOCH + numbers[1] * _MICROSECOND, numbers[2]
    except OverflowError:
        raise CursorInvalid from None


def page(items: bytes, **cursors: str | None) -> Response:
    """Returns `{items, next_cursor}`, or with other cursors, around items that are already JSON.

    Cursors that `Cursor` wrote need no escaping.
    """
    told = "".join(f',"{name}":' + (f'"{cursor}"' if cursor else "null") for name, cursor in cursors.items())
    return json_response(b"".join((b'{"items":', items, told.encode(), b"}")))


def whole(items: bytes) -> Response:
    """Returns `{items}`, for a list that has no further page."""
    return json_response(b'{"items":' + items + b"}")


def ui_items(items: bytes) -> bytes:
    """Converts messages, as JSON, to `UIMessage`s of the AI SDK."""
    return json.dumps(list(map(ui_message, json.loads(items))), ensure_ascii=False).encode()


def json_response(body: bytes, status: int = 200, location: str | None = None) -> Response:
    """Returns a response whose body is already JSON."""
    headers = {} if location is None else {"Location": location}
    return Response(body, status, headers, media_type="application/json")
