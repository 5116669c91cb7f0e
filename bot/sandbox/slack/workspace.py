"""What a Slack workspace knows: people, groups, channels, messages, modals. No network in here.

Everything that changes it calls `touch`, which wakes whoever waits in `until`.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from bot.sandbox.slack.elements import Json, State, initial_state, kept_state, settled

T = TypeVar("T")
# Slack's rule: a trigger id opens one view, within three seconds.
TRIGGER_SECONDS = 3.0
# Slack's rule: a root and two pushed on it.
MODALS_DEEP = 3


@dataclass
class Account:
    """A member as the workspace keeps it. `stranger`: of another workspace, met through a shared channel."""

    id: str
    name: str
    real_name: str
    email: str
    team_id: str
    guest: bool = False
    deleted: bool = False
    bot: bool = False
    stranger: bool = False


@dataclass
class Usergroup:
    """A user group; `members` are user ids."""

    id: str
    name: str
    members: list[str]
    disabled: bool = False


@dataclass(frozen=True)
class Version:
    """What a message said at one time."""

    text: str
    blocks: list[Json]


@dataclass
class Post:
    """A message as kept. `versions` has all it ever said, the newest last; `user` wrote it."""

    channel: str
    ts: str
    user: str
    versions: list[Version]
    thread_ts: str | None = None
    metadata: Json | None = None
    edited_ts: str | None = None
    deleted: bool = False
    only_for: str | None = None  # an ephemeral: the one person who sees it

    @property
    def now(self) -> Version:
        return self.versions[-1]


@dataclass
class Conversation:
    """A channel or a DM. `members` are user ids, the bot's among them where it is in."""

    id: str
    name: str
    kind: Literal["public", "private", "im"]
    members: set[str]
    archived: bool = False
    posts: list[Post] = field(default_factory=list)

    def find(self, ts: str) -> Post | None:
        """The message with this ts that is still there."""
        return next((post for post in self.posts if post.ts == ts and not post.deleted), None)


@dataclass
class View:
    """A modal or a Home tab as one person's client holds it: `body` is the app's, `state` and `errors` the client's."""

    id: str
    user: str
    body: Json
    state: State
    hash: str
    root_id: str
    previous_id: str | None = None
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def blocks(self) -> list[Json]:
        return list(self.body["blocks"])


@dataclass
class Trigger:
    """Leave to open one modal, given with each command and click. `view_id`: where the click was made in a modal."""

    user: str
    born: float
    view_id: str | None
    used: bool = False


class Workspace:
    """The whole state. `clock` gives epoch seconds; ids are random, message timestamps unique and rising."""

    def __init__(self, *, clock: Callable[[], float], scopes: Iterable[str], team_id: str = "T0SANDBOX") -> None:
        self.clock = clock
        self.scopes = set(scopes)
        self.team_id, self.team_name, self.domain = team_id, "Sandbox", "sandbox"
        self.app_id, self.bot_id, self.bot_user, self.bot_name = "A0CLUSTERS", "B0CLUSTERS", "U0CLUSTERS", "clusterbot"
        self.accounts: dict[str, Account] = {}
        self.usergroups: dict[str, Usergroup] = {}
        self.conversations: dict[str, Conversation] = {}
        self.views: dict[str, View] = {}
        self.stacks: dict[str, list[str]] = {}
        self.homes: dict[str, str] = {}
        self.ephemerals: list[Post] = []
        self.triggers: dict[str, Trigger] = {}
        self.refusals: list[str] = []
        self.usergroups_in_plan = True
        self._last_micros = 0
        self._waiting: set[asyncio.Future[None]] = set()
        bot = Account(self.bot_user, self.bot_name, "Cluster bot", "", self.team_id, bot=True)
        self.accounts[bot.id] = bot

    # Time and waiting

    def new_ts(self) -> str:
        """A message timestamp: now, moved on by microseconds where two would be the same."""
        self._last_micros = max(int(self.clock() * 1_000_000), self._last_micros + 1)
        return f"{self._last_micros // 1_000_000}.{self._last_micros % 1_000_000:06d}"

    def touch(self) -> None:
        """Something changed: whoever waits looks again."""
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    async def until(self, predicate: Callable[[], T | None], *, timeout: float, what: str) -> T:
        """Wait for a true answer and return it, asking again at each change.

        TimeoutError after `timeout` seconds, saying `what` was waited for.
        """
        try:
            async with asyncio.timeout(timeout):
                while True:
                    if answer := predicate():
                        return answer
                    waiting = asyncio.get_running_loop().create_future()
                    self._waiting.add(waiting)
                    try:
                        await waiting
                    finally:
                        self._waiting.discard(waiting)
        except TimeoutError:
            # What is waited for may stand outside the workspace, where no change wakes us.
            if answer := predicate():
                return answer
            raise TimeoutError(f"waited {timeout:g} s in vain for: {what}") from None

    # Conversations

    def dm_between(self, one: str, other: str) -> Conversation:
        """The DM of two people, made on first use."""
        pair = {one, other}
        for conversation in self.conversations.values():
            if conversation.kind == "im" and conversation.members == pair:
                return conversation
        dm = Conversation(new_id("D"), "directmessage", "im", pair)
        self.conversations[dm.id] = dm
        return dm

    def add_post(self, conversation: Conversation, user: str, said: Version, **more: Any) -> Post:
        post = Post(conversation.id, self.new_ts(), user, [said], **more)
        conversation.posts.append(post)
        self.touch()
        return post

    def whisper(self, conversation: Conversation, user: str, said: Version, only_for: str, **more: Any) -> Post:
        """An ephemeral message: one person sees it, nobody can look it up or edit it."""
        post = Post(conversation.id, self.new_ts(), user, [said], only_for=only_for, **more)
        self.ephemerals.append(post)
        self.touch()
        return post

    # Modals and homes

    def new_trigger(self, user: str, view_id: str | None = None) -> str:
        trigger_id = f"{secrets.randbelow(10**13)}.{secrets.randbelow(10**13)}.{secrets.token_hex(16)}"
        self.triggers[trigger_id] = Trigger(user, self.clock(), view_id)
        return trigger_id

    def top_modal(self, user: str) -> View | None:
        stack = self.stacks.get(user)
        return self.views[stack[-1]] if stack else None

    def show_modal(self, user: str, body: Json) -> View:
        """Put a view on top of what the person has open. The caller has checked the depth."""
        stack = self.stacks.setdefault(user, [])
        view_id = new_id("V")
        view = self._new_view(view_id, user, body)
        view.root_id, view.previous_id = (stack[0], stack[-1]) if stack else (view_id, None)
        stack.append(view_id)
        self.touch()
        return view

    def show_home(self, user: str, body: Json) -> View:
        """Publish a Home tab; the view keeps its id from one publication to the next."""
        if user in self.homes:
            return self.redraw(self.views[self.homes[user]], body)
        view = self._new_view(new_id("V"), user, body)
        self.homes[user] = view.id
        self.touch()
        return view

    def _new_view(self, view_id: str, user: str, body: Json) -> View:
        kept = {**body, "blocks": settled(body["blocks"])}
        view = View(view_id, user, kept, initial_state(kept["blocks"]), self._new_hash(), view_id)
        self.views[view_id] = view
        return view

    def redraw(self, view: View, body: Json) -> View:
        """Replace what a view shows; what was typed stays under ids that stay."""
        view.body = {**body, "blocks": settled(body["blocks"])}
        view.state = kept_state(view.state, view.body["blocks"])
        view.hash = self._new_hash()
        shown = {block["block_id"] for block in view.body["blocks"]}
        view.errors = {block_id: words for block_id, words in view.errors.items() if block_id in shown}
        self.touch()
        return view

    def close(self, view: View) -> None:
        """Take a modal away together with whatever was pushed on it; once gone, nothing happens."""
        stack = self.stacks.get(view.user, [])
        if view.id in stack:
            at = stack.index(view.id)
            for gone in stack[at:]:
                del self.views[gone]
            del stack[at:]
            self.touch()

    def _new_hash(self) -> str:
        return f"{int(self.clock())}.{secrets.token_hex(4)}"


def new_id(kind: str) -> str:
    """An id as Slack writes them: a letter for the kind, then capitals and digits."""
    return f"{kind}0{secrets.token_hex(5).upper()}"
