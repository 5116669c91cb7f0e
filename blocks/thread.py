"""What is told in a request's thread: one function a post.

Each change of status or health is one post whose `text` has Astro's own word verbatim, and no other post has that word,
in any spelling: people search for it and filter by it. So "build" stands here where one might say it Astro's way.
The last word on a request mentions the requester, as does each incident; the rest is for whoever follows the thread.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from blocks.card import CardFacts
from blocks.parts import Block, Message, actions, context, paragraphs, section
from blocks.request import Subject, buttons
from blocks.text import bold, code, entities, escape, length, mention, mentions, provider_name, type_name

# Beside each block's limit there is one for all of them together (`msg_blocks_too_long`), which Slack doesn't publish.
_SUMMARY_TEXT = 10_000
_VALUE_TEXT = 1500
_LIST = 10

# Astro's words, what they say of a cluster, and what to do about it. Its API lists the words without their meanings:
# these are read from the names and from how Astro's own clients treat them.
_STATUS_SAID = {
    "CREATING": ("Astro is building {}", ""),
    "CREATED": ("{} is in order again", ""),
    "UPDATING": ("Astro is changing {}, or looking after it", "You have nothing to do."),
    "UPDATE_FAILED": ("A change to {} did not go through", "Whoever made it should look in Astro."),
    "UPGRADE_PENDING": ("An upgrade of {} is waiting", "Whoever looks after it should look in Astro."),
    "FAILING_OVER": ("Astro is moving {} to its other region", ""),
    "FAILOVER_FAILED": ("Astro could not move {} to its other region", "Look in Astro, and ask Astro's support."),
    "ACCESS_DENIED": ("Astro has no access to what {} needs", "Look in Astro, and ask Astro's support."),
}
_STATUS_NEW = ("Astro gives {} another status", "")
_FAILURE_SAID = {
    "CREATE_FAILED": "Astro could not build {}",
    "ACCESS_DENIED": "Astro could not build {}, as it has no access to what it needs",
}
_HEALTH_SAID = {
    "HEALTHY": "{} is well",
    "UNHEALTHY": "{} has a problem",
    "UNKNOWN": "Astro can't tell how {} is",
}


@dataclass(frozen=True, kw_only=True)
class HealthDetail:
    """One of the details that Astro gives with a health word, in its own words; any of them may be ""."""

    description: str
    component: str = ""
    severity: str = ""


def asked(
    facts: CardFacts, summary: Sequence[tuple[str, str]], requester: str, reason: str, approval_line: str
) -> Message:
    """The whole request as the form had it, mentioning who asked, so that they follow it.

    `summary` has the fields' titles and values as shown; what doesn't fit is cut, and a line says so. `approval_line`
    is ready markup: who may approve, or that nobody has to.
    """
    where = f"{escape(provider_name(facts.provider))} {escape(facts.region)}, {escape(type_name(facts.type))}"
    details = [section(f"{bold('Why')}  {escape(reason, _VALUE_TEXT)}")] if reason.strip() else []
    ending = [section(approval_line)] if approval_line.strip() else []
    return _post(
        facts,
        lambda name: f"{mention(requester)} asks for {name}: {where}.",
        *details,
        *_summary(summary),
        *ending,
    )


def approved(subject: Subject, by: str, remaining: int) -> Message:
    """Someone approved; `remaining` more have to."""
    match remaining:
        case 0:
            after = "It is sent to Astro as soon as its turn comes."
        case 1:
            after = "One more approval is needed."
        case _:
            after = f"{remaining} more approvals are needed."
    return _post(subject, lambda name: f"{mention(by)} approved {name}. {after}")


def denied(subject: Subject, by: str, reason: str) -> Message:
    """Someone denied, and why."""
    why = section(f"{bold('Why')}  {escape(reason, _VALUE_TEXT)}")
    return _post(subject, lambda name: f"{_to(subject)}{mention(by)} denied {name}.", why)


def not_sent(subject: Subject, reason: str) -> Message:
    """The last look at the policy, right before the create call, said no."""
    why = section(f"{bold('Why')}  {escape(reason, _VALUE_TEXT)}")
    return _post(
        subject,
        lambda name: (
            f"{_to(subject)}{name} was not sent to Astro: what the policy allows has changed since. "
            "Nothing was built. Ask whoever runs the bot, or ask for it again once it is allowed."
        ),
        why,
    )


def expired(subject: Subject) -> Message:
    """Nobody decided in time."""
    return _post(
        subject,
        lambda name: (
            f"{_to(subject)}nobody decided on {name} in time, so the request has ended. "
            "If you still need it, ask again."
        ),
    )


def cancelled(subject: Subject, by: str) -> Message:
    """Someone cancelled it before it was sent to Astro."""
    who = mention(by) if by == subject.requester else f"{_to(subject)}{mention(by)}"
    return _post(subject, lambda name: f"{who} cancelled the request for {name}.")


def reminded(subject: Subject, ask: Sequence[str]) -> Message:
    """The request has waited for a while; `ask` are the ids of those who may approve."""
    whom = f"{mentions(ask, 'or')}, " if ask else ""
    return _post(subject, lambda name: f"{whom}{name} is still waiting for approval.")


def retried(subject: Subject, by: str) -> Message:
    """Someone has it sent to Astro once more."""
    return _post(
        subject, lambda name: f"{mention(by)} has {name} tried again. It is sent to Astro as soon as its turn comes."
    )


def accepted(subject: Subject, cluster_id: str) -> Message:
    """Astro's answer: it took the request, and this is the cluster's id."""
    return _post(
        subject,
        lambda name: (
            f"Astro accepted {name}. Its cluster id is {code(cluster_id)}. "
            "Building it takes a while; each step is told here."
        ),
    )


def adopted(subject: Subject, by: str, cluster_id: str) -> Message:
    """A person said which cluster at Astro this request has become."""
    return _post(
        subject,
        lambda name: (
            f"{mention(by)} found {name} in Astro: it is the cluster {code(cluster_id)}. "
            "From now on it is followed here."
        ),
    )


def status_changed(subject: Subject, word: str) -> Message:
    """Astro gives another status: any but the first CREATED (`ready`) and a failure to build it (`failed`)."""
    said, to_do = _STATUS_SAID.get(word, _STATUS_NEW)
    return _post(subject, lambda name: f"{said.format(name)}: {code(word)}. {to_do}".rstrip())


def ready(subject: Subject, word: str = "CREATED") -> Message:
    """The cluster can be used."""
    return _post(
        subject,
        lambda name: (
            f"{_to(subject)}{name} is ready: {code(word)}. "
            "Next: choose it in Astro for your Deployments. How it is doing is told here."
        ),
    )


def failed(subject: Subject, word: str) -> Message:
    """Astro gave up building it. Its API has no field for the reason."""
    said = _FAILURE_SAID.get(word, "Astro could not build {}")
    return _post(
        subject,
        lambda name: (
            f"{_to(subject)}{said.format(name)}: {code(word)}. Astro does not say why. "
            "Next: look it up in Astro and ask Astro's support. Remove it there before you ask for the same name again."
        ),
    )


def slow(subject: Subject, hours: float) -> Message:
    """Building takes longer than it ever should."""
    return _post(
        subject,
        lambda name: (
            f"{_to(subject)}Astro is still building {name} after {hours:g} hours, which is unusual. "
            "If you can't wait, ask Astro's support. The bot keeps looking."
        ),
    )


def deleted(subject: Subject) -> Message:
    """The cluster is no longer there."""
    return _post(
        subject,
        lambda name: (
            f"{_to(subject)}{name} is no longer in Astro: it was deleted there. This is the last post about it."
        ),
    )


def health_changed(subject: Subject, word: str, details: Sequence[HealthDetail], mention_requester: bool) -> Message:
    """Astro gives the cluster another health; `details` in Astro's words. An incident mentions the requester, once."""
    said = _HEALTH_SAID.get(word, "Astro says something new about {}")
    who = _to(subject) if mention_requester else ""
    silent = " Astro gives no details." if word == "UNHEALTHY" and not details else ""
    lines = [_detail(detail) for detail in details]
    return _post(subject, lambda name: f"{who}{said.format(name)}: {code(word)}.{silent}", *_listed(lines))


def flapping(subject: Subject, changes: int) -> Message:
    """Health went to and fro; from now on silence, until it has been calm for a while."""
    return _post(
        subject,
        lambda name: (
            f"{_to(subject)}the health of {name} changed {changes} times within an hour. "
            "To spare you the noise, the next post comes after half an hour of calm. The card always shows the latest."
        ),
    )


def calm(subject: Subject, word: str, changes: int) -> Message:
    """Health has been the same for half an hour; `changes` were not told meanwhile."""
    untold = f" {changes} changes were not posted." if changes > 1 else ""
    return _post(subject, lambda name: f"{name} has been calm for half an hour: {code(word)}.{untold}")


def rejected(subject: Subject, message: str, field_errors: Sequence[tuple[str, str]]) -> Message:
    """Astro refused the request, in its own words; the button brings the form back, errors beside their fields."""
    words = [section(f"{bold('Astro says')}  {escape(message, _VALUE_TEXT)}")] if message.strip() else []
    lines = [f"• {bold(escape(title, 200))}  {escape(error, 500)}" for title, error in field_errors]
    mend = "Mend what it says below" if words or lines else "It does not say why. Look the values over"
    return _post(
        subject,
        lambda name: (
            f"{_to(subject)}Astro refused {name}. Nothing was built. "
            f"{mend} and send the request again; the form still has all that you typed."
        ),
        *words,
        *_listed(lines),
        actions(buttons(["edit_request"], subject)),
    )


def name_taken(subject: Subject) -> Message:
    """Nothing was sent: Astro already lists a cluster of this name, which is none of this request's."""
    return _post(
        subject,
        lambda name: (
            f"{_to(subject)}{name} was not sent to Astro, as a cluster of this name is there already. "
            "Nothing was built. Choose another name and send the request again; the form still has all that you typed."
        ),
        actions(buttons(["edit_request"], subject)),
    )


def held(subject: Subject, message: str) -> Message:
    """Astro refuses the bot itself; the requester has nothing to do."""
    words = [section(f"{bold('Astro says')}  {escape(message, _VALUE_TEXT)}")] if message.strip() else []
    return _post(
        subject,
        lambda name: (
            f"{name} has to wait: Astro does not let the bot in. Whoever runs the bot must renew its access. "
            "The request keeps its place and goes on by itself; you have nothing to do."
        ),
        *words,
    )


def surfaced(subject: Subject, cluster_id: str) -> Message:
    """Astro's answer came after the request had gone another way: there is a cluster that nobody follows."""
    return _post(
        subject,
        lambda name: (
            f"{mention(subject.requester)} Astro made {name} after all: its answer came late, with the cluster id "
            f"{code(cluster_id)}. It costs money. If it is not needed, delete it in Astro."
        ),
    )


def uncertain(subject: Subject) -> Message:
    """The create call was sent, and its answer got lost."""
    return _post(
        subject,
        lambda name: (
            f"Astro's answer about {name} got lost, so the bot is looking whether it is there. "
            "It is not asked for twice. You have nothing to do."
        ),
    )


def needs_attention(subject: Subject, ask: Sequence[str] = (), other_id: str = "") -> Message:
    """The answer got lost and the cluster did not turn up: a person decides.

    `ask` are the ids of those who may; `other_id` is a cluster of that name that is not as asked for.
    """
    outcome = "it did not turn up since"
    if other_id:
        outcome = f"there is a cluster of this name now, {code(other_id)}, which is not as asked for"
    whom = f"{mentions(ask, 'or')}, please decide" if ask else "Somebody who may approve requests has to decide"
    choices = (
        "• If it is in Astro after all, under whatever name: *Link existing cluster*.",
        "• If you are sure that it is not there: *Try again*. Only then, or you may pay for two.",
        "• If it is no longer needed: *Give up*.",
    )
    return _post(
        subject,
        lambda name: f"{name} was sent to Astro, the answer got lost, and {outcome}. {whom}.",
        section("Look at the organization's clusters in Astro first.\n" + "\n".join(choices)),
        actions(buttons(["adopt_request", "retry_request", "abandon_request"], subject, ask_before_retry=True)),
    )


def abandoned(subject: Subject, by: str) -> Message:
    """A person gave up a request of which nobody knows whether Astro took it."""
    return _post(
        subject,
        lambda name: (
            f"{_to(subject)}{mention(by)} gave up on {name}. The bot stops looking for it. "
            "If it is in Astro after all, it stays there and costs money until somebody deletes it there."
        ),
    )


def _post(subject: Subject, say: Callable[[str], str], *details: Block) -> Message:
    """A post whose first sentence names the cluster: in the notification as it is, in the thread in bold."""
    return {"text": say(entities(subject.name)), "blocks": [section(say(bold(escape(subject.name)))), *details]}


def _to(subject: Subject) -> str:
    return f"{mention(subject.requester)}, "


def _summary(summary: Sequence[tuple[str, str]]) -> Iterator[Block]:
    lines = [f"{bold(escape(title, 200))}  {escape(value, _VALUE_TEXT)}" for title, value in summary]
    until = accumulate(map(length, lines))
    shown = [line for line, total in zip(lines, until, strict=True) if total <= _SUMMARY_TEXT]
    yield from map(section, paragraphs(shown))
    if left_out := len(lines) - len(shown):
        yield context(
            f"This request is longer than a message can be; {left_out} more of its fields are not shown here."
        )


def _listed(lines: Sequence[str]) -> Iterator[Block]:
    shown = [*lines[:_LIST], *([f"… and {len(lines) - _LIST} more"] if len(lines) > _LIST else [])]
    yield from map(section, paragraphs(shown))


def _detail(detail: HealthDetail) -> str:
    severity = f" ({escape(detail.severity, 100)})" if detail.severity else ""
    where = f"{bold(escape(detail.component, 200))}{severity}" if detail.component else severity.strip()
    return f"• {where}{': ' if where else ''}{escape(detail.description, 500) or 'no description'}"
