"""What Astro offers, as frozen data read from its JSON: cluster options, workspaces, and the clusters there are.

Tolerant: fields that we don't know are ignored, optional ones may be missing, and an entry without what identifies it
is left out. What is not known at all (`None`, or no options for a provider and type) is not checked here, but by Astro.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_RANGES = ("defaultVpcSubnetRange", "defaultPodSubnetRange", "defaultServiceSubnetRange", "defaultServicePeeringRange")
# The ranges of an existing cluster, by which it could overlap a new one.
_CLUSTER_RANGES = ("vpcSubnetRange", "secondaryVpcCidr", "podSubnetRange", "serviceSubnetRange", "servicePeeringRange")


@dataclass(frozen=True)
class Region:
    """`location` is Astro's word for the continent (Azure); `banned` are names of instances not to be had there."""

    name: str
    location: str = ""
    limited: bool = False
    banned: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Instance:
    """A type of database or node instance; `memory` as in "16Gi"."""

    name: str
    cpu: int = 0
    memory: str = ""


@dataclass(frozen=True)
class ProviderOptions:
    """Astro's ClusterOptions for one provider and type. `ranges` by the API's names, as in defaultVpcSubnetRange."""

    provider: str
    type: str
    regions: tuple[Region, ...] = ()
    default_region: str = ""
    databases: tuple[Instance, ...] = ()
    default_database: str = ""
    nodes: tuple[Instance, ...] = ()
    default_node: str = ""
    ranges: Mapping[str, str] = field(default_factory=dict)
    node_min: int | None = None
    node_max: int | None = None
    node_default: int | None = None

    def region(self, name: str) -> Region | None:
        return next((region for region in self.regions if region.name == name), None)


@dataclass(frozen=True)
class Workspace:
    id: str
    name: str


@dataclass(frozen=True)
class KnownCluster:
    """A cluster that the organization has; `status` and `health` are Astro's words."""

    id: str
    name: str
    provider: str = ""
    region: str = ""
    type: str = ""
    status: str = ""
    health: str = ""
    ranges: tuple[str, ...] = ()


@dataclass(frozen=True)
class Catalog:
    """All that is known. `options` by (provider, type); None means that no copy is known."""

    options: Mapping[tuple[str, str], ProviderOptions] = field(default_factory=dict)
    workspaces: tuple[Workspace, ...] | None = None
    clusters: tuple[KnownCluster, ...] | None = None

    @classmethod
    def from_documents(cls, documents: Mapping[str, Any]) -> "Catalog":
        """From Astro's JSON as it is kept: "options:DEDICATED", "options:HYBRID", "workspaces", "clusters" (lists)."""
        options = [
            each for kind in ("DEDICATED", "HYBRID") for each in parse_options(documents.get(f"options:{kind}"), kind)
        ]
        workspaces, clusters = documents.get("workspaces"), documents.get("clusters")
        return cls(
            {(each.provider, each.type): each for each in options},
            None if workspaces is None else tuple(parse_workspaces(workspaces)),
            None if clusters is None else tuple(parse_clusters(clusters)),
        )

    def options_for(self, values: Mapping[str, Any]) -> ProviderOptions | None:
        """The options for the provider and type in these values of a request, where a copy is known."""
        provider, kind = values.get("cloudProvider"), values.get("type")
        return self.options.get((provider, kind)) if isinstance(provider, str) and isinstance(kind, str) else None


# What is kept of each entry: Astro's also hold names and e-mails of whoever made them, which are none of ours to store.
_KEPT = {
    "workspaces": ("id", "name"),
    "clusters": ("id", "name", "cloudProvider", "region", "type", "status", "healthStatus", *_CLUSTER_RANGES),
}


def kept(document: str, listed: Any) -> Any:
    """What of Astro's answer is worth keeping, as JSON."""
    names = _KEPT.get(document)
    return [{name: each[name] for name in names if name in each} for each in _entries(listed)] if names else listed


def parse_options(listed: Any, type: str) -> list[ProviderOptions]:
    """The answer of `cluster-options` for this type: a bare list, one entry a provider."""
    return [
        ProviderOptions(
            provider=_text(each, "provider"),
            type=type,
            regions=tuple(_region(region) for region in _named(each.get("regions"))),
            default_region=_default(each, "defaultRegion"),
            databases=tuple(_instance(instance) for instance in _named(each.get("databaseInstances"))),
            default_database=_default(each, "defaultDatabaseInstance"),
            nodes=tuple(_instance(instance) for instance in _named(each.get("nodeInstances"))),
            default_node=_default(each, "defaultNodeInstance"),
            ranges={name: _text(each, name) for name in _RANGES if _text(each, name)},
            node_min=_number(each, "nodeCountMin"),
            node_max=_number(each, "nodeCountMax"),
            node_default=_number(each, "nodeCountDefault"),
        )
        for each in _entries(listed)
        if _text(each, "provider")
    ]


def parse_workspaces(listed: Any) -> list[Workspace]:
    """The entries of a list of workspaces."""
    found = [(_text(each, "id"), _text(each, "name")) for each in _entries(listed)]
    return [Workspace(id, name or id) for id, name in found if id]


def parse_clusters(listed: Any) -> list[KnownCluster]:
    """The entries of a list of clusters."""
    return [
        KnownCluster(
            id=_text(each, "id"),
            name=_text(each, "name"),
            provider=_text(each, "cloudProvider"),
            region=_text(each, "region"),
            type=_text(each, "type"),
            status=_text(each, "status"),
            health=_text(each.get("healthStatus"), "value"),
            ranges=tuple(_text(each, name) for name in _CLUSTER_RANGES if _text(each, name)),
        )
        for each in _entries(listed)
        if _text(each, "id")
    ]


def _region(each: Mapping[str, Any]) -> Region:
    banned = each.get("bannedInstances")
    names = [name for name in banned if isinstance(name, str)] if isinstance(banned, list) else []
    return Region(_text(each, "name"), _text(each, "location"), each.get("limited") is True, frozenset(names))


def _instance(each: Mapping[str, Any]) -> Instance:
    return Instance(_text(each, "name"), _number(each, "cpu") or 0, _text(each, "memory"))


def _default(each: Mapping[str, Any], key: str) -> str:
    return _text(each.get(key), "name")


def _named(listed: Any) -> Iterator[Mapping[str, Any]]:
    """Entries with a name, each name once: Astro has been seen to list a region twice."""
    seen: set[str] = set()
    for each in _entries(listed):
        name = _text(each, "name")
        if name and name not in seen:
            seen.add(name)
            yield each


def _entries(listed: Any) -> list[Mapping[str, Any]]:
    return [each for each in listed if isinstance(each, Mapping)] if isinstance(listed, list | tuple) else []


def _text(each: Any, key: str) -> str:
    value = each.get(key) if isinstance(each, Mapping) else None
    return value if isinstance(value, str) else ""


def _number(each: Mapping[str, Any], key: str) -> int | None:
    value = each.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
