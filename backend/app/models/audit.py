"""What is noted about who did something to an account, and from where."""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Literal

KEPT_BITS = {4: 24, 6: 48}
"""How much of an address is noted: enough to see that it was another place, too little for a person."""


@dataclass(frozen=True, slots=True)
class Visit:
    """As whom somebody acts, and from which network; None where no address is known."""

    actor: Literal["user", "visitor", "operator"] = "user"
    network: str | None = None


OPERATOR = Visit("operator")
"""Whoever types commands where the service runs."""


def network_of(address: str | None) -> str | None:
    """The network that an address is in, as it is noted; None for what is no address."""
    try:
        found = ip_address(address or "")
    except ValueError:
        return None
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return str(ip_network(f"{found}/{KEPT_BITS[found.version]}", strict=False))
