"""Types of settings that restrict their values more than a plain type does."""

import re
from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

Seconds = Annotated[float, Field(ge=0.1, le=86_400, allow_inf_nan=False)]
"""A time to wait, in seconds: long enough for anything to happen, and a day at most."""

Lifetime = Annotated[int, Field(ge=1, le=315_360_000)]
"""A lifetime in seconds, ten years at most."""


def _parts(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


Listed = BeforeValidator(_parts)
"""Accepts a text of several values with commas between them."""

_ORIGIN = re.compile(
    r"(?!http://.*:80$|https://.*:443$)"
    r"[a-z][a-z0-9+.-]*://([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:[1-9][0-9]{0,4})?"
)


def _as_browsers_send_them(origins: tuple[str, ...]) -> tuple[str, ...]:
    # They are compared exactly: one that no browser sends would allow nothing, without any error.
    if not all(origin == "*" or _ORIGIN.fullmatch(origin) for origin in origins):
        raise ValueError(
            "must be origins as browsers send them, such as https://chat.example or http://localhost:3000: "
            "in lower case, without a path and the scheme's own port"
        )
    return origins


Origins = Annotated[tuple[str, ...], AfterValidator(_as_browsers_send_them)]
"""Sites that may call from a browser; `*` for any."""


def _addresses(proxies: tuple[str, ...]) -> tuple[str, ...]:
    # The server would treat anything else as the name of a client, and trust no proxy.
    try:
        for proxy in () if proxies == ("*",) else proxies:
            ip_network(proxy)
    except ValueError:
        raise ValueError("must be addresses, or networks such as 10.0.0.0/8; or * alone") from None
    return proxies


Proxies = Annotated[tuple[str, ...], AfterValidator(_addresses)]
"""Proxies that may say from which address a request comes."""
