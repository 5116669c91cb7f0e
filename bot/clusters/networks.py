"""IPv4 ranges: reading what a person typed, and what two ranges have to do with each other.

All of it is ours: Astro's specification gives ranges no format, and does not say what its server checks.
"""

import ipaddress
import re
from collections.abc import Mapping
from ipaddress import IPv4Network
from itertools import combinations

_EXAMPLE = "172.20.0.0/20"

# RFC 1918, and RFC 6598 (carrier-grade NAT), which Astro's own defaults use.
PRIVATE = tuple(IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"))


def parse(text: str) -> IPv4Network:
    """The range that `text` states, as in "172.20.0.0/20".

    Raises:
        ValueError: with a sentence for the person who typed it, naming the way out.
    """
    address, slash, size = text.strip().partition("/")
    if not slash:
        raise ValueError(f"Write the range with its size, for example {_example(address)}.")
    if ":" in address:
        raise ValueError(f"This is an IPv6 range; Astro takes IPv4, for example {_EXAMPLE}.")
    if not _is_address(address):
        raise ValueError(f"{_quoted(text)} is not a range. Write it like {_EXAMPLE}.")
    if not re.fullmatch(r"[0-9]{1,2}", size) or int(size) > 32:
        raise ValueError(f"The size after the slash has to be a number up to 32, for example {_EXAMPLE}.")
    network = ipaddress.ip_network((address, int(size)), strict=False)
    if str(network.network_address) != address:
        raise ValueError(f"{address}/{int(size)} has host bits set; did you mean {network}?")
    if not isinstance(network, IPv4Network):  # the address was read as IPv4 above; this tells the type checker
        raise TypeError(network)
    return network


def parsed(text: object) -> IPv4Network | None:
    """The same, with None for whatever is no range."""
    try:
        return parse(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _is_address(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def _example(address: str) -> str:
    return f"{ipaddress.ip_network((address, 20), strict=False)}" if _is_address(address) else _EXAMPLE


def _quoted(text: str) -> str:
    return f"“{text.strip()[:40]}”"


def cidr(text: str) -> str:
    """`text` as a range in its one usual spelling. Raises ValueError as `parse` does."""
    return str(parse(text))


def sized(text: str, *, largest: int, smallest: int) -> str:
    """`text`, if its prefix lies from `largest` (as in 16) to `smallest` (as in 20). Raises ValueError otherwise."""
    network = parse(text)
    if largest <= network.prefixlen <= smallest:
        return text
    than = "larger than allowed" if network.prefixlen < largest else "smaller than allowed"
    raise ValueError(f"/{network.prefixlen} is {than}. Choose a size from /{largest} to /{smallest}.")


def overlaps(ranges: Mapping[str, IPv4Network]) -> list[tuple[str, str]]:
    """All pairs of names whose ranges share an address, each pair in the order of `ranges`."""
    return [(one, other) for one, other in combinations(ranges, 2) if ranges[one].overlaps(ranges[other])]


def is_private(network: IPv4Network) -> bool:
    """Whether all of it lies in one block of private address space."""
    return any(network.subnet_of(block) for block in PRIVATE)
