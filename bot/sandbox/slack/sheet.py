"""A modal or a Home tab as one person sees it: its text, its fields, what they hold."""

from collections.abc import Iterator

from bot.sandbox.slack.courier import Courier
from bot.sandbox.slack.elements import HOLDS, Json, held, options_of, plain_path, walk
from bot.sandbox.slack.posts import Button, buttons_of
from bot.sandbox.slack.render import view_text
from bot.sandbox.slack.workspace import Account, View


class Sheet:
    """One view in one person's client, for reading. It follows the app's updates, and can be read after it was closed.

    Fields are found by the path in their block id, without the `#n`; one that isn't there is a LookupError that names
    those that are.
    """

    def __init__(self, courier: Courier, user: Account, view: View) -> None:
        self.courier = courier
        self.workspace = courier.workspace
        self.user = user
        self.view = view
        self._hash_before = view.hash

    # Reading

    @property
    def id(self) -> str:
        return self.view.id

    @property
    def is_open(self) -> bool:
        return self.view.id in self.workspace.views

    @property
    def title(self) -> str:
        return str((self.view.body.get("title") or {}).get("text", ""))

    @property
    def callback_id(self) -> str:
        return str(self.view.body.get("callback_id", ""))

    @property
    def blocks(self) -> list[Json]:
        return self.view.blocks

    @property
    def errors(self) -> dict[str, str]:
        """Block id → the words beside that field now."""
        return dict(self.view.errors)

    @property
    def buttons(self) -> list[Button]:
        return buttons_of(self.blocks)

    def text(self) -> str:
        """The view as printed text, as the person sees it."""
        return view_text(self.workspace, self.view)

    def labels(self) -> list[str]:
        """The labels of the inputs, from top to bottom."""
        return [block["label"]["text"] for block in self.blocks if block["type"] == "input"]

    def paths(self) -> list[str]:
        """The paths of the inputs, from top to bottom."""
        return [plain_path(block["block_id"]) for block in self.blocks if block["type"] == "input"]

    def block(self, path: str) -> Json:
        """The block of a field."""
        return self._field(path)[0]

    def value(self, path: str) -> str | list[str] | None:
        """What a field holds: text, the value of what is chosen, or a list of values."""
        block, element = self._field(path)
        value: str | list[str] | None = held(self._state(block, element))
        return value

    def options(self, path: str) -> list[str]:
        """The values on offer in a field that carries its options itself; for the others, see `search`."""
        return [option["value"] for option in options_of(self._field(path)[1])]

    def error(self, path: str) -> str:
        """The words beside a field, or nothing."""
        return self.view.errors.get(self.block(path)["block_id"], "")

    # Waiting

    async def until_redrawn(self, timeout: float = 5) -> None:
        """Wait until the app has updated this view since it was first seen, or since the last deed in it."""
        before = self._hash_before
        await self.workspace.until(
            lambda: self.view.hash != before, timeout=timeout, what=f"an update of {self.title!r}"
        )
        self._hash_before = self.view.hash

    async def until_shows(self, path: str, timeout: float = 5) -> None:
        """Wait until the view has this field."""
        await self.workspace.until(lambda: path in self.paths(), timeout=timeout, what=f"the field {path}")

    # Finding

    def _need_open(self) -> None:
        if not self.is_open:
            raise LookupError(f"{self.title!r} is no longer open")

    def _open_field(self, path: str) -> tuple[Json, Json]:
        self._need_open()
        return self._field(path)

    def _fields(self) -> Iterator[tuple[Json, Json]]:
        return ((block, element) for block, element in walk(self.blocks) if element["type"] in HOLDS)

    def _field(self, path: str) -> tuple[Json, Json]:
        for block, element in self._fields():
            if path in (block["block_id"], plain_path(block["block_id"])):
                return block, element
        raise LookupError(f"{self.title!r} has no field {path!r}, only {', '.join(self.paths())}")

    def _state(self, block: Json, element: Json) -> Json:
        return self.view.state[block["block_id"]][element["action_id"]]

    def _refuse(self, what: str) -> None:
        self.workspace.refusals.append(what)
        self.workspace.touch()
