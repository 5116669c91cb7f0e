"""The sandbox's organization, its Workspaces and its users, in the shapes that Astro answers."""

import secrets
from collections.abc import Sequence
from typing import Any

from bot.sandbox.astro_offers import Json

OLIVE = "olive@example.com"

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_WORKSPACES = (("clm88rddl000108jwgeka2div", "Data Platform"), ("", "Analytics"), ("", "Machine Learning"))
_USERS = (
    ("Olive Owner", OLIVE, "ORGANIZATION_OWNER", "ACTIVE"),
    ("Mel Member", "mel@example.com", "ORGANIZATION_MEMBER", "ACTIVE"),
    ("Bill Billing", "bill@example.com", "ORGANIZATION_BILLING_ADMIN", "ACTIVE"),
    ("Pat Pending", "pat@example.com", "ORGANIZATION_OWNER", "PENDING"),
)


def new_id() -> str:
    """An id like Astro's: a cuid of 25 lower-case letters and digits, the first a `c`."""
    return "c" + "".join(secrets.choice(_DIGITS) for _ in range(24))


def organization(id: str) -> Json:
    """The organization as v1 answers it; v1beta1 adds `supportPlan`."""
    olive = {"id": new_id(), "subjectType": "USER", "username": OLIVE, "fullName": "Olive Owner"}
    return {
        "allowEnhancedSupportAccess": False,
        "createdAt": "2022-11-22T04:37:12Z",
        "createdBy": olive,
        "hasAllowedIpAddressRanges": False,
        "id": id,
        "isBlockedEnableAiFeatures": False,
        "isScimEnabled": False,
        "name": "Example Org",
        "product": "HOSTED",
        "productPlans": [],
        "shouldEnforceDedicatedClusters": False,
        "status": "ACTIVE",
        "updatedAt": "2026-01-01T00:00:00Z",
        "updatedBy": olive,
    }


def workspaces(organization: str, wanted: int | Sequence[str | Json]) -> list[Json]:
    """So many Workspaces, or those of these names; whole ones are taken as they are."""
    if isinstance(wanted, int):
        more = [("", f"Workspace {number}") for number in range(len(_WORKSPACES) + 1, wanted + 1)]
        return [_workspace(organization, id, name) for id, name in [*_WORKSPACES, *more][:wanted]]
    return [_workspace(organization, "", each) if isinstance(each, str) else each for each in wanted]


def _workspace(organization: str, id: str, name: str) -> Json:
    return {
        "cicdEnforcedDefault": True,
        "createdAt": "2023-09-08T12:00:00Z",
        "description": f"What belongs to {name}",
        "id": id or new_id(),
        "name": name,
        "organizationId": organization,
        "organizationName": "Example Org",
        "updatedAt": "2023-09-08T13:30:00Z",
    }


def user(full_name: str, email: str, role: str | None, status: str = "ACTIVE", **more: Any) -> Json:
    """A user; `role` is their role in the organization, which Astro may leave out."""
    found = {
        "avatarUrl": "https://avatar.url",
        "createdAt": "2024-03-01T09:00:00Z",
        "fullName": full_name,
        "id": new_id(),
        "status": status,
        "updatedAt": "2026-10-01T09:00:00Z",
        "username": email,
    }
    return found | ({"organizationRole": role} if role else {}) | more


def users() -> list[Json]:
    """An owner, a member, a billing admin, and an owner whose invitation is still open."""
    return [user(*each) for each in _USERS]
