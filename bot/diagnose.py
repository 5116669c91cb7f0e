"""`clusterbot check`: is everything there that the bot needs? One line a finding, with its mend."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from bot.adapters.astro import Astro
from bot.adapters.slack import SCOPES, Slack
from bot.clusters import policy as policies
from bot.errors import OperatorError, RemoteError
from bot.settings import Settings
from bot.startup import load_policy
from bot.store import migrate
from bot.store.engine import driver_url


@dataclass(frozen=True)
class Finding:
    """`what` was looked at and found; `mend` says what to do where it is not `ok`."""

    ok: bool
    what: str
    mend: str = ""

    def __str__(self) -> str:
        return f"✓ {self.what}" if self.ok else f"✗ {self.what}: {self.mend}"


async def diagnose(settings: Settings) -> AsyncIterator[Finding]:
    """Look at everything, one after another; each look is bounded, and none changes anything."""
    yield Finding(True, "settings")
    async for finding in _database(settings):
        yield finding
    async for finding in _policy(settings):
        yield finding
    slack = Slack(settings.slack_bot_token.get_secret_value(), base_url=settings.slack_api_url)
    try:
        async for finding in _slack(slack):
            yield finding
    finally:
        await slack.close()
    astro = Astro(
        root=settings.astro_api_url.rstrip("/"),
        version=settings.astro_api_version,
        organization=settings.astro_organization_id,
        token=settings.astro_api_token.get_secret_value(),
    )
    try:
        async for finding in _astro(astro, settings):
            yield finding
    finally:
        await astro.close()


async def _database(settings: Settings) -> AsyncIterator[Finding]:
    url = driver_url(settings.database_url.get_secret_value())
    try:
        behind = migrate.behind(await migrate.revision(url))
    except OperatorError as fault:
        yield Finding(False, "database", "; ".join(fault.lines))
        return
    yield Finding(not behind, "database", behind)


async def _policy(settings: Settings) -> AsyncIterator[Finding]:
    try:
        policy = load_policy(settings.policy_file)
    except OperatorError as fault:
        for line in fault.lines:
            yield Finding(False, "policy", line.removeprefix("policy: "))
        return
    yield Finding(not policy.requesters.nobody, "policy: requesters", "nobody may ask for clusters; name some")
    terms = policies.approval_for(policy, policies.RequestFacts(requester="", body={}))
    if terms.required:
        yield Finding(not terms.approvers.nobody, "policy: approvers", "approval is required and nobody may give it")


async def _slack(slack: Slack) -> AsyncIterator[Finding]:
    try:
        identity = await slack.identify()
    except RemoteError as fault:
        yield Finding(False, "Slack: SLACK_BOT_TOKEN", fault.reason)
        return
    yield Finding(True, f"Slack: known in workspace {identity.team}")
    if identity.scopes is None:
        yield Finding(True, "Slack: which scopes are granted was not told")
        return
    for scope in sorted(SCOPES - identity.scopes):
        yield Finding(False, f"Slack: scope {scope}", "missing; add it to the app and install it again")
    if identity.scopes >= SCOPES:
        yield Finding(True, f"Slack: all {len(SCOPES)} scopes")


async def _astro(astro: Astro, settings: Settings) -> AsyncIterator[Finding]:
    try:
        await astro.organization()
    except RemoteError as fault:
        yield Finding(False, "Astro: ASTRO_API_TOKEN, ASTRO_ORGANIZATION_ID", fault.reason)
        return
    yield Finding(True, "Astro: the token reads the organization")
    if settings.astro_api_version == "v1beta1":
        yield Finding(False, "Astro: ASTRO_API_VERSION", "Astro ends its support of v1beta1 in January 2027; use v1")
    try:
        offered = {str(each.get("provider")) for each in await astro.cluster_options("DEDICATED")}
    except RemoteError as fault:
        yield Finding(False, "Astro: cluster options", fault.reason)
        return
    yield Finding(bool(offered), f"Astro: cluster options for {', '.join(sorted(offered))}", "Astro offers none")
