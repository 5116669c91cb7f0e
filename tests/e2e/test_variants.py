"""What is typed into the form is what Astro gets: for each provider, type, with and without Disaster Recovery."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.slack import Form
from tests.e2e.forms import PROVIDERS, choose, click, shape
from tests.e2e.steps import made, until
from tests.world import World, make_world

Typed = dict[str, str | bool | list[str]]

COMBINATIONS = list(itertools.product(("DEDICATED", "HYBRID"), (False, True)))

TAGS: Typed = {
    "k8sTags.0.key": "team",
    "k8sTags.0.value": "data <platform> & friends",
    "k8sTags.1.key": "cost-center",
    "k8sTags.1.value": "0042",
}
OWN: dict[str, Typed] = {
    "AWS": {
        "region": "eu-west-1",
        "vpcSubnetRange": "10.0.0.0/20",
        "dbInstanceType": "db.r6g.large",
        "secondaryVpcCidr": "100.64.0.0/19",
    },
    "AZURE": {"region": "eastus2", "vpcSubnetRange": "10.0.0.0/19", "dbInstanceType": "Standard_E4ds_v4"},
    "GCP": {
        "region": "europe-west3",
        "vpcSubnetRange": "10.0.0.0/22",
        "podSubnetRange": "10.16.0.0/16",
        "serviceSubnetRange": "10.32.0.0/22",
        "servicePeeringRange": "10.48.0.0/20",
        "dbInstanceType": "Medium General Purpose",
    },
}
HYBRID: dict[str, Typed] = {
    provider: {
        "providerAccount": f"account-{provider}",
        **({"tenantId": "82ab587e-33f8-47a2-8909-b9269551d45c"} if provider == "AZURE" else {}),
        "nodePools.0.name": "default",
        "nodePools.0.nodeInstanceType": node,
        "nodePools.0.maxNodeCount": "20",
        "nodePools.0.isDefault": True,
        "nodePools.1.name": "big",
        "nodePools.1.nodeInstanceType": node,
        "nodePools.1.maxNodeCount": "2",
    }
    for provider, node in (("AWS", "m5.2xlarge"), ("AZURE", "Standard_D8d_v5"), ("GCP", "n2-standard-4"))
}
RECOVERY: dict[str, Typed] = {
    "AWS": {
        "drRegion": "eu-central-1",
        "drVpcSubnetRange": "10.1.0.0/20",
        "drSecondaryVpcCidr": "100.64.32.0/19",
        "enableReplicationTimeControl": True,
    },
    "AZURE": {"drRegion": "westus2", "drVpcSubnetRange": "10.64.0.0/19", "enableReplicationTimeControl": True},
    "GCP": {
        "drRegion": "europe-west1",
        "drVpcSubnetRange": "10.0.4.0/22",
        "drPodSubnetRange": "10.17.0.0/16",
        "drServiceSubnetRange": "10.32.4.0/22",
        "drServicePeeringRange": "10.48.16.0/20",
        "enableReplicationTimeControl": True,
    },
}
# What a person leaves alone on purpose: the reason is ours and isn't sent, the second pool is not the default one, and
# no region means no recovery.
LEFT_ALONE = {"request.reason", "nodePools.1.isDefault", "drRegion"}


def everything(world: World, provider: str, kind: str, recovery: bool, version: str) -> Typed:
    """A value for every field that there is, by its path in the form."""
    typed: Typed = {"cloudProvider": provider, "type": kind, "name": f"{provider}-{kind}-{recovery}", **OWN[provider]}
    typed["workspaceIds"] = [each["id"] for each in world.astro.workspaces[:2]]
    if provider == "AWS" and version == "v1":
        typed["isPrivateNetworkEgressEnabled"] = True
    return typed | TAGS | (HYBRID[provider] if kind == "HYBRID" else {}) | (RECOVERY[provider] if recovery else {})


async def fill(form: Form, typed: Typed) -> None:
    """All of it, the way a person would: what shapes the form first."""
    await shape(form, str(typed["cloudProvider"]), str(typed["type"]))
    for path in ("region", "drRegion"):
        if path in typed and form.value(path) != typed[path]:
            await choose(form, path, str(typed[path]))
    for group in ("nodePools", "k8sTags"):
        for _ in {path.split(".")[1] for path in typed if path.startswith(f"{group}.")}:
            await click(form, "add_item", group)
    for path, value in typed.items():
        if form.value(path) == value:
            continue
        if form.block(path)["element"]["type"].endswith("_input"):
            form.fill(path, str(value))
        else:
            await form.choose(path, value)


def nested(typed: Typed) -> dict[str, Any]:
    """The same as the body of a request: `nodePools.0.maxNodeCount` is a number in a list."""
    body: dict[str, Any] = {}
    for path, value in typed.items():
        field, *inner = path.split(".")
        if not inner:
            body[field] = value
            continue
        items = body.setdefault(field, [])
        if int(inner[0]) == len(items):
            items.append({})
        items[-1][inner[1]] = int(str(value)) if inner[1] == "maxNodeCount" else value
    return body


async def until_made(world: World, clusters: int) -> None:
    await until(lambda: len(made(world)) == clusters, f"{clusters} clusters")


async def sends_it_all(world: World, provider: str, version: str) -> None:
    async with world.running(ASTRO_API_VERSION=version):
        bodies = []
        for kind, recovery in COMBINATIONS:
            typed = everything(world, provider, kind, recovery, version)
            form = await world.opens_form()
            await fill(form, typed)
            assert set(form.paths()) == set(typed) | (LEFT_ALONE & set(form.paths())), "a field that nobody filled in"
            submitted = await form.submit()
            assert submitted.closed, submitted
            bodies.append(nested(typed))
            await until_made(world, len(bodies))
    assert world.astro.creates == bodies
    assert world.slack.refusals == []


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_every_field_arrives_as_it_was_typed(world: World, provider: str, version: str) -> None:
    await sends_it_all(world, provider, version)


async def test_every_field_arrives_over_socket_mode_too(tmp_path: Path) -> None:
    async with make_world(tmp_path, "socket") as world:
        await sends_it_all(world, "GCP", "v1")


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_what_is_cleared_again_is_not_sent(world: World, provider: str) -> None:
    async with world.running():
        form = await world.opens_form()
        typed = everything(world, provider, "DEDICATED", True, "v1")
        await fill(form, typed)
        for item in ("k8sTags.0", "k8sTags.1"):
            await click(form, "remove_item", item)
        await choose(form, "drRegion", None)
        await form.choose("workspaceIds", [])
        await form.choose("dbInstanceType", None)
        if provider == "AWS":
            form.fill("secondaryVpcCidr", "")
            await form.choose("isPrivateNetworkEgressEnabled", False)
        submitted = await form.submit()
        assert submitted.closed, submitted
        await until(lambda: made(world), "the cluster")
    wanted = ("cloudProvider", "type", "name", *OWN[provider])
    cleared = ("dbInstanceType", "secondaryVpcCidr")
    assert world.astro.creates == [{path: typed[path] for path in wanted if path not in cleared}]


async def test_recovery_takes_what_google_needs_from_astros_defaults(world: World) -> None:
    async with world.running():
        form = await world.opens_form()
        await shape(form, "GCP", "DEDICATED")
        await choose(form, "drRegion", "us-east4")
        form.fill("name", "prod")
        submitted = await form.submit()
        assert submitted.closed, submitted
        await until(lambda: made(world), "the cluster")
    (body,) = world.astro.creates
    defaults = world.astro.options["GCP"]
    for name in ("VpcSubnetRange", "PodSubnetRange", "ServiceSubnetRange", "ServicePeeringRange"):
        assert body[f"dr{name}"] == body[f"{name[0].lower()}{name[1:]}"] == defaults[f"default{name}"]
