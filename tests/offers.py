"""What the create form offers, said once more apart from the code: from the documents that Astro sends, and by hand."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from bot.clusters.policy import Policy
from bot.clusters.schema import ApiVersion
from tests.unit.astro_fixtures import body as fixture

Documents = Mapping[str, Any]

_RANGES = {
    "vpcSubnetRange": "defaultVpcSubnetRange",
    "podSubnetRange": "defaultPodSubnetRange",
    "serviceSubnetRange": "defaultServiceSubnetRange",
    "servicePeeringRange": "defaultServicePeeringRange",
}
_GCP_DR = {f"dr{name[0].upper()}{name[1:]}": source for name, source in _RANGES.items()}
_LISTS = {
    "region": "regions",
    "drRegion": "regions",
    "dbInstanceType": "databaseInstances",
    "nodeInstanceType": "nodeInstances",
}
GROUPS = {
    "nodePools": ("name", "nodeInstanceType", "maxNodeCount", "isDefault"),
    "k8sTags": ("key", "value"),
}

# Something right for every field that takes text. The ranges lie apart from each other, whatever the provider.
RIGHT: Mapping[str, str] = {
    "vpcSubnetRange": "10.0.0.0/20",
    "secondaryVpcCidr": "100.64.0.0/19",
    "podSubnetRange": "10.1.0.0/19",
    "serviceSubnetRange": "10.2.0.0/22",
    "servicePeeringRange": "10.3.0.0/20",
    "drVpcSubnetRange": "10.4.0.0/20",
    "drSecondaryVpcCidr": "100.64.32.0/19",
    "drPodSubnetRange": "10.5.0.0/19",
    "drServiceSubnetRange": "10.6.0.0/22",
    "drServicePeeringRange": "10.7.0.0/20",
    "providerAccount": "123456789012",
    "tenantId": "82ab587e-33f8-47a2-8909-b9269551d45c",
    "dbInstanceType": "Small General Purpose",
    "region": "us-east4",  # in each of the policies that the walks know
    "drRegion": "uksouth",
    "nodeInstanceType": "m5.xlarge",
    "request.reason": "for the new team",
    "maxNodeCount": "5",
    "value": "platform",
}


def fields_shown(provider: str, kind: str, recovery: bool, version: ApiVersion) -> set[str]:
    """The paths of the inputs that this form has, repeated groups aside."""
    shown = {"cloudProvider", "type", "name", "region", "vpcSubnetRange", "dbInstanceType", "drRegion", "workspaceIds"}
    shown |= {"request.reason"}
    shown |= {"AWS": {"secondaryVpcCidr"}, "AZURE": set[str](), "GCP": set(_RANGES)}[provider]
    if provider == "AWS" and version == "v1":
        shown |= {"isPrivateNetworkEgressEnabled"}
    if kind == "HYBRID":
        shown |= {"providerAccount"} | ({"tenantId"} if provider == "AZURE" else set())
    if recovery:
        shown |= {"drVpcSubnetRange", "enableReplicationTimeControl"}
        shown |= {"AWS": {"drSecondaryVpcCidr"}, "AZURE": set[str](), "GCP": set(_GCP_DR)}[provider]
    return shown


# --- what Astro sends -------------------------------------------------------------------------------------------------


def astro(options: Any = None, workspaces: Any = None) -> Documents:
    """Documents as they are kept; those that are not given have the fixture's."""
    options = _all_options() if options is None else options
    workspaces = fixture("list_workspaces_200")["workspaces"] if workspaces is None else workspaces
    return {"options:DEDICATED": options, "options:HYBRID": options, "workspaces": workspaces, "clusters": []}


def _all_options() -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", copy.deepcopy(fixture("cluster_options_200_all")))


def many_workspaces(count: int) -> list[dict[str, Any]]:
    return [{"id": f"cl{number:08}xyz", "name": f"Team {number % 97} workspace {number}"} for number in range(count)]


def crowded() -> Documents:
    """More regions and Workspaces than one list of Slack's holds."""
    options = _all_options()
    for each in options:
        each["regions"] = [*each["regions"], *({"name": f"region-{number}"} for number in range(110))]
    return astro(options, many_workspaces(130))


def banning() -> Documents:
    """Regions where some instances cannot be had: in the default one the first of each, in the next ones more."""
    options = _all_options()
    for each in options:
        nodes, databases = ([i["name"] for i in each[key]] for key in ("nodeInstances", "databaseInstances"))
        for number, region in enumerate(each["regions"]):
            region["bannedInstances"] = [*nodes[: number % 2], *databases[: number % 3]]
    return astro(options)


@dataclass(frozen=True)
class Offers:
    """What is on offer, and what fills the form in at first, within policy's limits."""

    documents: Documents
    policy: Policy

    def of(self, provider: str | None, kind: str | None) -> Mapping[str, Any] | None:
        listed = self.documents.get(f"options:{kind}") or ()
        return next((each for each in listed if each["provider"] == provider), None)

    def default(self, path: str, provider: str | None, kind: str | None) -> str | None:
        options = self.of(provider, kind)
        if options is None:
            return None
        if path == "region":
            region = str(options["defaultRegion"]["name"])
            return region if region in self._regions(options) else None
        source = _RANGES.get(path) or (_GCP_DR.get(path) if provider == "GCP" else None)
        return options.get(source) if source else None

    def values(self, path: str, provider: str | None, kind: str | None, region: str | None) -> set[str] | None:
        """What may be chosen in this field; None where there is no list to choose from."""
        name = path.rpartition(".")[2]
        if name in ("cloudProvider", "type"):
            limits = self.policy.limits
            return {*(limits.providers if name == "cloudProvider" else limits.types)}
        if name == "workspaceIds":
            listed = self.documents.get("workspaces")
            return {each["id"] for each in listed} if listed else None
        options = self.of(provider, kind)
        if options is None or name not in _LISTS:
            return None
        if _LISTS[name] == "regions":
            return self._regions(options)
        banned = [each.get("bannedInstances", ()) for each in options["regions"] if each["name"] == region]
        return {each["name"] for each in options[_LISTS[name]]}.difference(*banned)

    def _regions(self, options: Mapping[str, Any]) -> set[str]:
        allowed = self.policy.limits.regions
        return {each["name"] for each in options["regions"] if not allowed or each["name"] in allowed}
