"""What one person is told, and the small modals that hold no form of the schema.

A notice is a whole message: it goes into a command's answer, an ephemeral post or a direct message as it is.
"""

from collections.abc import Sequence

from blocks.limits import ALERT_TEXT, VIEW_TITLE
from blocks.parts import Block, Message, context, section
from blocks.text import channel_mention, code, escape, mentions, plain

_CHANNELS = 8  # as many as a sentence bears


def help_text(command: str, may_request: bool, may_approve: bool) -> Message:
    """What `command` can do, and what of it this person may."""
    lines = [
        f"*{escape(command)} create*  opens the form; so does {escape(command)} alone",
        f"*{escape(command)} help*  this text",
    ]
    may = {
        (True, True): "You may ask for clusters, and approve what others ask for.",
        (True, False): "You may ask for clusters.",
        (False, True): "You may approve what others ask for, but not ask for clusters yourself.",
        (False, False): "You may look, but neither ask for clusters nor approve them.",
    }[may_request, may_approve]
    return _notice("This bot gets Astro clusters for you.", "\n".join(lines), may)


def not_allowed(reason: str, ask: Sequence[str] = (), where: Sequence[str] = ()) -> Message:
    """Policy refuses: `reason` is policy's own sentence, `ask` the ids of people and user groups who can help, `where`
    those of channels in which it is allowed."""
    return _notice(escape(reason, 1500), *_ways_on(ask, where))


def unknown_subcommand(command: str, word: str) -> Message:
    """There is no such word to `command`."""
    return _notice(f"This bot does not know {code(word[:50])}. {code(f'{command} help')} shows what it can do.")


def late_click(what_happened: str, by: Sequence[str] = ()) -> Message:
    """The button came too late: `what_happened` meanwhile ("it was approved", "it has expired"), `by` who decided."""
    who = f" Decided by {mentions(by)}." if by else ""
    return _notice(f"Nothing was done, as you came a little late: {escape(what_happened, 500)}.{who}")


def something_went_wrong(reference: str) -> Message:
    """Our own mistake; `reference` is the id of the request, or of the trace, under which the log has it."""
    return _notice(
        f"Something went wrong in the bot. Before you do it again, look whether it has happened. "
        f"If it has not, show this to whoever runs the bot: {code(reference)}."
    )


def not_in_time() -> Message:
    """After the ack, Slack or Astro did not answer."""
    return _notice("Slack or Astro did not answer in time, so nothing was changed. Please try once more.")


def dead_button() -> Message:
    """A button that this version of the bot doesn't know."""
    return _notice(
        "This button no longer does anything: it was made by another version of the bot. Nothing was changed."
    )


def nothing_new() -> Message:
    """Refresh was pressed, and Astro says what it said before."""
    return _notice("Astro was asked just now: nothing has changed.")


def starting_up() -> Message:
    """The bot has only just been started."""
    return _notice("The bot has just been started and is not ready yet. Please try again in half a minute.")


def wrong_workspace() -> Message:
    """The call came from a workspace, or an app, that this bot does not serve."""
    return _notice("This bot belongs to another Slack workspace, so it did nothing. Please tell whoever installed it.")


def alert(text: str, level: str = "warning") -> Block:
    """A remark on top of a modal, the one place for it; `level`: default, info, warning, error or success."""
    return {"type": "alert", "text": plain(text, ALERT_TEXT), "level": level}


def ways_on(ask: Sequence[str], where: Sequence[str] = ()) -> list[Block]:
    """What stands under an alert that refuses: whom to ask, or in which channels it is allowed. Ids, as above."""
    return [context(line) for line in _ways_on(ask, where)]


def notice_view(title: str, markup: str) -> Block:
    """A modal that says one thing, in ready markup of up to 3000 characters, and can be closed."""
    return _view(title, [section(markup)])


def skeleton_view(title: str) -> Block:
    """What opens at once while something is looked up; `views.update` puts the real thing in its place."""
    return _view(title, [section("One moment…")])


def deny_view(request_id: str, name: str) -> Block:
    """Asks for the reason of a denial (input `request.reason`); `private_metadata` is the request's id."""
    why = _input(
        "request.reason",
        "Why?",
        {"type": "plain_text_input", "action_id": "value", "multiline": True, "max_length": 1000},
        hint="The requester reads this, and so does everybody in the thread.",
    )
    said = section(f"You deny the request for *{escape(name)}*. Nothing is sent to Astro.")
    return _view("Deny a request", [said, why]) | _submitted("deny_request", request_id, "Deny")


def adopt_view(request_id: str, name: str) -> Block:
    """Asks which cluster in Astro it is (input `request.clusterId`); `private_metadata` is the request's id."""
    which = _input(
        "request.clusterId",
        "Cluster id",
        {"type": "plain_text_input", "action_id": "value", "max_length": 64},
        hint="Astro shows it in the cluster's details and in its address.",
    )
    said = section(
        f"Which cluster in Astro is *{escape(name)}*? From now on its story is told in this request's thread."
    )
    return _view("Link existing cluster", [said, which]) | _submitted("adopt_request", request_id, "Link")


def _ways_on(ask: Sequence[str], where: Sequence[str]) -> list[str]:
    lines = [f"Ask {mentions(ask, 'or')}."] if ask else []
    if where:
        lines.append(f"Use it in {' or '.join(map(channel_mention, where[:_CHANNELS]))}.")
    return lines


def _notice(*paragraphs: str) -> Message:
    """Ready markup, a paragraph a block."""
    return {"text": "\n".join(paragraphs), "blocks": [section(text) for text in paragraphs]}


def _view(title: str, blocks: Sequence[Block]) -> Block:
    return {
        "type": "modal",
        "title": plain(title, VIEW_TITLE),
        "close": plain("Close", VIEW_TITLE),
        "blocks": list(blocks),
    }


def _submitted(callback_id: str, request_id: str, submit: str) -> Block:
    return {
        "callback_id": callback_id,
        "private_metadata": request_id,
        "submit": plain(submit, VIEW_TITLE),
        "close": plain("Not now", VIEW_TITLE),
    }


def _input(block_id: str, label: str, element: Block, hint: str) -> Block:
    return {"type": "input", "block_id": block_id, "label": plain(label), "element": element, "hint": plain(hint)}
