"""Somebody chooses faster than Slack redraws."""

from bot.sandbox.slack.faults import Fault
from tests.e2e.forms import offered, ranges
from tests.world import World


async def test_of_two_quick_choices_of_a_provider_the_second_fills_the_form(either_world: World) -> None:
    world = either_world
    async with world.running():
        form = await world.opens_form()
        form.fill("name", "prod")
        world.slack.faults.next("views.update", Fault.slow(0.3))
        await form.choose("cloudProvider", "GCP")
        await form.choose("cloudProvider", "AZURE")
        await world.slack.until(
            lambda: form.options("region") == offered(world, "AZURE", "regions"), what="the form for Azure"
        )
        assert (form.value("cloudProvider"), form.value("region")) == ("AZURE", "centralus")
        assert {path: form.value(path) for path in ranges(world, "AZURE")} == ranges(world, "AZURE")
        assert form.value("name") == "prod"
