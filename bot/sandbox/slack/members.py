"""Who is who: `auth.test`, `bots.info`, `users.*`, `usergroups.*`."""

from bot.sandbox.slack.arguments import Refusal, account, any_scope, flag, need, whole
from bot.sandbox.slack.elements import Json
from bot.sandbox.slack.reading import cursor_at, cursor_start
from bot.sandbox.slack.workspace import Account, Usergroup, Workspace


def auth_test(workspace: Workspace, args: Json) -> Json:
    """auth.test: whose token this is."""
    return {
        "url": f"https://{workspace.domain}.slack.com/",
        "team": workspace.team_name,
        "user": workspace.bot_name,
        "team_id": workspace.team_id,
        "user_id": workspace.bot_user,
        "bot_id": workspace.bot_id,
        "is_enterprise_install": False,
    }


def bots_info(workspace: Workspace, args: Json) -> Json:
    """bots.info: the app that a bot belongs to."""
    if need(args, "bot") != workspace.bot_id:
        raise Refusal("bot_not_found")
    return {
        "bot": {
            "id": workspace.bot_id,
            "deleted": False,
            "name": workspace.bot_name,
            "updated": int(workspace.clock()),
            "app_id": workspace.app_id,
            "user_id": workspace.bot_user,
            "icons": {},
        }
    }


def users_info(workspace: Workspace, args: Json) -> Json:
    """users.info; the e-mail address only with `users:read.email`."""
    return {"user": account_json(workspace, account(workspace, need(args, "user")))}


def users_list(workspace: Workspace, args: Json) -> Json:
    """users.list, deactivated members included, by pages."""
    everyone = list(workspace.accounts.values())
    limit, start = whole(args, "limit", len(everyone), 1000), cursor_start(args)
    shown = [account_json(workspace, each) for each in everyone[start : start + limit]]
    cursor = cursor_at(start + limit) if start + limit < len(everyone) else ""
    return {"members": shown, "cache_ts": int(workspace.clock()), "response_metadata": {"next_cursor": cursor}}


def lookup_by_email(workspace: Workspace, args: Json) -> Json:
    """users.lookupByEmail; deactivated members aren't found."""
    any_scope(workspace, ["users:read.email"])
    email = need(args, "email").lower()
    for each in workspace.accounts.values():
        if each.email.lower() == email and not (each.deleted or each.stranger):
            return {"user": account_json(workspace, each)}
    raise Refusal("users_not_found")


def usergroup_members(workspace: Workspace, args: Json) -> Json:
    """usergroups.users.list."""
    _in_plan(workspace)
    group = workspace.usergroups.get(need(args, "usergroup"))
    if group is None or (group.disabled and not flag(args, "include_disabled")):
        raise Refusal("no_such_subteam")
    return {"users": list(group.members)}


def usergroups_list(workspace: Workspace, args: Json) -> Json:
    """usergroups.list."""
    _in_plan(workspace)
    groups = [group for group in workspace.usergroups.values() if flag(args, "include_disabled") or not group.disabled]
    with_users = flag(args, "include_users")
    return {"usergroups": [_usergroup_json(workspace, group, with_users) for group in groups]}


def _in_plan(workspace: Workspace) -> None:
    if not workspace.usergroups_in_plan:
        raise Refusal("plan_upgrade_required")


def _usergroup_json(workspace: Workspace, group: Usergroup, with_users: bool) -> Json:
    shown: Json = {
        "id": group.id,
        "team_id": workspace.team_id,
        "is_usergroup": True,
        "name": group.name,
        "handle": group.name,
        "date_delete": int(workspace.clock()) if group.disabled else 0,
        "user_count": len(group.members),
    }
    return shown | ({"users": list(group.members)} if with_users else {})


def account_json(workspace: Workspace, member: Account) -> Json:
    """A member as `users.info` shows one. Slack leaves the roles out where the member is deactivated."""
    profile: Json = {"real_name": member.real_name, "display_name": member.name, "team": member.team_id}
    if member.email and not member.stranger and "users:read.email" in workspace.scopes:
        profile["email"] = member.email
    shown: Json = {
        "id": member.id,
        "team_id": member.team_id,
        "name": member.name,
        "deleted": member.deleted,
        "real_name": member.real_name,
        "profile": profile,
        "is_bot": member.bot,
        "is_app_user": False,
        "updated": int(workspace.clock()),
    }
    if member.stranger:
        shown["is_stranger"] = True
    if not member.deleted:
        shown |= {
            "tz": "Etc/UTC",
            "tz_label": "UTC",
            "tz_offset": 0,
            "is_admin": False,
            "is_owner": False,
            "is_primary_owner": False,
            "is_restricted": member.guest,
            "is_ultra_restricted": False,
        }
    return shown
