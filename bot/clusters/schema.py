"""The body of Astro's "Create a cluster" request as pydantic models; the form, the checks and the summary follow it.

The API's own names throughout. The body is a `oneOf` by `cloudProvider`; whoever adds a field adds it here and nowhere
else. Each field carries what a person needs: title, description, example, and hints that the form compiler reads:

- `group`: the fields that belong together.
- `choices`: the list that it is chosen from; without a list known, it is free text.
- `when`: shown, and allowed, only where the named fields have one of these values (True: any value).
- `required_when`: needed where the same holds.
- `redraws`: the rest of the form depends on it.
- `default_from`: the field of Astro's cluster options that fills it in at first.
- `hint`: what stands under the field instead of the description; "" where the title says it all.
- `range`: it is one of the cluster's own address ranges.
- `note`: a line under the field that warns. `item`, `max_items`: what a repeated group holds, and how many at most.

Required fields, types and descriptions are Astro's (API page "Create a cluster", and the clients generated from its
specification). Bounds on lengths and on the number of items are ours; the specification has none.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bot.clusters import fields
from bot.clusters.catalog import Catalog
from bot.clusters.faults import Loc
from bot.clusters.texts import Cidr, SecondaryCidr, Visible, Word

Provider = Literal["AWS", "AZURE", "GCP"]
ClusterType = Literal["DEDICATED", "HYBRID"]
ApiVersion = Literal["v1", "v1beta1"]
PROVIDERS: tuple[Provider, ...] = ("AWS", "AZURE", "GCP")
TYPES: tuple[ClusterType, ...] = ("DEDICATED", "HYBRID")

_HYBRID = {"type": ["HYBRID"]}
_DR = {"drRegion": True}
_TITLED: dict[str, Any] = {"hint": ""}


def _distinct(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _hints(group: str, **hints: Any) -> dict[str, Any]:
    return {"group": group, **hints}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class NodePool(_Part):
    """One worker node pool."""

    name: Word = Field(
        title="Name", description="The name of the node pool.", examples=["my-nodepool"], json_schema_extra=_TITLED
    )
    nodeInstanceType: Word = Field(
        title="Instance type",
        description="The type of node instance that is used for the node pool.",
        examples=["t3.medium"],
        json_schema_extra={"choices": "nodeInstances", "hint": ""},
    )
    maxNodeCount: int = Field(
        ge=1,
        le=10_000,
        title="Most nodes",
        description="The maximum number of nodes that can be created in the node pool.",
        examples=[10],
        json_schema_extra=_TITLED,
    )
    isDefault: bool | None = Field(
        None,
        title="Default pool",
        description="Whether this is the default node pool of the cluster.",
        examples=[True],
        json_schema_extra=_TITLED,
    )


class K8sTag(_Part):
    """One Kubernetes tag. The API lets both be absent; that a tag has a key is ours."""

    key: Word = Field(title="Key", description="The tag's key.", examples=["key1"], json_schema_extra=_TITLED)
    value: Visible | None = Field(
        None,
        max_length=256,
        title="Value",
        description="The tag's value.",
        examples=["value1"],
        json_schema_extra=_TITLED,
    )


def _provider() -> Any:
    return Field(
        title="Cloud provider",
        description="The cluster's cloud provider.",
        examples=["AWS"],
        json_schema_extra=_hints("Basics", choices="providers", redraws=True, hint=""),
    )


class ClusterRequest(_Part):
    """What all three variants ask for. The variants add to it; `variant` finds the one for a provider."""

    cloudProvider: Provider = _provider()
    type: ClusterType = Field(
        title="Type",
        description="Dedicated: in Astronomer's cloud account. Hybrid: in yours.",
        examples=["DEDICATED"],
        json_schema_extra=_hints("Basics", choices="types", redraws=True),
    )
    name: Word = Field(
        title="Name",
        description="The cluster's name. No other cluster of your organization may have it.",
        examples=["My cluster"],
        json_schema_extra=_hints("Basics", hint="No other cluster of your organization may have it."),
    )
    region: Word = Field(
        title="Region",
        description="The cluster's region.",
        examples=["us-east-1"],
        json_schema_extra=_hints("Basics", choices="regions", redraws=True, default_from="defaultRegion", hint=""),
    )
    vpcSubnetRange: Cidr = Field(
        title="VPC range",
        description="The VPC subnet range.",
        examples=["172.20.0.0/20"],
        json_schema_extra=_hints("Network", range=True, default_from="defaultVpcSubnetRange", hint=""),
    )
    dbInstanceType: Word | None = Field(
        None,
        title="Database instance",
        description="The type of database instance that is used for the cluster. Required for Hybrid clusters.",
        examples=["Small General Purpose"],
        json_schema_extra=_hints("Basics", choices="databaseInstances", required_when=_HYBRID, hint=""),
    )


def _dr_region(note: str = "") -> Any:
    hint = "Choosing one turns Disaster Recovery on."
    hints = _hints("Disaster recovery", choices="regions", redraws=True, hint=hint)
    return Field(
        None,
        title="Disaster recovery region",
        description="The secondary region for Disaster Recovery. Choosing one turns Disaster Recovery on.",
        examples=["us-west-2"],
        json_schema_extra=hints | {"note": note} if note else hints,
    )


def _dr_range(title: str, of: str, example: str, **hints: Any) -> Any:
    return Field(
        None,
        title=title,
        description=f"The {of} range for the disaster recovery region. It may equal the primary one.",
        examples=[example],
        json_schema_extra=_hints("Disaster recovery", range=True, when=_DR, **hints),
    )


class _Recovery(ClusterRequest):
    drRegion: Word | None = _dr_region()
    drVpcSubnetRange: Cidr | None = _dr_range("Disaster recovery VPC range", "VPC subnet", "172.21.0.0/20")
    enableReplicationTimeControl: bool | None = Field(
        None,
        title="Replication time control",
        description="Whether Bucket Storage Replication Time Control is enabled for Disaster Recovery on task logs.",
        examples=[True],
        json_schema_extra=_hints("Disaster recovery", when=_DR, note="Replication time control costs extra."),
    )


class _LastingRecovery(_Recovery):
    # Astro's: on these two, Disaster Recovery can be enabled when the cluster is created, and at no other time.
    drRegion: Word | None = _dr_region("On AWS and GCP this cannot be changed later.")


class _Hybrid(ClusterRequest):
    providerAccount: Word | None = Field(
        None,
        title="Provider account",
        description="The provider account ID. Required for Hybrid clusters.",
        examples=["provider-account"],
        json_schema_extra=_hints("Hybrid", when=_HYBRID, required_when=_HYBRID),
    )
    # That node pools are for Hybrid alone is ours: Astro takes them for both types here, but lets them be changed
    # afterwards on Hybrid clusters only, and its own Terraform provider never sends them for Dedicated ones.
    nodePools: list[NodePool] | None = Field(
        None,
        max_length=5,
        title="Node pools",
        description="The list of node pools to create in the cluster.",
        json_schema_extra=_hints("Hybrid", when=_HYBRID, item="node pool", max_items=5),
    )


class _Access(ClusterRequest):
    workspaceIds: Annotated[list[Word], AfterValidator(_distinct)] | None = Field(
        None,
        title="Workspaces",
        description="The Workspaces that are authorized to the cluster. None chosen: all of them.",
        examples=["clm88rddl000108jwgeka2div"],
        json_schema_extra=_hints("Access and tags", choices="workspaces", hint="None chosen: all of them."),
    )
    k8sTags: list[K8sTag] | None = Field(
        None,
        max_length=10,
        title="Kubernetes tags",
        description="The Kubernetes tags in the cluster.",
        json_schema_extra=_hints("Access and tags", item="tag", max_items=10),
    )


class _AwsNetwork(ClusterRequest):
    secondaryVpcCidr: SecondaryCidr | None = Field(
        None,
        title="Secondary range",
        description="For pods; /16 to /20, best a /19 like 100.64.0.0/19. Must not overlap VPCs that are peered, ever.",
        examples=["100.64.0.0/19"],
        json_schema_extra=_hints("Network", range=True),
    )


class _AwsEgress(_AwsNetwork):
    isPrivateNetworkEgressEnabled: bool | None = Field(
        None,
        title="Private network egress",
        description="Whether traffic that leaves the cluster goes through your private network.",
        examples=[True],
        json_schema_extra=_hints("Network"),
    )


class _AwsRecovery(_LastingRecovery):
    drSecondaryVpcCidr: SecondaryCidr | None = _dr_range(
        "Disaster recovery secondary range", "secondary", "100.64.32.0/19"
    )


class _AzureHybrid(_Hybrid):
    tenantId: Word | None = Field(
        None,
        title="Tenant",
        description="The Azure tenant ID.",
        examples=["82ab587e-33f8-47a2-8909-b9269551d45c"],
        json_schema_extra=_hints("Hybrid", when=_HYBRID),
    )


class _GcpNetwork(ClusterRequest):
    podSubnetRange: Cidr = Field(
        title="Pod range",
        description="The subnet range for Pods.",
        examples=["172.21.0.0/19"],
        json_schema_extra=_hints("Network", range=True, default_from="defaultPodSubnetRange", hint=""),
    )
    # The specification has the descriptions of the next two the wrong way round; Astronomer's guide to creating a
    # cluster has them right, and so have we.
    serviceSubnetRange: Cidr = Field(
        title="Service range",
        description="The subnet range for GKE Services.",
        examples=["172.22.0.0/22"],
        json_schema_extra=_hints("Network", range=True, default_from="defaultServiceSubnetRange"),
    )
    servicePeeringRange: Cidr = Field(
        title="Service peering range",
        description="The range for Private Service connections.",
        examples=["172.23.0.0/20"],
        json_schema_extra=_hints("Network", range=True, default_from="defaultServicePeeringRange"),
    )


def _gcp_dr_range(title: str, of: str, example: str, default_from: str) -> Any:
    # Astro's, though its specification calls them optional: with Disaster Recovery on GCP all four are required.
    return _dr_range(title, of, example, required_when=_DR, default_from=default_from)


class _GcpRecovery(_LastingRecovery):
    drVpcSubnetRange: Cidr | None = _gcp_dr_range(
        "Disaster recovery VPC range", "VPC subnet", "172.20.4.0/22", "defaultVpcSubnetRange"
    )
    drPodSubnetRange: Cidr | None = _gcp_dr_range(
        "Disaster recovery pod range", "Pod", "172.21.0.0/19", "defaultPodSubnetRange"
    )
    drServiceSubnetRange: Cidr | None = _gcp_dr_range(
        "Disaster recovery service range", "GKE Services", "172.22.0.0/22", "defaultServiceSubnetRange"
    )
    drServicePeeringRange: Cidr | None = _gcp_dr_range(
        "Disaster recovery service peering range", "Private Service", "172.23.0.0/20", "defaultServicePeeringRange"
    )


# Fields come in the order of the bases, last to first: basics, network, recovery, hybrid, access; so does the form.
class AwsRequest(_Access, _Hybrid, _AwsRecovery, _AwsEgress):
    """A cluster on AWS."""

    cloudProvider: Literal["AWS"] = _provider()


class AwsRequestV1Beta1(_Access, _Hybrid, _AwsRecovery, _AwsNetwork):
    """The same on the older API, which does not know private network egress."""

    cloudProvider: Literal["AWS"] = _provider()


class AzureRequest(_Access, _AzureHybrid, _Recovery):
    """A cluster on Azure."""

    cloudProvider: Literal["AZURE"] = _provider()


class GcpRequest(_Access, _Hybrid, _GcpRecovery, _GcpNetwork):
    """A cluster on GCP."""

    cloudProvider: Literal["GCP"] = _provider()


_VARIANTS: Mapping[tuple[str, str], type[ClusterRequest]] = {
    ("AWS", "v1"): AwsRequest,
    ("AWS", "v1beta1"): AwsRequestV1Beta1,
    ("AZURE", "v1"): AzureRequest,
    ("AZURE", "v1beta1"): AzureRequest,
    ("GCP", "v1"): GcpRequest,
    ("GCP", "v1beta1"): GcpRequest,
}


def variant(provider: str, api_version: ApiVersion) -> type[ClusterRequest]:
    """The model for this provider. Raises KeyError where there is none."""
    return _VARIANTS[provider, api_version]


def body(request: ClusterRequest) -> dict[str, Any]:
    """The request as it is sent: the API's names, without what is empty, and a box not ticked is not sent."""
    return {
        name: value
        for name, value in request.model_dump(mode="json", exclude_none=True).items()
        if value not in ("", []) and value is not False
    }


def spec_hash(body: Mapping[str, Any]) -> str:
    """What an approval holds for: the SHA-256 of the body, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def summary(
    body: Mapping[str, Any], api_version: ApiVersion, labels: Mapping[str, str] = MappingProxyType({})
) -> list[tuple[str, str]]:
    """(title, value) for each field of a body, in the form's order; `labels` are names for ids. One line an item."""
    model = _VARIANTS.get((str(body.get("cloudProvider")), api_version), ClusterRequest)
    return fields.summarise(model, body, labels)


def defaults(provider: str, type: str, catalog: Catalog, api_version: ApiVersion) -> dict[str, Any]:
    """What Astro's options fill in at first, by field, Disaster Recovery's included; {} without a copy of them."""
    options = catalog.options.get((provider, type))
    if options is None:
        return {}
    given = {"defaultRegion": options.default_region, **options.ranges}
    named = {
        name: fields.hints(field).get("default_from")
        for name, field in variant(provider, api_version).model_fields.items()
    }
    return {name: given[source] for name, source in named.items() if source and given.get(source)}


def title_of(loc: Loc) -> str:
    """The title of the field at this path, as in "Node pools 1: Name", whichever variant has it."""
    found = (fields.title(model, loc) for model in _VARIANTS.values() if loc and loc[0] in model.model_fields)
    return next(found, ".".join(str(part) for part in loc))


def loc_of(field: str) -> Loc:
    """The path that Astro means by the `field` of a field error, as in nodePools[0].name; () where none is meant."""
    parts = [part for part in re.split(r"[.\[\]/]+", field) if part]
    names = {name.casefold(): name for model in _VARIANTS.values() for name, _ in fields.walk(model)}
    # The name of the request's type may stand in front.
    while parts and parts[0].casefold() not in names:
        parts.pop(0)
    return tuple(int(part) if part.isdecimal() else names.get(part.casefold(), part) for part in parts)


def field_names() -> frozenset[str]:
    """The names that a request may have at its top, in any variant."""
    return frozenset(name for model in _VARIANTS.values() for name in model.model_fields)


def bool_fields() -> frozenset[str]:
    """Those of them that are yes or no."""
    return frozenset(
        name
        for model in _VARIANTS.values()
        for name, info in model.model_fields.items()
        if fields.bare(info.annotation) is bool
    )
