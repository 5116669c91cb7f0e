"""A person in the workspace, and what they do. Tests and the demo are written in these words."""

import html
import re

from blocks.limits import check_message
from bot.sandbox.slack.courier import Courier
from bot.sandbox.slack.elements import Json, settled
from bot.sandbox.slack.forms import Form, Reply, clicked, find_button
from bot.sandbox.slack.posts import Channel, Message
from bot.sandbox.slack.transports import Answer
from bot.sandbox.slack.workspace import Account, Post, Version


class Person:
    """Someone with a Slack client. `commands` are the slash commands that the app has in this workspace."""

    def __init__(self, courier: Courier, account: Account, commands: set[str]) -> None:
        self.courier = courier
        self.workspace = courier.workspace
        self.account = account
        self.commands = commands

    def __repr__(self) -> str:
        return f"Person({self.account.name!r})"

    @property
    def id(self) -> str:
        return self.account.id

    @property
    def name(self) -> str:
        return self.account.name

    @property
    def mention(self) -> str:
        """As messages name this person: `<@U…>`."""
        return f"<@{self.id}>"

    # What they see

    @property
    def dm(self) -> Channel:
        """Their DM with the bot."""
        return Channel(self.workspace, self.workspace.dm_between(self.workspace.bot_user, self.id))

    @property
    def ephemerals(self) -> list[Message]:
        """What only they were shown, the oldest first; answers to commands included."""
        return [Message(self.workspace, post) for post in self.workspace.ephemerals if post.only_for == self.id]

    @property
    def modal(self) -> Form | None:
        """The modal on top, if one is open."""
        view = self.workspace.top_modal(self.id)
        return Form(self.courier, self.account, view) if view else None

    @property
    def home(self) -> Form | None:
        """The Home tab as last published, if ever."""
        view_id = self.workspace.homes.get(self.id)
        return Form(self.courier, self.account, self.workspace.views[view_id]) if view_id else None

    async def sees_modal(self, timeout: float = 5, *, callback_id: str = "") -> Form:
        """Wait until a modal is on top (with this callback_id, where one is named)."""

        def on_top() -> Form | None:
            modal = self.modal
            return modal if modal and callback_id in ("", modal.callback_id) else None

        what = f"a modal {callback_id} in front of {self.name}".replace("  ", " ")
        return await self.workspace.until(on_top, timeout=timeout, what=what)

    async def sees_home(self, timeout: float = 5) -> Form:
        """Wait until the Home tab was published."""
        return await self.workspace.until(lambda: self.home, timeout=timeout, what=f"a Home tab for {self.name}")

    # What they do

    async def types(self, text: str, in_: Channel | None = None) -> Reply:
        """Send a message: a slash command goes to the app, anything else into the channel. By default in the DM."""
        where = in_ or self.dm
        self._need_to_be_in(where)
        escaped = self._escaped(text)
        if not text.startswith("/"):
            self.workspace.add_post(where.conversation, self.id, Version(escaped, []))
            return Reply(0)
        command, _, rest = escaped.partition(" ")
        if command not in self.commands:
            return self._told(where, Version(f"{command} is not a valid command.", []), Answer())
        answer = await self.courier.command(self.account, where.conversation, command, rest.strip())
        return self._shown(where, command, answer)

    async def clicks(
        self,
        message: Message,
        action_id: str,
        value: str | None = None,
        *,
        confirm: bool = True,
        stale: bool = False,
    ) -> Reply:
        """Click a button under a message; `confirm=False` says no where Slack asks first, and then nothing is sent.

        `stale`: in a client that hasn't heard of the latest edits, so that buttons of earlier versions are still there.
        A message that they can't see, or a button that isn't there, is a LookupError.
        """
        if not self._can_see(message.post):
            raise LookupError(f"{self.name} doesn't see this message")
        shown = [block for version in reversed(message.edits) for block in version.blocks] if stale else message.blocks
        block, element = find_button(shown, action_id, value)
        if element.get("confirm") and not confirm:
            return Reply(0)
        action: Json = {key: element[key] for key in ("type", "action_id", "text", "value", "style") if key in element}
        action["block_id"] = block["block_id"]
        return clicked(await self.courier.click_in_message(self.account, message.post, action))

    async def opens_home(self) -> Reply:
        """Open the app's Home tab."""
        return clicked(await self.courier.home_opened(self.account))

    # How Slack treats it

    def _can_see(self, post: Post) -> bool:
        if post.deleted or post.only_for not in (None, self.id):
            return False
        where = self.workspace.conversations[post.channel]
        return where.kind == "public" or self.id in where.members

    def _need_to_be_in(self, where: Channel) -> None:
        if where.conversation.archived:
            raise LookupError(f"#{where.name} is archived")
        if self.id not in where.conversation.members:
            raise LookupError(f"{self.name} isn't in #{where.name}")

    def _escaped(self, text: str) -> str:
        """As Slack sends what was typed: entities escaped, @people and #channels as ids (`should_escape`)."""
        people = {account.name: account.id for account in self.workspace.accounts.values()}
        channels = {
            channel.name: channel.id for channel in self.workspace.conversations.values() if channel.kind != "im"
        }

        def reference(found: re.Match[str]) -> str:
            known = (people if found[1] == "@" else channels).get(found[2])
            return f"<{found[1]}{known}|{found[2]}>" if known else found[0]

        return re.sub(r"(?<!\S)([@#])([\w.-]+)", reference, html.escape(text, quote=False))

    def _shown(self, where: Channel, command: str, answer: Answer) -> Reply:
        """What the app's answer to a command comes to."""
        if not answer.accepted:
            return self._failed(where, command, _error_of(answer), answer)
        if not answer.body.strip():
            return Reply(answer.status, "", answer.seconds)
        if answer.content_type != "application/json":
            return self._told(where, Version(answer.body, []), answer)
        try:
            said = answer.json()
        except ValueError:
            said = None
        if not isinstance(said, dict):
            return self._failed(where, command, "invalid_command_response", answer)
        if not said.get("text") and not said.get("blocks"):
            return Reply(answer.status, "", answer.seconds)
        if problems := check_message({key: said[key] for key in ("text", "blocks") if said.get(key)}):
            self.workspace.refusals.append(f"answer to {command}: {problems[0].pointer} {problems[0].message}")
            return self._failed(where, command, "invalid_command_response", answer)
        return self._placed(where, said, answer)

    def _placed(self, where: Channel, said: Json, answer: Answer) -> Reply:
        version = Version(said.get("text") or "", settled(said.get("blocks") or []))
        if said.get("response_type") == "in_channel":
            self.workspace.add_post(where.conversation, self.workspace.bot_user, version)
            return Reply(answer.status, "", answer.seconds)
        return self._told(where, version, answer)

    def _failed(self, where: Channel, command: str, error: str, answer: Answer) -> Reply:
        return self._told(where, Version(f'{command} failed with the error "{error}"', []), answer)

    def _told(self, where: Channel, said: Version, answer: Answer) -> Reply:
        """Show it to this person alone."""
        post = self.workspace.whisper(where.conversation, self.workspace.bot_user, said, self.id)
        return Reply(answer.status, Message(self.workspace, post).as_text(), answer.seconds)


def _error_of(answer: Answer) -> str:
    """The word with which Slack says that a command's answer didn't come, or came as an HTTP error."""
    if answer.failure:
        return "operation_timeout" if answer.failure == "timeout" else "dispatch_failed"
    return "http_service_error" if answer.status >= 500 else "http_client_error"
