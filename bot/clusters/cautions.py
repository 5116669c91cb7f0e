"""Warnings: what requester and approver should know, where Astro's sources disagree, are old, or leave it to us.

They stand on the card and never stop anything; faults are in checks.py.
"""

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from typing import Any

from bot.clusters import fields, networks, schema
from bot.clusters.catalog import Catalog

# Astronomer's guide to creating a cluster: "the minimum size you can use is /21" on AWS. The example in the API's own
# specification is smaller, and for the other providers no minimum is stated.
_SMALLEST_VPC = {"AWS": 21}
_NAMED_CLUSTERS = 3


def warnings(body: Mapping[str, Any], catalog: Catalog) -> tuple[str, ...]:
    """Sentences about this request, in order of weight; () where there is nothing to say."""
    return (*_lasting(body), *_small(body, catalog), *_public(body), *_shared(body, catalog))


def own_ranges(values: Mapping[str, Any]) -> dict[str, IPv4Network]:
    """The cluster's own ranges by field, those that parse, in the order of the form."""
    provider = values.get("cloudProvider")
    model = schema.variant(provider, "v1") if provider in schema.PROVIDERS else schema.ClusterRequest
    named = [name for name, field in model.model_fields.items() if fields.hints(field).get("range")]
    found = {name: networks.parsed(values.get(name)) for name in named}
    return {name: network for name, network in found.items() if network is not None}


def _lasting(body: Mapping[str, Any]) -> Iterator[str]:
    provider = body.get("cloudProvider")
    # Astro's: on these two, Disaster Recovery can be enabled when the cluster is created, and at no other time.
    if body.get("drRegion") and provider in ("AWS", "GCP"):
        yield f"Disaster recovery cannot be changed later on {provider}."


def _small(body: Mapping[str, Any], catalog: Catalog) -> Iterator[str]:
    smallest = _SMALLEST_VPC.get(str(body.get("cloudProvider")))
    options = catalog.options_for(body)
    default = networks.parsed(options.ranges.get("defaultVpcSubnetRange")) if options else None
    for name, network in own_ranges(body).items():
        vpc = name in ("vpcSubnetRange", "drVpcSubnetRange")
        if vpc and smallest is not None and network.prefixlen > smallest and network != default:
            title = schema.title_of((name,))
            yield f"{title} {network} is smaller than the /{smallest} that Astronomer's guide asks for."


def _public(body: Mapping[str, Any]) -> Iterator[str]:
    for name, network in own_ranges(body).items():
        if not networks.is_private(network):
            yield f"{schema.title_of((name,))} {network} is not private address space."


def _shared(body: Mapping[str, Any], catalog: Catalog) -> Iterator[str]:
    """Clusters whose ranges overlap cannot be peered with the same network; they may well be meant to live apart."""
    own = own_ranges(body).values()
    sharing = [
        cluster.name
        for cluster in catalog.clusters or ()
        if any(mine.overlaps(theirs) for mine in own for theirs in map(networks.parsed, cluster.ranges) if theirs)
    ]
    if sharing:
        more = len(sharing) - _NAMED_CLUSTERS
        named = sharing if more <= 0 else [*sharing[:_NAMED_CLUSTERS], f"{more} more"]
        listed = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
        yield f"Its ranges overlap those of {listed}, so they cannot all be peered with one network."
