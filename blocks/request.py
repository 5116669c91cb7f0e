"""What every message about a request knows of it, and the buttons that such a message may carry."""

from collections.abc import Iterable
from dataclasses import dataclass

from blocks.limits import BUTTON_TEXT
from blocks.parts import Block, confirm
from blocks.text import plain, provider_name, truncate


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The request that a message is about: an id such as CL-7F3K2, a Slack id, and the rest in the API's words."""

    request_id: str
    name: str
    requester: str
    provider: str
    region: str


_LABELS = {
    "approve_request": "Approve",
    "deny_request": "Deny",
    "cancel_request": "Cancel",
    "edit_request": "Edit and send again",
    "retry_request": "Try again",
    "refresh_request": "Refresh",
    "copy_request": "Ask for one like it",
    "mute_request": "Mute health posts",
    "unmute_request": "Unmute health posts",
    "adopt_request": "Link existing cluster",
    "abandon_request": "Give up",
}
_STYLES = {
    "approve_request": "primary",
    "edit_request": "primary",
    "deny_request": "danger",
    "cancel_request": "danger",
    "abandon_request": "danger",
}


def button(action_id: str, subject: Subject, *, ask_before_retry: bool = False) -> Block:
    """The button for one thing that can be done with a request. Its value is the request's id, the whole of it.

    Approve, Cancel and Give up ask first, as they can't be taken back. Try again asks where the first try may have
    reached Astro (`ask_before_retry`). An `action_id` that isn't one of ours raises KeyError.
    """
    made: Block = {
        "type": "button",
        "action_id": action_id,
        "text": plain(_LABELS[action_id], BUTTON_TEXT),
        "value": subject.request_id,
    }
    if action_id in _STYLES:
        made["style"] = _STYLES[action_id]
    question = _question(action_id, subject, ask_before_retry)
    return made | {"confirm": question} if question else made


def buttons(action_ids: Iterable[str], subject: Subject, *, ask_before_retry: bool = False) -> list[Block]:
    """`button` for each of `action_ids`, in their order."""
    return [button(one, subject, ask_before_retry=ask_before_retry) for one in action_ids]


def _question(action_id: str, subject: Subject, ask_before_retry: bool) -> Block | None:
    name = truncate(subject.name, 150)
    where = f"{provider_name(subject.provider)} {truncate(subject.region, 60)}"
    match action_id:
        case "approve_request":
            text = f"This creates {name} on {where} and costs money."
            return confirm("Approve this request?", text, "Approve", "Not now", style="primary")
        case "cancel_request":
            text = f"Nothing is sent to Astro for {name}. To get it after all, ask again."
            return confirm("Cancel this request?", text, "Cancel the request", "Keep it", style="danger")
        case "abandon_request":
            text = f"The bot stops looking for {name}. If it is in Astro after all, it stays there and costs money."
            return confirm("Give up on this request?", text, "Give up", "Not now", style="danger")
        case "retry_request" if ask_before_retry:
            text = f"Astro is asked for {name} on {where} once more. Look in Astro first: it must not be there."
            return confirm("Try again?", text, "Try again", "Not now", style="primary")
        case _:
            return None
