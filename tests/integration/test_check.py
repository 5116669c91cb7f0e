"""`clusterbot check`: each fault is named in one line, with its mend."""

from pathlib import Path

from bot.diagnose import diagnose
from bot.settings import load
from bot.startup import prepare_database
from bot.store.engine import Database
from tests.world import WITH_APPROVAL, World


async def lines(world: World, **environ: str) -> list[str]:
    settings = load({**world.environ, **environ}, dotenv=Path("/nonexistent"))
    return [str(finding) for finding in [each async for each in diagnose(settings)]]


async def migrated(world: World) -> None:
    db = Database(world.environ["DATABASE_URL"])
    await prepare_database(db)
    await db.close()


async def test_where_all_is_well_every_line_says_so(world: World) -> None:
    await migrated(world)
    found = await lines(world)
    assert [line for line in found if not line.startswith("✓")] == []
    assert "✓ Slack: all 13 scopes" in found
    assert "✓ Astro: cluster options for AWS, AZURE, GCP" in found


async def test_a_missing_scope_is_called_by_its_name(world: World) -> None:
    await migrated(world)
    world.slack.scopes.discard("usergroups:read")
    assert [line for line in await lines(world) if line.startswith("✗")] == [
        "✗ Slack: scope usergroups:read: missing; add it to the app and install it again"
    ]


async def test_each_fault_has_a_line_of_its_own(world: World) -> None:
    world.policy(WITH_APPROVAL.replace('usergroups = ["S0APPROVE"]', ""))
    empty = f"sqlite:///{world.folder / 'empty.db'}"
    found = await lines(world, DATABASE_URL=empty, SLACK_BOT_TOKEN="xoxb-wrong", ASTRO_API_TOKEN="wrong")
    assert [line for line in found if line.startswith("✗")] == [
        "✗ database: the database is at nothing, not 0001; run: clusterbot migrate",
        "✗ policy: approvers: approval is required and nobody may give it",
        "✗ Slack: SLACK_BOT_TOKEN: invalid_auth",
        "✗ Astro: ASTRO_API_TOKEN, ASTRO_ORGANIZATION_ID: Unauthorized",
    ]


async def test_a_policy_that_cannot_be_read_is_told_line_by_line(world: World) -> None:
    await migrated(world)
    world.policy("[requestors]\n[limits]\nproviders = ['AZURR']\n")
    told = [line for line in await lines(world) if line.startswith("✗")]
    assert len(told) == 2
    assert told[-1] == "✗ policy: requestors: unknown key"
