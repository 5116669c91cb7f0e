"""The nouns of a decision: who, what, about which request, and what was decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from bot.clusters.policy_file import Members


class Action(StrEnum):
    """What a person wants to do. EXECUTE is the last check, on the requester, before the create call is made."""

    OPEN = "open"
    SUBMIT = "submit"
    APPROVE = "approve"
    DENY = "deny"
    CANCEL = "cancel"
    RETRY = "retry"
    EDIT = "edit"
    MUTE = "mute"
    REFRESH = "refresh"
    ADOPT = "adopt"
    ABANDON = "abandon"
    EXECUTE = "execute"


@dataclass(frozen=True)
class Person:
    """What is known of somebody now.

    `groups` holds those of the policy's user groups that they belong to, None where that could not be looked up;
    `astro_role` is their role in Astro's organization, None where they have none there; `astro_known` and `is_known`
    are False where Astro or Slack could not be asked.
    """

    id: str
    groups: frozenset[str] | None
    astro_role: str | None
    astro_known: bool
    is_guest: bool
    is_bot: bool
    is_deleted: bool
    is_stranger: bool
    is_known: bool = True


@dataclass(frozen=True)
class RequestFacts:
    """What the policy wants to know of a request. `requester_groups`: as they were when it was submitted."""

    requester: str
    body: Mapping[str, Any]
    approved_by: tuple[str, ...] = ()
    requester_groups: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Decision:
    """`reason` is what the person is shown where it is no; `ask` are ids of users and groups who can help, `where` ids
    of channels to go to; `rule` names what decided; `unknown` says that a look-up failed and trying again may help."""

    allowed: bool
    reason: str = ""
    rule: str = ""
    ask: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    unknown: bool = False


class Approval(BaseModel):
    """How one request is to be approved. `rule` is "" where [approval] alone says so, else "rule 1" and so on."""

    model_config = ConfigDict(frozen=True)

    required: bool
    quorum: int
    self_approval: bool
    expires_hours: float
    remind_hours: float
    approvers: Members
    rule: str = ""


@dataclass(frozen=True)
class Lookups:
    """What the policy makes worth looking up: these user groups, and whether anybody's role in Astro."""

    usergroups: tuple[str, ...]
    astro_roles: bool
