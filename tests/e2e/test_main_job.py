"""The main job, from the command to a healthy cluster, as Alice lives it."""

from tests.world import World


async def test_a_request_becomes_a_healthy_cluster_told_in_one_thread(either_world: World) -> None:
    world = either_world
    async with world.running():
        card = await world.asks("prod-aws")
        await world.told(card, "`HEALTHY`")
    words = [word for text in world.thread(card) for word in ("CREATING", "CREATED", "HEALTHY") if f"`{word}`" in text]
    assert words == ["CREATING", "CREATED", "HEALTHY"]
    assert [each["name"] for each in world.astro.creates] == ["prod-aws"]
    assert world.slack.refusals == []
