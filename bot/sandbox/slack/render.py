"""Messages, modals and the Home tab as printed text, the way a person sees them."""

from collections.abc import Iterable, Iterator

from bot.sandbox.slack.elements import HOLDS, Json, held, options_of
from bot.sandbox.slack.mrkdwn import shown, shown_object
from bot.sandbox.slack.workspace import Post, View, Workspace

RULE = "─" * 60
COLUMN = 36
ALERTS = {"default": "ℹ", "info": "ℹ", "success": "✓", "warning": "⚠", "error": "✗"}
TASKS = {"pending": "○", "in_progress": "◐", "complete": "✓", "error": "✗"}


def message_text(workspace: Workspace, post: Post) -> str:
    """A message: its blocks, or its text where it has none."""
    if not post.now.blocks:
        return shown(workspace, post.now.text)
    return "\n".join(_lines(workspace, post.now.blocks, None))


def view_text(workspace: Workspace, view: View) -> str:
    """A modal with its title and buttons, or a Home tab; with what was typed, and the errors beside the fields."""
    body = list(_lines(workspace, view.blocks, view))
    if view.body["type"] == "home":
        return "\n".join(body)
    close = view.body.get("close") or {"text": "Cancel"}
    buttons = [close["text"], *([view.body["submit"]["text"]] if view.body.get("submit") else [])]
    return "\n".join([view.body["title"]["text"], RULE, *body, RULE, "  ".join(f"[ {label} ]" for label in buttons)])


def _lines(workspace: Workspace, blocks: Iterable[Json], view: View | None) -> Iterator[str]:
    for block in blocks:
        yield from _block(workspace, block, view)


def _block(workspace: Workspace, block: Json, view: View | None) -> Iterator[str]:
    match block["type"]:
        case "header":
            yield shown_object(workspace, block["text"])
        case "section":
            yield from _section(workspace, block, view)
        case "context":
            parts = [
                each["alt_text"] if each["type"] == "image" else shown_object(workspace, each)
                for each in block["elements"]
            ]
            yield "  ".join(parts)
        case "divider":
            yield RULE
        case "actions":
            yield "  ".join(_element(workspace, block, element, view) for element in block["elements"])
        case "input":
            yield from _input(workspace, block, view)
        case "alert":
            yield f"{ALERTS[block.get('level', 'default')]} {shown_object(workspace, block['text'])}"
        case "markdown":
            yield block["text"]
        case "image":
            yield f"({block['alt_text']})"
        case "plan":
            yield block["title"]
            yield from _lines(workspace, block.get("tasks", ()), view)
        case "task_card":
            yield f"{TASKS[block['status']]} {block['title']}"
        case "table":
            yield from (" | ".join(_cell(cell) for cell in row) for row in block["rows"])
        case "rich_text":
            yield from "".join(_rich(workspace, block)).rstrip("\n").split("\n")
        case kind:
            yield f"({kind})"


def _section(workspace: Workspace, block: Json, view: View | None) -> Iterator[str]:
    if block.get("text"):
        yield shown_object(workspace, block["text"])
    fields = [shown_object(workspace, field).replace("\n", " ") for field in block.get("fields", ())]
    for at in range(0, len(fields), 2):
        yield "".join(field.ljust(COLUMN) for field in fields[at : at + 2]).rstrip()
    if block.get("accessory"):
        yield _element(workspace, block, block["accessory"], view)


def _input(workspace: Workspace, block: Json, view: View | None) -> Iterator[str]:
    optional = " (optional)" if block.get("optional") else ""
    yield block["label"]["text"] + optional
    yield f"  {_element(workspace, block, block['element'], view)}"
    if block.get("hint"):
        yield f"  {block['hint']['text']}"
    if view is not None and block["block_id"] in view.errors:
        yield f"  ✗ {view.errors[block['block_id']]}"


def _element(workspace: Workspace, block: Json, element: Json, view: View | None) -> str:
    kind = element["type"]
    if kind not in HOLDS:
        return f"[ {element['text']['text']} ]" if "text" in element else f"({element.get('alt_text', kind)})"
    state = view.state[block["block_id"]][element["action_id"]] if view is not None else None
    values = _as_list(held(state)) if state is not None else []
    if kind in ("checkboxes", "radio_buttons"):
        ticked, empty = ("☑", "☐") if kind == "checkboxes" else ("◉", "○")
        options = options_of(element)
        return "  ".join(
            f"{ticked if o['value'] in values else empty} {shown_object(workspace, o['text'])}" for o in options
        )
    if "select" in kind:
        return _select(workspace, element, state, values)
    return f"[ {values[0]} ]" if values else f"[ {_placeholder(element)} ]"


def _select(workspace: Workspace, element: Json, state: Json | None, values: list[str]) -> str:
    """What is chosen, by the words of the option, and how many there are to choose from."""
    labels = {option["value"]: option["text"]["text"] for option in (*options_of(element), *_chosen(state))}
    words = ", ".join(labels.get(value, value) for value in values) or _placeholder(element)
    count = len(options_of(element))
    return f"[ {words} ▾ ]" + (f" {count} option{'s' if count > 1 else ''}" if count else "")


def _chosen(state: Json | None) -> list[Json]:
    chosen = (state or {}).get("selected_options") or [(state or {}).get("selected_option")]
    return [option for option in chosen if isinstance(option, dict)]


def _as_list(value: object) -> list[str]:
    if value is None:
        return []
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def _placeholder(element: Json) -> str:
    text = str((element.get("placeholder") or {}).get("text", ""))
    return f"‹{text}›" if text else ""  # grey in Slack


def _cell(cell: Json) -> str:
    return str(cell.get("text", cell.get("value", "")))


def _rich(workspace: Workspace, node: Json) -> Iterator[str]:
    """Rich text, flattened: each section, list item or code block ends its line."""
    match node["type"]:
        case "text":
            yield node["text"]
        case "link":
            yield node.get("text") or node["url"]
        case "user":
            yield shown(workspace, f"<@{node['user_id']}>")
        case "channel":
            yield shown(workspace, f"<#{node['channel_id']}>")
        case "usergroup":
            yield shown(workspace, f"<!subteam^{node['usergroup_id']}>")
        case "emoji":
            yield f":{node['name']}:"
        case "date":
            yield node.get("fallback", "")
        case kind:
            for child in node.get("elements", ()):
                yield "• " if kind == "rich_text_list" else ""
                yield from _rich(workspace, child)
            if kind in ("rich_text_section", "rich_text_preformatted", "rich_text_quote"):
                yield "\n"
