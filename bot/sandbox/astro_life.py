"""A cluster at the sandbox's Astro: its scripted life, and the answer that shows it at a moment.

The life is computed when it is read, from a clock that is passed in, so nothing runs in between and tests own the time.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.sandbox.astro_offers import Json
from bot.sandbox.astro_people import new_id

# Statuses of a cluster that does not run (yet): what a build leaves behind is missing from it.
UNBUILT = frozenset({"", "CREATING", "CREATE_FAILED"})

# Of the request, what Astro repeats as it was.
_ECHOED = (
    "vpcSubnetRange",
    "secondaryVpcCidr",
    "podSubnetRange",
    "serviceSubnetRange",
    "servicePeeringRange",
    "drVpcSubnetRange",
    "drSecondaryVpcCidr",
    "drPodSubnetRange",
    "drServiceSubnetRange",
    "drServicePeeringRange",
    "isPrivateNetworkEgressEnabled",
)
_METADATA: dict[str, Json] = {
    "AWS": {
        "externalIPs": ["35.100.100.1", "35.100.100.2"],
        "kubeDnsIp": "10.100.100.0",
        "oidcIssuerUrl": "https://oidc.eks.us-east-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE",
    },
    "AZURE": {
        "externalIPs": ["20.50.60.70"],
        "kubeDnsIp": "10.0.0.10",
        "oidcIssuerUrl": "https://westeurope.oic.prod-aks.azure.com/b84efac8-cfae-467a-b223-23b9aea1486d/",
    },
    "GCP": {"externalIPs": ["34.70.80.90"], "kubeDnsIp": "100.65.0.10"},
}


@dataclass(frozen=True)
class Step:
    """A stretch of a life: it lasts so many seconds, or for so many reads, or, with neither, for good.

    `details` are those of the health: `{code, component, description, severity}` each.
    """

    status: str
    health: str = "UNKNOWN"
    details: tuple[Json, ...] = ()
    seconds: float | None = None
    polls: int | None = None


Script = Sequence[Step]


def usual_life(build_seconds: float) -> Script:
    """Astro's `""` for a moment, CREATING, CREATED, and healthy a little later."""
    return (
        Step("", seconds=build_seconds * 0.1),
        Step("CREATING", seconds=build_seconds * 0.9),
        Step("CREATED", seconds=build_seconds * 0.2),
        Step("CREATED", "HEALTHY"),
    )


class Life:
    """Where a script stands. Steps left behind don't come back."""

    def __init__(self, script: Script, now: float) -> None:
        if not script:
            raise ValueError("a life has at least one step")
        self._steps = deque(script)
        self.since = now
        self._reads = 0

    def at(self, now: float) -> Step:
        """The step at this moment, without counting as a read."""
        while len(self._steps) > 1 and (lasts := self._steps[0].seconds) is not None and now >= self.since + lasts:
            self._go_on(self.since + lasts)
        return self._steps[0]

    def read(self, now: float) -> Step:
        """The step that somebody who asks at this moment gets to see."""
        step = self.at(now)
        if step.polls is not None and self._reads >= step.polls and len(self._steps) > 1:
            self._go_on(now)
            return self.read(now)
        self._reads += 1
        return step

    def become(self, step: Step, now: float) -> None:
        """From now on this, for good."""
        self._steps = deque([step])
        self.since, self._reads = now, 0

    def _go_on(self, since: float) -> None:
        self._steps.popleft()
        self.since, self._reads = since, 0


@dataclass
class Cluster:
    """A cluster as the sandbox keeps it. `seen_from` is when lists begin to show it, by the sandbox's clock."""

    body: Json
    life: Life
    created: float
    seen_from: float
    organization: str
    database: str
    node: str
    id: str = field(default_factory=new_id)
    pool_id: str = field(default_factory=new_id)
    built: bool = False
    more: Json = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.body["name"])

    def answer(self, step: Step, created: str, updated: str) -> Json:
        """The cluster as Astro answers it; both times as text. What a build brings comes once it has been built."""
        self.built = self.built or step.status not in UNBUILT
        body = self.body
        found: Json = {
            "cloudProvider": body["cloudProvider"],
            "createdAt": created,
            "dbInstanceType": body.get("dbInstanceType") or self.database,
            "drRegion": body.get("drRegion") or "",
            "id": self.id,
            "isDrEnabled": bool(body.get("drRegion")),
            "name": self.name,
            "organizationId": self.organization,
            "region": body["region"],
            "status": step.status,
            "type": body["type"],
            "updatedAt": updated,
            "healthStatus": {"value": step.health, "details": list(step.details)},
            "workspaceIds": list(body.get("workspaceIds") or []),
        }
        found |= {key: body[key] for key in _ECHOED if body.get(key) is not None}
        if step.status != "CREATE_FAILED":
            found["isLimited"] = False
        if self.built:
            found |= self._of_the_build(step, updated)
        return found | self.more

    def _of_the_build(self, step: Step, updated: str) -> Json:
        provider, body = self.body["cloudProvider"], self.body
        found: Json = {"metadata": _METADATA[provider], "nodePools": self._pools(updated)}
        if provider == "AWS" or body.get("drRegion"):
            found |= {
                "isFailedOver": False,
                "failoverInProgress": step.status == "FAILING_OVER",
                "enableReplicationTimeControl": bool(body.get("enableReplicationTimeControl")),
            }
        if provider == "AZURE":
            found["tenantId"] = body.get("tenantId") or "82ab587e-33f8-47a2-8909-b9269551d45c"
        if provider == "GCP" or body.get("providerAccount"):
            found["providerAccount"] = body.get("providerAccount") or "provider-account"
        if provider == "AWS" and body["type"] == "HYBRID":
            found["tags"] = list(body.get("k8sTags") or [])
        return found

    def _pools(self, updated: str) -> list[Json]:
        asked: list[dict[str, Any]] = self.body.get("nodePools") or [
            {"name": "default", "nodeInstanceType": self.node, "maxNodeCount": 20, "isDefault": True}
        ]
        return [
            {
                "cloudProvider": self.body["cloudProvider"],
                "clusterId": self.id,
                "createdAt": updated,
                "id": self.pool_id[:-1] + "0123456789"[number % 10],
                "isDefault": bool(pool.get("isDefault")),
                "maxNodeCount": pool["maxNodeCount"],
                "name": pool["name"],
                "nodeInstanceType": pool["nodeInstanceType"],
                "supportedAstroMachines": ["A5", "A10"],
                "updatedAt": updated,
            }
            for number, pool in enumerate(asked)
        ]


def as_time(moment: datetime) -> str:
    """A moment as Astro writes it, to the millisecond."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
