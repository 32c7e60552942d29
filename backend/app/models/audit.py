"""Who did something to an account, and from where, as the audit log records it."""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Literal

KEPT_BITS = {4: 24, 6: 48}
"""How many bits of an address are recorded: enough to tell places apart, too few to identify a person."""


@dataclass(frozen=True, slots=True)
class Visit:
    """The role in which somebody acts, and their network; None if no address is known."""

    actor: Literal["user", "visitor", "operator"] = "user"
    network: str | None = None


OPERATOR = Visit("operator")
"""The operator, who runs commands on the service's machine."""


def network_of(address: str | None) -> str | None:
    """Returns the network of an address as it is recorded; None if it is not an address."""
    try:
        found = ip_address((address or "").partition("%")[0])  # without the zone of a link-local address
    except ValueError:
        return None
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return str(ip_network(f"{found}/{KEPT_BITS[found.version]}", strict=False))
