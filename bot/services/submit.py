"""From a submitted form to a stored request: read, check, authorize, insert, commit. Then the caller acks."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from blocks import thread as posts
from bot.adapters.directory import Directory
from bot.clusters import checks, policy, schema
from bot.clusters.faults import Fault
from bot.clusters.lifecycle import LIVE, OPEN, State
from bot.clusters.policy import Action, Approval, Person, Policy, RequestFacts
from bot.clusters.schema import ApiVersion, ClusterRequest
from bot.errors import PersonError
from bot.services import story
from bot.services.choices import Choices
from bot.services.facts import approval_line, card_facts
from bot.services.form import Draft, Forms
from bot.services.story import Step
from bot.store import events, outbox, requests
from bot.store.engine import Conflict, Database, Transaction
from bot.store.forms import Form
from bot.store.requests import Request

_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # no 0 or O, 1, I or L, U: an id is read aloud and typed


@dataclass(frozen=True)
class Submitted:
    """What became of a submission: stored (`request`), faults beside their fields, or alerts on top of the form.

    `ask` are the ids of those who can help where policy refuses, `where` of the channels in which it would not.
    """

    request: Request | None = None
    beside: Mapping[str, str] = field(default_factory=dict)
    alerts: Sequence[str] = ()
    ask: Sequence[str] = ()
    where: Sequence[str] = ()
    draft: Draft | None = None


class Submitter:
    """One submission, stored at most once: its form's `submit_key` is unique, and kept on our side."""

    def __init__(
        self,
        db: Database,
        forms: Forms,
        choices: Choices,
        directory: Directory,
        policy: Callable[[], Policy],
        *,
        organization: str,
        api_version: ApiVersion,
    ) -> None:
        self._db, self._forms, self._choices, self._directory = db, forms, choices, directory
        self._policy, self._organization, self._api_version = policy, organization, api_version

    async def may_open(self, person: str, channel: str) -> policy.Decision:
        """Whether this person may see the form, in this channel, now."""
        current = self._policy()
        decision = policy.decide(current, await self._directory.person(person), Action.OPEN, None)
        if decision.allowed and channel:  # the Home tab is no channel: what is asked for there is told in DMs
            decision = policy.channel_allowed(current, channel)
        if decision.allowed:
            async with self._db.read() as tx:
                decision = policy.open_requests_allowed(current, await requests.count_open(tx, person, OPEN))
        return decision

    async def may_what(self, person: str) -> tuple[bool, bool]:
        """(may ask for clusters, may decide on them), as far as is known now."""
        current = self._policy()
        who = await self._directory.person(person)
        return policy.decide(current, who, Action.OPEN).allowed, policy.may_approve(current, who).allowed

    async def submit(self, person: str, view: Mapping[str, Any]) -> Submitted:
        """Store what the view holds, or say what is wrong with all of it at once.

        Raises:
            PersonError: the form isn't known, or somebody else opened it.
        """
        form = await self._forms.row(view, person)
        async with self._db.read() as tx:
            if existing := await requests.by_submit_key(tx, form.submit_key):
                return Submitted(existing)
            taken = [r.name for r in await requests.in_states(tx, LIVE)]
        draft = self._forms.read(view)
        current = self._policy()
        who = await self._directory.person(person)
        checked = checks.check(
            draft.values,
            api_version=self._api_version,
            catalog=self._choices.catalog,
            limits=current.limits,
            taken=taken,
        )
        faults = [*checked.faults]
        facts = RequestFacts(
            requester=person,
            body=schema.body(checked.request) if checked.request else draft.values,
            requester_groups=who.groups or frozenset(),
        )
        approval = policy.approval_for(current, facts)
        if approval.required and not draft.reason.strip():
            faults.append(Fault(("request", "reason"), "Say why you need it: the approver reads this."))
        if faults or checked.request is None:
            beside, above = self._forms.place(draft, faults)
            return Submitted(beside=beside, alerts=above, draft=draft)
        decision = policy.decide(current, who, Action.SUBMIT, facts)
        if decision.allowed and form.channel:
            decision = policy.channel_allowed(current, form.channel)
        if decision.allowed:
            decision = policy.approvable(approval, person, self._directory.listed(approval.approvers))
        if not decision.allowed:
            async with self._db.write() as tx:
                await events.add(
                    tx, "submit.refused", actor=person, rule=decision.rule, data={"reason": decision.reason}
                )
            return Submitted(alerts=[decision.reason], ask=decision.ask, where=decision.where, draft=draft)
        return await self._store(form, draft, checked.request, approval, who)

    async def _store(
        self, form: Form, draft: Draft, asked: ClusterRequest, approval: Approval, who: Person
    ) -> Submitted:
        for last in (False, True):
            try:
                async with self._db.write() as tx:
                    return await self._stored(tx, form, draft, asked, approval, who)
            except Conflict:
                # Another replica was first with this form or this name; the second look finds its row.
                if last:
                    raise
        raise AssertionError("unreachable")

    async def _stored(
        self, tx: Transaction, form: Form, draft: Draft, asked: ClusterRequest, approval: Approval, who: Person
    ) -> Submitted:
        if existing := await requests.by_submit_key(tx, form.submit_key):
            return Submitted(existing)
        body = schema.body(asked)
        name = str(body["name"])
        if held := await requests.holding_name(tx, self._organization, name.casefold(), LIVE):
            fault = Fault(("name",), f"{held.id} already asks for a cluster called {held.name}. Choose another name.")
            beside, above = self._forms.place(draft, [fault])
            return Submitted(beside=beside, alerts=above, draft=draft)
        await tx.alone(f"requester:{form.person}")  # or two replicas would each find room for one more
        room = policy.open_requests_allowed(self._policy(), await requests.count_open(tx, form.person, OPEN))
        if not room.allowed:
            return Submitted(alerts=[room.reason], ask=room.ask, draft=draft)
        request = await requests.add(tx, self._row(tx, await _free_id(tx), form, draft, body, approval, who))
        await events.add(
            tx,
            "request.submitted",
            actor=form.person,
            request_id=request.id,
            after=request.state,
            rule=approval.rule,
            data={"body": body, "spec_hash": request.spec_hash, "reason": request.reason, "follows": form.follows},
        )
        await self._tell(tx, request, approval)
        if form.follows:
            await self._lead_on(tx, form.follows, request)
        return Submitted(request)

    async def _lead_on(self, tx: Transaction, followed_id: str, request: Request) -> None:
        """The request that was edited says where it goes on, and can't be edited again."""
        followed = await requests.get(tx, followed_id, lock=True)
        if followed is None:
            return
        refusal = {**(followed.refusal or {}), "followed_by": request.id}
        changes = {"refusal": refusal, "notice": f"Sent again as {request.id}."}
        step = Step("request.followed", actor=request.requester, changes=changes, data={"followed_by": request.id})
        await story.take(tx, followed, step)

    def _row(
        self,
        tx: Transaction,
        request_id: str,
        form: Form,
        draft: Draft,
        body: dict[str, Any],
        approval: Approval,
        who: Person,
    ) -> dict[str, Any]:
        catalog = self._choices.catalog
        names = {each.id: each.name for each in catalog.workspaces or ()}
        state = State.AWAITING_APPROVAL if approval.required else State.QUEUED
        expires = tx.now + timedelta(hours=approval.expires_hours) if approval.required else None
        return {
            "id": request_id,
            "submit_key": form.submit_key,
            "organization": self._organization,
            "requester": form.person,
            "channel": form.channel,
            "follows": form.follows,
            "name": body["name"],
            "name_key": str(body["name"]).casefold(),
            "provider": body["cloudProvider"],
            "api_version": self._api_version,
            "body": body,
            "spec_hash": schema.spec_hash(body),
            "reason": draft.reason.strip(),
            "warnings": list(checks.warnings(body, catalog)),
            "labels": {each: names[each] for each in body.get("workspaceIds", ()) if each in names},
            "state": state.value,
            "version": 1,
            "approval": {
                "required": approval.required,
                "quorum": approval.quorum,
                "rule": approval.rule,
                "groups": sorted(who.groups or ()),
                "given": [],
            },
            "expires_at": expires,
            "fence": 0,
            "next_at": None,
            "retry_count": 0,
            "notice": "",
            "status": "",
            "health": "",
            "watch": {},
            "muted": False,
            "requested_at": tx.now,
            "changed_at": tx.now,
        }

    async def _tell(self, tx: Transaction, request: Request, approval: Approval) -> None:
        post_in = self._policy().channels.post_in or request.channel
        await outbox.open_thread(tx, request.id, post_in)
        await outbox.append(tx, request.id, "card", {}, dedupe_key=f"{request.id}:card")
        summary = schema.summary(request.body, self._api_version, request.labels)
        asked = posts.asked(
            card_facts(request, poll_seconds=0),
            summary,
            requester=request.requester,
            reason=request.reason,
            approval_line=" ".join([approval_line(approval), *_following(request)]),
        )
        await story.say(tx, request, [asked], key="asked")
        tx.wakes.add(f"{story.HOME}{request.requester}")
        if request.state == State.QUEUED:
            tx.wakes.add("create")


def _following(request: Request) -> list[str]:
    """Where this request is an earlier one mended, a sentence that names it."""
    return [f"It follows {request.follows}."] if request.follows else []


async def _free_id(tx: Transaction) -> str:
    for _ in range(20):
        request_id = "CL-" + "".join(secrets.choice(_LETTERS) for _ in range(5))
        if await requests.get(tx, request_id) is None:
            return request_id
    raise PersonError("No free request number was found. Submit again.")
