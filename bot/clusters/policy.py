"""Who may do what, decided purely: (policy, person, action, request) → allowed or not, with the reason that is shown.

Default deny; what could not be looked up denies, too, and says so (`Decision.unknown`). The policy file is read
in policy_file.py; policy_facts.py has the nouns.
"""

from collections.abc import Collection, Mapping
from typing import Any

from bot.clusters.faults import Fault
from bot.clusters.policy_facts import Action, Approval, Decision, Lookups, Person, RequestFacts
from bot.clusters.policy_file import Limits, Members, Policy, Preset, Rule, load

__all__ = [
    "Action",
    "Approval",
    "Decision",
    "Limits",
    "Lookups",
    "Members",
    "Person",
    "Policy",
    "Preset",
    "RequestFacts",
    "approvable",
    "approval_for",
    "channel_allowed",
    "decide",
    "limit_faults",
    "load",
    "lookups",
    "may_approve",
    "open_requests_allowed",
]


def lookups(policy: Policy) -> Lookups:
    """All that the policy makes worth looking up."""
    named = [policy.requesters, policy.approvers]
    named += [rule.approval.approvers for rule in policy.rules if rule.approval.approvers]
    groups = {group for members in named for group in members.usergroups}
    groups |= {str(group) for rule in policy.rules for group in rule.wanted("requester_usergroups")}
    return Lookups(tuple(sorted(groups)), any(members.astro_roles for members in named))


def approval_for(policy: Policy, facts: RequestFacts) -> Approval:
    """The terms for this request: [approval], overridden by the first of [[rules]] that matches."""
    terms: dict[str, Any] = {**dict(policy.approval), "approvers": policy.approvers}
    for number, rule in enumerate(policy.rules, start=1):
        if _matches(rule, facts):
            given = {key: value for key, value in dict(rule.approval).items() if value is not None}
            return Approval(**{**terms, **given, "rule": f"rule {number}"})
    return Approval(**terms)


def _matches(rule: Rule, facts: RequestFacts) -> bool:
    return all(_has(facts, key, rule.wanted(key)) for key in rule.match)


def _has(facts: RequestFacts, key: str, wanted: Collection[Any]) -> bool:
    if key == "dr":
        return bool(facts.body.get("drRegion")) in wanted
    if key == "requester_usergroups":
        return not facts.requester_groups.isdisjoint(wanted)
    held = facts.body.get(key)
    if isinstance(held, list | tuple):
        return any(value in wanted for value in held)
    return held in wanted or (held is None and False in wanted)  # a box that isn't ticked isn't sent


def may_approve(policy: Policy, person: Person) -> Decision:
    """Whether there are requests that this person may decide on, by [approvers] or by any of [[rules]]."""
    barred = _barred(person)
    if barred:
        return barred
    named = [policy.approvers, *(rule.approval.approvers for rule in policy.rules if rule.approval.approvers)]
    decisions = [_membership(members, person, _NOT_APPROVER, ask=()) for members in named]
    return next((decision for decision in decisions if decision.allowed), decisions[0])


def decide(policy: Policy, person: Person, action: Action, request: RequestFacts | None = None) -> Decision:
    """Whether `person` may do this to this request. OPEN needs none; SUBMIT without one asks for membership only."""
    barred = _barred(person)
    if barred:
        return barred
    if action in (Action.OPEN, Action.SUBMIT, Action.EXECUTE):
        return _may_request(policy, person, action, request)
    if request is None:
        return Decision(False, "There is no such request.")
    approval = approval_for(policy, request)
    if action in (Action.APPROVE, Action.DENY):
        return _may_decide(approval, person, action, request)
    if action in (Action.ADOPT, Action.ABANDON):
        return _membership(approval.approvers, person, _NOT_APPROVER, ask=approval.approvers.ids, rule=approval.rule)
    if action is Action.EDIT and person.id != request.requester:
        return Decision(
            False, "Only the person who asked for this cluster can edit the request.", ask=(request.requester,)
        )
    asked = _may_request(policy, person, Action.OPEN, None)
    if action is Action.EDIT or asked.allowed:
        return asked
    return _cancel_or_retry(approval, person, action, asked)


_NOT_REQUESTER = "You are not among those who may ask for clusters."
_NOT_APPROVER = "You are not among those who may decide on this request."
_ASK_OPERATOR = "Ask whoever runs the bot."
_NO_REQUESTERS = f"Nobody may ask for clusters yet: the bot's policy names no requesters. {_ASK_OPERATOR}"
_NO_APPROVERS = f"Nobody may decide on this request: the bot's policy names no approvers. {_ASK_OPERATOR}"
_TRY_AGAIN = "Try again in a moment."


def _barred(person: Person) -> Decision | None:
    """Those whom no policy can let in."""
    reasons = (
        (person.is_deleted, "This account has been deactivated."),
        (person.is_bot, "Bots and apps cannot use this; a person has to."),
        (person.is_stranger, "Only people of this workspace can use this."),
        (person.is_guest, "Guests cannot use this. Ask a full member of this workspace to do it for you."),
    )
    for applies, reason in reasons:
        if applies:
            return Decision(False, reason)
    if not person.is_known:
        return Decision(False, f"Slack could not be asked who you are. {_TRY_AGAIN}", unknown=True)
    return None


def _membership(members: Members, person: Person, no: str, *, ask: tuple[str, ...], rule: str = "") -> Decision:
    """Listed (by group or id) and, where roles are named, of such a role. A sure no wins over a failed look-up."""
    if members.nobody:
        return Decision(False, _NO_APPROVERS if no is _NOT_APPROVER else _NO_REQUESTERS, rule)
    listed = _listed(members, person)
    has_role = _has_role(members, person)
    if listed is False or has_role is False:
        wanted = " or ".join(members.astro_roles)
        reason = no if listed is False else f"{no} Your role in Astro has to be {wanted}."
        others = tuple(id for id in ask if id != person.id)
        return Decision(False, reason if others else f"{reason} {_ASK_OPERATOR}", rule, ask=others)
    if listed is None:
        return Decision(
            False, f"Slack could not be asked which user groups you are in. {_TRY_AGAIN}", rule, unknown=True
        )
    if has_role is None:
        return Decision(False, f"Astro could not be asked for your role there. {_TRY_AGAIN}", rule, unknown=True)
    return Decision(True, rule=rule)


def _listed(members: Members, person: Person) -> bool | None:
    if person.id in members.users or not (members.users or members.usergroups):
        return True
    if not members.usergroups:
        return False
    return None if person.groups is None else not person.groups.isdisjoint(members.usergroups)


def _has_role(members: Members, person: Person) -> bool | None:
    if not members.astro_roles:
        return True
    return person.astro_role in members.astro_roles if person.astro_known else None


def _may_request(policy: Policy, person: Person, action: Action, request: RequestFacts | None) -> Decision:
    member = _membership(policy.requesters, person, _NOT_REQUESTER, ask=policy.requesters.ids or policy.approvers.ids)
    if not member.allowed or action is Action.OPEN:
        return member
    if request is not None and request.requester != person.id:
        return Decision(False, "Only the person who asked for this cluster can submit the request.")
    if person.groups is None and any("requester_usergroups" in rule.match for rule in policy.rules):
        # Which rule holds for them depends on a look-up that failed; a laxer one must not win by that.
        return Decision(False, f"Slack could not be asked which user groups you are in. {_TRY_AGAIN}", unknown=True)
    if request is None:
        return Decision(True) if action is Action.SUBMIT else Decision(False, "There is no such request.")
    faults = limit_faults(policy.limits, request.body)
    return Decision(False, faults[0].message, "limits", ask=policy.approvers.ids) if faults else Decision(True)


def _may_decide(approval: Approval, person: Person, action: Action, request: RequestFacts) -> Decision:
    member = _membership(approval.approvers, person, _NOT_APPROVER, ask=approval.approvers.ids, rule=approval.rule)
    if not member.allowed:
        return member
    others = tuple(id for id in approval.approvers.ids if id != person.id)
    if person.id == request.requester and not approval.self_approval:
        reason = "This is your own request, so somebody else has to decide."
        if action is Action.DENY:
            reason += " If you no longer want it, cancel it."
        return Decision(False, reason, approval.rule, ask=others)
    if action is Action.APPROVE and person.id in request.approved_by:
        return Decision(
            False, "You have approved this already; somebody else has to, as well.", approval.rule, ask=others
        )
    return member


_VERBS = {
    Action.CANCEL: "cancel this",
    Action.RETRY: "have this tried again",
    Action.MUTE: "mute or unmute this",
    Action.REFRESH: "have Astro asked about this",
}


def _cancel_or_retry(approval: Approval, person: Person, action: Action, asked: Decision) -> Decision:
    """For those who are not requesters (`asked` says why): approvers may, too."""
    decided = _membership(approval.approvers, person, _NOT_APPROVER, ask=approval.approvers.ids, rule=approval.rule)
    if decided.allowed:
        return decided
    if asked.unknown or decided.unknown:
        return asked if asked.unknown else decided
    verb = _VERBS[action]
    ask = tuple(dict.fromkeys(asked.ask + decided.ask))
    return Decision(False, f"Only those who may ask for clusters or decide on them can {verb}.", decided.rule, ask=ask)


def limit_faults(limits: Limits, body: Mapping[str, Any]) -> tuple[Fault, ...]:
    """What [limits] has against this request, by field. A field that is missing is none of its business."""
    allowed = {
        "cloudProvider": limits.providers,
        "type": limits.types,
        "region": limits.regions,
        "drRegion": limits.regions,
    }
    return tuple(
        Fault((key,), f"{body[key]} is not allowed here. Choose {_one_of(words)}.")
        for key, words in allowed.items()
        if words and body.get(key) and body[key] not in words
    )


def _one_of(words: Collection[str]) -> str:
    return " or ".join(words) if len(words) < 3 else f"one of {', '.join(words)}"


def open_requests_allowed(policy: Policy, open_now: int) -> Decision:
    """Whether somebody with this many open requests may have one more."""
    most = policy.limits.open_requests_per_user
    if open_now < most:
        return Decision(True)
    held = "1 open request" if open_now == 1 else f"{open_now} open requests"
    reason = f"You have {held}, and {most} at a time are allowed. Cancel one, or wait until one is done."
    return Decision(False, reason, "limits.open_requests_per_user", ask=policy.approvers.ids)


def channel_allowed(policy: Policy, channel: str) -> Decision:
    """Whether clusters may be asked for in this channel (its id)."""
    allowed = policy.channels.allowed
    if not allowed or channel in allowed:
        return Decision(True)
    return Decision(False, "Clusters cannot be asked for in this channel.", "channels.allowed", where=allowed)


def approvable(approval: Approval, requester: str, candidates: Collection[str] | None) -> Decision:
    """Whether enough people other than the requester (unless self-approval is allowed) could approve.

    `candidates` are the ids of all approvers, None where they cannot be counted (roles alone, or a failed look-up);
    then only a policy that names nobody is refused.
    """
    if not approval.required:
        return Decision(True)
    if approval.approvers.nobody:
        return Decision(False, _NO_APPROVERS, approval.rule)
    if candidates is None:
        return Decision(True)
    able = set(candidates) if approval.self_approval else set(candidates) - {requester}
    if len(able) >= approval.quorum:
        return Decision(True)
    needed = "somebody else's approval" if approval.quorum == 1 else f"{approval.quorum} approvals by others"
    reason = f"This needs {needed}, and the bot's policy names too few who could give them. {_ASK_OPERATOR}"
    return Decision(False, reason, approval.rule)
