"""A modal or a Home tab in a person's hands: fill it, choose, click, submit, as Slack's client would."""

import json
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field

from blocks.limits import check_options, check_submission_answer
from bot.sandbox.slack.elements import EXTERNAL, HOLDS, TEXT_INPUTS, Json, options_of, walk
from bot.sandbox.slack.inputs import refused_inputs
from bot.sandbox.slack.posts import buttons_of
from bot.sandbox.slack.sheet import Sheet
from bot.sandbox.slack.transports import Answer
from bot.sandbox.slack.views import view_json
from bot.sandbox.slack.workspace import MODALS_DEEP

# What Slack's client says when a submission isn't answered, or not in a way that it understands.
TROUBLE = "We had some trouble connecting. Try again?"
# The least that must be typed before Slack asks for options, where the app doesn't say.
QUERY_LENGTH = 3


@dataclass(frozen=True)
class Reply:
    """What came of a command or click: the app's HTTP status (0: none came), what only this person reads, seconds."""

    status: int
    text: str = ""
    elapsed: float = 0.0


@dataclass(frozen=True)
class Submitted:
    """What came of a submission. `errors`: block id → words beside that field; `text`: what Slack says below the form.

    `status` is 0 where the app wasn't asked or didn't answer. `action` is the app's response_action, "" for none.
    """

    closed: bool
    errors: dict[str, str] = field(default_factory=dict)
    status: int = 0
    elapsed: float = 0.0
    action: str = ""
    text: str = ""


class Form(Sheet):
    """One view in one person's hands.

    An option or button that isn't there is a LookupError that names those that are; so is a deed in a closed view.
    """

    # Typing and choosing

    def fill(self, path: str, text: str) -> None:
        """Type into a text or number field, in place of what was there. The app isn't told, see `enter`."""
        block, element = self._open_field(path)
        if element["type"] not in TEXT_INPUTS:
            raise LookupError(f"{path} is a {element['type']}: choose in it")
        self._hold(block, element, text or None)

    async def enter(self, path: str, text: str) -> Reply:
        """Type and press Enter, which tells the app where the field has `dispatch_action`."""
        self.fill(path, text)
        return await self._dispatch(*self._field(path))

    async def choose(self, path: str, value: str | bool | Sequence[str] | None, *, query: str | None = None) -> Reply:
        """Choose by value; a list where several can be chosen; True and False tick and clear; None clears.

        For a field whose options come from the app, `query` (or else the value) is typed first. The app is told where
        the field has `dispatch_action`, or stands outside an input block. The reply has status 0 where it wasn't.
        """
        block, element = self._open_field(path)
        if element["type"] in TEXT_INPUTS:
            raise LookupError(f"{path} is a {element['type']}: fill it")
        wanted = _wanted(element, value)
        key, _, empty = HOLDS[element["type"]]
        chosen: list[str | Json] = list(wanted)
        if key in ("selected_option", "selected_options"):
            chosen = [await self._option(path, element, each, query) for each in wanted]
            block, element = self._open_field(path)  # it may have been redrawn while the app was asked
        several = isinstance(empty, list)
        if not several and len(chosen) > 1:
            raise LookupError(f"{path} takes one value")
        self._hold(block, element, chosen if several else (chosen[0] if chosen else None))
        return await self._dispatch(block, element)

    async def search(self, path: str, typed: str = "") -> list[str]:
        """The values that the app offers for what is typed; none where too little is typed for Slack to ask."""
        return [option["value"] for option in await self._suggested(path, typed)]

    async def _option(self, path: str, element: Json, value: str, query: str | None) -> Json:
        external = element["type"] in EXTERNAL
        offered = await self._suggested(path, value if query is None else query) if external else options_of(element)
        for option in offered:
            if option["value"] == value:
                return deepcopy(option)
        raise LookupError(f"{path} doesn't offer {value!r}, only {[option['value'] for option in offered][:20]}")

    async def _suggested(self, path: str, typed: str) -> list[Json]:
        block, element = self._open_field(path)
        if element["type"] not in EXTERNAL:
            raise LookupError(f"{path} is a {element['type']}: its options are in the view")
        if len(typed) < element.get("min_query_length", QUERY_LENGTH):
            return []
        answer = await self.courier.suggestion(self.user, self.view, block, element, typed)
        if not answer.accepted or not answer.body:
            return []
        try:
            offered = answer.json()
        except ValueError:
            offered = None
        if not isinstance(offered, dict):
            self._refuse(f"options for {path}: no JSON object: {answer.body[:200]}")
            return []
        if problems := check_options(offered):
            self._refuse(f"options for {path}: {problems[0].pointer} {problems[0].message}")
            return []
        return options_of(offered)

    def _hold(self, block: Json, element: Json, value: object) -> None:
        self._state(block, element)[HOLDS[element["type"]][0]] = value
        self.view.errors.pop(block["block_id"], None)
        self.workspace.touch()

    async def _dispatch(self, block: Json, element: Json) -> Reply:
        if block["type"] == "input" and not block.get("dispatch_action"):
            return Reply(0)
        return await self._act(block, element, deepcopy(self._state(block, element)))

    # Clicking

    async def click(self, action_id: str, value: str | None = None, *, confirm: bool = True) -> Reply:
        """Click a button, by its action id and, where several have that, its value.

        `confirm=False` says no where Slack asks first, and then nothing is sent.
        """
        self._need_open()
        block, element = find_button(self.blocks, action_id, value)
        if element.get("confirm") and not confirm:
            return Reply(0)
        return await self._act(
            block, element, {key: element[key] for key in ("text", "value", "style") if key in element}
        )

    async def _act(self, block: Json, element: Json, more: Json) -> Reply:
        self._hash_before = self.view.hash
        action = {**more, "type": element["type"], "action_id": element["action_id"], "block_id": block["block_id"]}
        return clicked(await self.courier.click_in_view(self.user, self.view, action))

    # Leaving

    async def submit(self) -> Submitted:
        """Press the submit button. What Slack's client refuses itself never reaches the app."""
        self._need_open()
        if not self.view.body.get("submit"):
            raise LookupError(f"{self.title!r} has nothing to submit")
        if self.view.body.get("submit_disabled"):
            raise LookupError(f"the submit button of {self.title!r} is disabled")
        self._hash_before = self.view.hash
        self.view.errors = refused_inputs(self.blocks, self.view.state)
        self.workspace.touch()
        if self.view.errors:
            return Submitted(False, self.errors)
        answer = await self.courier.submission(self.user, self.view)
        action, words = self._take(answer)
        return Submitted(not self.is_open, self.errors, answer.status, answer.seconds, action, words)

    def _take(self, answer: Answer) -> tuple[str, str]:
        """Do what the app answered; (its response_action, what Slack says if it can't)."""
        if not answer.accepted:
            return "", TROUBLE
        try:
            said = json.loads(answer.body) if answer.body.strip() else {}
        except ValueError:
            said = None
        if not isinstance(said, dict):
            self._refuse(f"answer to {self.title!r}: no JSON object: {answer.body[:200]}")
            return "", TROUBLE
        if problems := check_submission_answer(said, view_json(self.workspace, self.view)):
            self._refuse(f"answer to {self.title!r}: {problems[0].pointer} {problems[0].message}")
            return "", TROUBLE
        return str(said.get("response_action", "")), self._follow(said)

    def _follow(self, said: Json) -> str:
        ws = self.workspace
        match said.get("response_action"):
            case "errors":
                self.view.errors = dict(said["errors"])
            case "update":
                if self.is_open:
                    ws.redraw(self.view, said["view"])
            case "push":
                if len(ws.stacks.get(self.user.id, [])) >= MODALS_DEEP:
                    self._refuse(f"answer to {self.title!r}: push_limit_reached")
                    return TROUBLE
                ws.show_modal(self.user.id, said["view"])
            case "clear":
                self._close_all()
            case _:
                ws.close(self.view)
        ws.touch()
        return ""

    async def close(self) -> Reply:
        """Press Cancel. The app is told where it asked for that."""
        self._need_open()
        if self.view.body.get("clear_on_close"):
            self._close_all()
        self.workspace.close(self.view)
        if not self.view.body.get("notify_on_close"):
            return Reply(0)
        return clicked(await self.courier.closed(self.user, self.view, cleared=False))

    def _close_all(self) -> None:
        if stack := self.workspace.stacks.get(self.user.id):
            self.workspace.close(self.workspace.views[stack[0]])


def _wanted(element: Json, value: str | bool | Sequence[str] | None) -> list[str]:
    if value is None or value is False:
        return []
    if value is True:
        return [option["value"] for option in options_of(element)[:1]]
    return [value] if isinstance(value, str) else list(value)


def find_button(blocks: list[Json], action_id: str, value: str | None) -> tuple[Json, Json]:
    """The button with this action id (and value), and its block. LookupError names the buttons that are there."""
    for block, element in walk(blocks):
        if (
            element["type"] == "button"
            and element["action_id"] == action_id
            and value in (None, element.get("value", ""))
        ):
            return block, element
    there = [(button.action_id, button.value) for button in buttons_of(blocks)]
    raise LookupError(f"there is no button {action_id!r} {value or ''}, only {there}")


def clicked(answer: Answer) -> Reply:
    """A click's reply: Slack shows nothing but a warning sign where the app failed."""
    words = "" if answer.accepted else "⚠ This app didn't respond."
    return Reply(answer.status, words, answer.seconds)
