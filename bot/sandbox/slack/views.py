"""The `views.*` methods: modals and the Home tab."""

from collections.abc import Sequence

from blocks.limits import Problem, check_view
from bot.sandbox.slack.arguments import Refusal, as_messages, invalid_arguments, need, with_messages
from bot.sandbox.slack.elements import Json
from bot.sandbox.slack.workspace import MODALS_DEEP, TRIGGER_SECONDS, Trigger, View, Workspace


def open_view(workspace: Workspace, args: Json) -> Json:
    """views.open. From a click in a modal it opens on top of that modal, as a push would."""
    body = _body(workspace, args, "modal")
    trigger = _spend(workspace, args)
    below = workspace.stacks.get(trigger.user)
    if trigger.view_id is None and below:
        workspace.close(workspace.views[below[0]])
    _room(workspace, trigger.user)
    return {"view": view_json(workspace, workspace.show_modal(trigger.user, body), state=False)}


def push_view(workspace: Workspace, args: Json) -> Json:
    """views.push: only from within a modal, three deep at most."""
    body = _body(workspace, args, "modal")
    trigger = _spend(workspace, args)
    if trigger.view_id is None or trigger.view_id not in workspace.stacks.get(trigger.user, []):
        raise Refusal("not_found")
    _room(workspace, trigger.user)
    return {"view": view_json(workspace, workspace.show_modal(trigger.user, body), state=False)}


def update_view(workspace: Workspace, args: Json) -> Json:
    """views.update, by `view_id` or `external_id`; a `hash` that is no longer the view's is a conflict."""
    view = _find(workspace, args)
    body = _body(workspace, args, view.body["type"], own=view)
    _same_hash(args, view)
    return {"view": view_json(workspace, workspace.redraw(view, body))}


def publish_view(workspace: Workspace, args: Json) -> Json:
    """views.publish: someone's Home tab."""
    user = need(args, "user_id")
    if user not in workspace.accounts:
        raise invalid_arguments("user_id is invalid")
    body = _body(workspace, args, "home")
    if user in workspace.homes:
        _same_hash(args, workspace.views[workspace.homes[user]])
    return {"view": view_json(workspace, workspace.show_home(user, body))}


def _find(workspace: Workspace, args: Json) -> View:
    external_id = args.get("external_id")
    if not args.get("view_id") and not external_id:
        raise invalid_arguments("either view_id or external_id is required")
    if args.get("view_id"):
        found = workspace.views.get(need(args, "view_id"))
    else:
        found = next((view for view in workspace.views.values() if view.body.get("external_id") == external_id), None)
    if found is None:
        raise Refusal("not_found")
    return found


def _same_hash(args: Json, view: View) -> None:
    if args.get("hash") and args["hash"] != view.hash:
        raise Refusal("hash_conflict")


def _body(workspace: Workspace, args: Json, kind: str, own: View | None = None) -> Json:
    """The view in the arguments, which must be whole, legal, and of the kind that this method takes."""
    body = args.get("view")
    if body is None:
        raise invalid_arguments("missing required field: view")
    if not isinstance(body, dict):
        raise invalid_arguments("view must be a JSON object")
    if body.get("type") != kind:
        raise invalid_arguments(f"the view must be of type {kind} [json-pointer:/view/type]")
    refuse_view(check_view(body))
    external_id = body.get("external_id")
    others = [view for view in workspace.views.values() if own is None or view.id != own.id]
    if external_id and any(view.body.get("external_id") == external_id for view in others):
        raise Refusal("duplicate_external_id")
    return body


def refuse_view(problems: Sequence[Problem]) -> None:
    """Raise what Slack answers to a view with these problems."""
    if any(problem.code == "too_big" and problem.pointer == "" for problem in problems):
        raise Refusal("view_too_large")
    if problems:
        raise with_messages("invalid_arguments", as_messages(problems, "/view"))


def _spend(workspace: Workspace, args: Json) -> Trigger:
    trigger = workspace.triggers.get(need(args, "trigger_id"))
    if trigger is None:
        raise Refusal("invalid_trigger_id")
    if trigger.used:
        raise Refusal("exchanged_trigger_id")
    if workspace.clock() - trigger.born > TRIGGER_SECONDS:
        raise Refusal("expired_trigger_id")
    trigger.used = True
    return trigger


def _room(workspace: Workspace, user: str) -> None:
    if len(workspace.stacks.get(user, [])) >= MODALS_DEEP:
        raise Refusal("push_limit_reached")


def view_json(workspace: Workspace, view: View, *, state: bool = True) -> Json:
    """A view as Slack's answers and payloads carry it. With `state`, what the person's client holds."""
    body = view.body
    shown: Json = {
        "id": view.id,
        "team_id": workspace.team_id,
        "type": body["type"],
        "blocks": body["blocks"],
        "private_metadata": body.get("private_metadata", ""),
        "callback_id": body.get("callback_id", ""),
        "state": {"values": view.state if state else {}},
        "hash": view.hash,
        "clear_on_close": bool(body.get("clear_on_close", False)),
        "notify_on_close": bool(body.get("notify_on_close", False)),
        "previous_view_id": view.previous_id,
        "root_view_id": view.root_id,
        "app_id": workspace.app_id,
        "external_id": body.get("external_id", ""),
        "app_installed_team_id": workspace.team_id,
        "bot_id": workspace.bot_id,
    }
    if body["type"] == "modal":
        texts = {key: {"emoji": True} | body[key] if body.get(key) else None for key in ("title", "submit", "close")}
        shown |= texts
    return shown
