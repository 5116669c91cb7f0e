"""A short attack in every test run; `make crash` runs the long ones."""

import os
from pathlib import Path

import pytest

from tests.crash.attack import Attack
from tests.world import make_world

SEED = int(os.environ.get("SEED", "20261124"))
KILLS = int(os.environ.get("KILLS", "8"))
CLUSTERS = int(os.environ.get("CLUSTERS", "6"))


@pytest.mark.timeout(0)
async def test_however_often_it_is_killed_nothing_is_lost_and_nothing_is_twice(
    tmp_path: Path, database_url: str
) -> None:
    async with make_world(tmp_path) as world:
        world.environ["DATABASE_URL"] = database_url
        attack = Attack(world, seed=SEED, kills=KILLS, clusters=CLUSTERS)
        outcome = await attack.run()
        print(outcome)
        rows, told = await attack.rows(), await attack.said()
        await attack.db.close()
        assert sorted(body["name"] for body in world.astro.creates) == sorted(attack.names)
        assert sorted(row.name for row in rows) == sorted(attack.names)
        for row in rows:
            cards = [each for each in attack.channels[row.name].messages if row.name in each.text]
            assert len(cards) == 1, [each.text for each in cards]
            thread = [each.text for each in attack.channels[row.name].thread(cards[0])]
            assert thread == [text for _, text in told[row.id]]
    assert outcome.kills == KILLS
