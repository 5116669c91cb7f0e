"""What the sandbox's Astro refuses of a create request, as far as Astro says or is known to refuse it.

From the API page "Create a cluster" and its three variants: required and unknown fields, types, what HYBRID and DR on
GCP need, the size of a secondary range. Not documented, so not refused: host bits, overlaps, other sizes, names.
"""

import ipaddress
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from bot.sandbox.astro_offers import PROVIDERS, TYPES, Json

_TEXTS = ("name", "region", "dbInstanceType", "providerAccount", "drRegion", "tenantId")
_RANGES = ("vpcSubnetRange", "drVpcSubnetRange")
_AWS_RANGES = ("secondaryVpcCidr", "drSecondaryVpcCidr")
_GCP_NEEDS = ("podSubnetRange", "serviceSubnetRange", "servicePeeringRange")
_GCP_DR_NEEDS = ("drVpcSubnetRange", "drPodSubnetRange", "drServiceSubnetRange", "drServicePeeringRange")
_EVERYWHERE = frozenset(
    {
        "cloudProvider",
        "type",
        "name",
        "region",
        "vpcSubnetRange",
        "dbInstanceType",
        "providerAccount",
        "nodePools",
        "k8sTags",
        "workspaceIds",
        "drRegion",
        "drVpcSubnetRange",
        "enableReplicationTimeControl",
    }
)
_FIELDS = {
    "AWS": _EVERYWHERE | frozenset(_AWS_RANGES) | {"isPrivateNetworkEgressEnabled"},
    "AZURE": _EVERYWHERE | {"tenantId"},
    "GCP": _EVERYWHERE | frozenset(_GCP_NEEDS) | frozenset(_GCP_DR_NEEDS),
}


@dataclass(frozen=True)
class Refusal:
    """What Astro says of one field."""

    field: str
    code: str
    message: str


def refusals(
    body: Any, *, options: Mapping[str, Json], workspaces: Collection[str], version: str = "v1"
) -> list[Refusal]:
    """Everything that is wrong with this body, by field; empty when it would be taken."""
    if not isinstance(body, dict):
        return [Refusal("", "invalid", "the body must be a JSON object")]
    provider = body.get("cloudProvider")
    if provider not in PROVIDERS:
        return [_required("cloudProvider")] if provider in (None, "") else [_one_of("cloudProvider", PROVIDERS)]
    found = [*_missing(body, provider), *_unknown(body, provider, version), *_mistyped(body), *_ranges(body)]
    if found:
        return found
    return [*_choices(body, options[provider], workspaces), *_pools(body, options[provider])]


def _required(field: str) -> Refusal:
    return Refusal(field, "required", f"{field} is required")


def _one_of(field: str, values: Collection[str]) -> Refusal:
    return Refusal(field, "oneof", f"{field} must be one of {', '.join(values)}")


def _missing(body: Json, provider: str) -> list[Refusal]:
    needs = ["name", "region", "type", "vpcSubnetRange"]
    if body.get("type") == "HYBRID":
        needs += ["dbInstanceType", "providerAccount"]
    if provider == "GCP":
        needs += _GCP_NEEDS
        needs += _GCP_DR_NEEDS if body.get("drRegion") else ()
    return [_required(field) for field in needs if body.get(field) in (None, "")]


def _unknown(body: Json, provider: str, version: str) -> list[Refusal]:
    known = _FIELDS[provider] - ({"isPrivateNetworkEgressEnabled"} if version != "v1" else set())
    return [
        Refusal(field, "unknown", f"{field} is not allowed for {provider} clusters")
        for field in sorted(set(body) - known)
    ]


def _mistyped(body: Json) -> list[Refusal]:
    def wrong(field: str, what: str) -> Refusal:
        return Refusal(field, "type", f"{field} must be {what}")

    def given(fields: Collection[str]) -> list[str]:
        return [field for field in fields if body.get(field) is not None]

    found = [wrong(field, "a string") for field in given(_TEXTS) if not isinstance(body[field], str)]
    found += [
        wrong(field, "a boolean")
        for field in given(("enableReplicationTimeControl", "isPrivateNetworkEgressEnabled"))
        if not isinstance(body[field], bool)
    ]
    if body.get("type") and body["type"] not in TYPES:
        found.append(_one_of("type", TYPES))
    for field in given(("workspaceIds", "k8sTags", "nodePools")):
        each_is = str if field == "workspaceIds" else dict
        if not isinstance(body[field], list) or not all(isinstance(each, each_is) for each in body[field]):
            found.append(wrong(field, f"a list of {'strings' if each_is is str else 'objects'}"))
        elif field == "k8sTags" and any(
            set(tag) - {"key", "value"} or not all(isinstance(text, str) for text in tag.values())
            for tag in body[field]
        ):
            found.append(wrong(field, "a list of keys and values"))
    return found


def _ranges(body: Json) -> list[Refusal]:
    found = []
    for field in (*_RANGES, *_AWS_RANGES, *_GCP_NEEDS, *_GCP_DR_NEEDS[1:]):
        text = body.get(field)
        if text in (None, ""):
            continue
        try:
            if not isinstance(text, str) or "/" not in text:
                raise ValueError(text)
            prefix = ipaddress.IPv4Network(text, strict=False).prefixlen
        except ValueError:
            found.append(Refusal(field, "cidr", f"{field} must be an IPv4 range such as 172.20.0.0/20"))
            continue
        if field in _AWS_RANGES and not 16 <= prefix <= 20:
            found.append(Refusal(field, "cidr", f"{field} must be between /16 and /20"))
    return found


def _choices(body: Json, options: Json, workspaces: Collection[str]) -> list[Refusal]:
    regions = {region["name"]: region for region in options["regions"]}
    region, second = body["region"], body.get("drRegion")
    found = [
        Refusal(field, "invalid", f"region {name} is not available for {body['cloudProvider']}")
        for field, name in (("region", region), ("drRegion", second))
        if name and name not in regions
    ]
    if second == region:
        found.append(Refusal("drRegion", "invalid", "drRegion must differ from region"))
    if body.get("enableReplicationTimeControl") and body["cloudProvider"] == "AZURE" and not found and second:
        # The Terraform provider checks it as well and says that it mirrors Astro.
        here, there = (regions[name].get("location") for name in (region, second))
        if here != there:
            message = "replication time control needs both regions on the same continent"
            found.append(Refusal("enableReplicationTimeControl", "invalid", message))
    return found + [
        Refusal("workspaceIds", "invalid", f"workspace {id} not found")
        for id in body.get("workspaceIds") or []
        if id not in workspaces
    ]


def _pools(body: Json, options: Json) -> list[Refusal]:
    found = []
    least, most = options["nodeCountMin"], options["nodeCountMax"]
    for number, pool in enumerate(body.get("nodePools") or []):
        path = f"nodePools.{number}"
        missing = [field for field in ("name", "nodeInstanceType", "maxNodeCount") if pool.get(field) in (None, "")]
        found += [_required(f"{path}.{field}") for field in missing]
        found += [
            Refusal(f"{path}.{field}", "unknown", f"{path}.{field} is not allowed")
            for field in sorted(set(pool) - {"name", "nodeInstanceType", "maxNodeCount", "isDefault"})
        ]
        count = pool.get("maxNodeCount")
        if "maxNodeCount" not in missing and (type(count) is not int or not least <= count <= most):
            message = f"maxNodeCount must be a number from {least} to {most}"
            found.append(Refusal(f"{path}.maxNodeCount", "range", message))
    return found
