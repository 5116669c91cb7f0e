"""The methods of the Web API that this workspace knows: what each needs, and what it does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.sandbox.slack import chat, members, reading, views
from bot.sandbox.slack.elements import Json
from bot.sandbox.slack.workspace import Workspace

HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")
READ = ("channels:read", "groups:read", "im:read", "mpim:read")


@dataclass(frozen=True)
class Method:
    """`scopes`: one of them must be granted. `tier`: Slack's rate tier, 0 for chat.postMessage's own.

    `takes_json`: methods that only read take forms alone. `app_level`: called with the xapp token.
    """

    run: Callable[[Workspace, Json], Json]
    scopes: tuple[str, ...] = ()
    tier: int = 3
    takes_json: bool = True
    app_level: bool = False


def _nothing(workspace: Workspace, args: Json) -> Json:
    return {}


# Scopes and tiers: the page of each method on docs.slack.dev.
METHODS: Mapping[str, Method] = {
    "apps.connections.open": Method(_nothing, app_level=True),
    "auth.test": Method(members.auth_test, tier=4),
    "bots.info": Method(members.bots_info, ("users:read",), takes_json=False),
    "chat.postMessage": Method(chat.post_message, ("chat:write",), tier=0),
    "chat.update": Method(chat.update, ("chat:write",)),
    "chat.postEphemeral": Method(chat.post_ephemeral, ("chat:write",), tier=4),
    "chat.delete": Method(chat.delete, ("chat:write",)),
    "conversations.open": Method(reading.open_dm, ("im:write", "mpim:write")),
    "conversations.join": Method(reading.join, ("channels:join",)),
    "conversations.info": Method(reading.info, READ, takes_json=False),
    "conversations.history": Method(reading.history, HISTORY, takes_json=False),
    "conversations.replies": Method(reading.replies, HISTORY, takes_json=False),
    "users.info": Method(members.users_info, ("users:read",), tier=4, takes_json=False),
    "users.list": Method(members.users_list, ("users:read",), tier=2, takes_json=False),
    "users.lookupByEmail": Method(members.lookup_by_email, ("users:read.email",), takes_json=False),
    "usergroups.list": Method(members.usergroups_list, ("usergroups:read",), tier=2, takes_json=False),
    "usergroups.users.list": Method(members.usergroup_members, ("usergroups:read",), tier=2, takes_json=False),
    "views.open": Method(views.open_view, tier=4),
    "views.push": Method(views.push_view, tier=4),
    "views.update": Method(views.update_view, tier=4),
    "views.publish": Method(views.publish_view, tier=4),
}
