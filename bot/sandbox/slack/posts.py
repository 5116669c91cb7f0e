"""Channels and messages as people see them: live views over the workspace's state."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from bot.sandbox.slack.elements import Json, walk
from bot.sandbox.slack.render import message_text
from bot.sandbox.slack.workspace import Conversation, Post, Version, Workspace


class Button(NamedTuple):
    """A button that a message or a view shows."""

    action_id: str
    value: str
    label: str


@dataclass(frozen=True, eq=False)
class Message:
    """One message. What it says is read afresh each time, so a held `Message` follows the app's edits."""

    workspace: Workspace = field(repr=False)
    post: Post

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and other.post is self.post

    def __hash__(self) -> int:
        return hash((self.post.channel, self.post.ts))

    @property
    def ts(self) -> str:
        return self.post.ts

    @property
    def thread_ts(self) -> str | None:
        """The root that this is a reply to; None for a root."""
        return self.post.thread_ts

    @property
    def user(self) -> str:
        """The id of whoever wrote it."""
        return self.post.user

    @property
    def text(self) -> str:
        """The plain `text` as sent: what notifications show."""
        return self.post.now.text

    @property
    def blocks(self) -> list[Json]:
        return self.post.now.blocks

    @property
    def metadata(self) -> Json | None:
        return self.post.metadata

    @property
    def edited(self) -> bool:
        return self.post.edited_ts is not None

    @property
    def edits(self) -> list[Version]:
        """Everything it ever said, the first version first."""
        return list(self.post.versions)

    @property
    def deleted(self) -> bool:
        return self.post.deleted

    @property
    def buttons(self) -> list[Button]:
        return buttons_of(self.blocks)

    @property
    def channel(self) -> "Channel":
        return Channel(self.workspace, self.workspace.conversations[self.post.channel])

    def as_text(self) -> str:
        """The message as printed text, as a person sees it."""
        return message_text(self.workspace, self.post)

    def remove(self) -> None:
        """An administrator deletes it; the app isn't told."""
        self.post.deleted = True
        self.workspace.touch()


@dataclass(frozen=True, eq=False)
class Channel:
    """A channel or a DM."""

    workspace: Workspace = field(repr=False)
    conversation: Conversation

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Channel) and other.conversation is self.conversation

    def __hash__(self) -> int:
        return hash(self.conversation.id)

    @property
    def id(self) -> str:
        return self.conversation.id

    @property
    def name(self) -> str:
        return self.conversation.name

    @property
    def posts(self) -> list[Message]:
        """All that can be read in it, replies included, the oldest first."""
        return [Message(self.workspace, post) for post in self.conversation.posts if not post.deleted]

    @property
    def messages(self) -> list[Message]:
        """The top-level messages, the oldest first."""
        return [message for message in self.posts if message.thread_ts is None]

    def thread(self, root: Message) -> list[Message]:
        """The replies under a message, the oldest first, without the message itself."""
        return [message for message in self.posts if message.thread_ts == root.ts]

    @property
    def has_bot(self) -> bool:
        return self.workspace.bot_user in self.conversation.members

    def invite_bot(self) -> None:
        """Somebody adds the bot."""
        self.conversation.members.add(self.workspace.bot_user)
        self.workspace.touch()

    def remove_bot(self) -> None:
        """Somebody takes the bot out."""
        self.conversation.members.discard(self.workspace.bot_user)
        self.workspace.touch()

    def archive(self) -> None:
        """Somebody archives it: it can be read and not written."""
        self.conversation.archived = True
        self.workspace.touch()

    def __iter__(self) -> Iterator[Message]:
        return iter(self.messages)


def buttons_of(blocks: list[Json]) -> list[Button]:
    """The buttons in these blocks, from top to bottom."""
    return [
        Button(element["action_id"], element.get("value", ""), element["text"]["text"])
        for _, element in walk(blocks)
        if element["type"] == "button"
    ]
