"""Modals live as long as Slack lets them, and keep what people typed as Slack's client does."""

from typing import Any

import pytest

from bot.sandbox.slack import Form, Person, SlackSandbox
from tests.integration.slack_house import (
    Bot,
    Clock,
    Heard,
    Json,
    actions,
    button,
    modal,
    option,
    plain,
    section,
    select,
    text_input,
)


async def open_form(alice: Person, bot: Bot, *blocks: Json, **more: Any) -> Form:
    await alice.types("/astro-cluster create")
    await bot.opens(modal(*blocks, **more))
    return await alice.sees_modal()


# Triggers


async def test_a_trigger_opens_one_modal_within_three_seconds(bot: Bot, alice: Person, clock: Clock) -> None:
    await alice.types("/astro-cluster create")
    trigger = bot.heard[-1].payload["trigger_id"]
    clock.advance(3)
    assert await bot.error("views.open", trigger_id=trigger, view=modal(text_input("name"))) == ""
    assert await bot.error("views.open", trigger_id=trigger, view=modal(text_input("name"))) == "exchanged_trigger_id"
    await alice.types("/astro-cluster create")
    late = bot.heard[-1].payload["trigger_id"]
    clock.advance(3.1)
    assert await bot.error("views.open", trigger_id=late, view=modal(text_input("name"))) == "expired_trigger_id"
    assert await bot.error("views.open", trigger_id="1.2.3", view=modal(text_input("name"))) == "invalid_trigger_id"


async def test_a_refused_view_leaves_its_trigger_unspent(bot: Bot, alice: Person) -> None:
    await alice.types("/astro-cluster create")
    trigger = bot.heard[-1].payload["trigger_id"]
    assert await bot.error("views.open", trigger_id=trigger, view=modal()) == "invalid_arguments"
    assert await bot.error("views.open", trigger_id=trigger, view=modal(text_input("name"))) == ""


@pytest.mark.parametrize(
    ("view", "pointer"),
    [
        (modal(text_input("name"), title=plain("A title of more than 24 characters")), "/view/title"),
        (modal(text_input("name"), text_input("name")), "/view/blocks/1/block_id"),
        ({key: value for key, value in modal(text_input("name")).items() if key != "submit"}, "/view"),
        (modal(select("region", [str(n) for n in range(101)])), "/view/blocks/0/element/options"),
        (modal({"type": "markdown", "text": "no"}), "/view/blocks/0"),
        (modal(text_input("name"), private_metadata="x" * 3001), "/view/private_metadata"),
        ({"type": "home", "blocks": [section("x")]}, "/view/type"),
    ],
)
async def test_an_illegal_view_is_refused_with_its_spot(bot: Bot, alice: Person, view: Json, pointer: str) -> None:
    await alice.types("/astro-cluster create")
    trigger = bot.heard[-1].payload["trigger_id"]
    messages = await bot.messages("views.open", trigger_id=trigger, view=view)
    assert any(f"[json-pointer:{pointer}" in message for message in messages), messages
    assert alice.modal is None


async def test_a_view_of_more_than_250_kb_is_too_large(bot: Bot, alice: Person) -> None:
    await alice.types("/astro-cluster create")
    trigger = bot.heard[-1].payload["trigger_id"]
    heavy = modal(*(section("x" * 2900) for _ in range(90)))
    assert await bot.error("views.open", trigger_id=trigger, view=heavy) == "view_too_large"


# Updates


async def test_an_update_with_an_old_hash_is_a_conflict(bot: Bot, alice: Person) -> None:
    form = await open_form(alice, bot, text_input("name"))
    old = form.view.hash
    assert await bot.error("views.update", view_id=form.id, hash=old, view=modal(text_input("name"))) == ""
    assert form.view.hash != old
    assert await bot.error("views.update", view_id=form.id, hash=old, view=modal(text_input("name"))) == "hash_conflict"
    assert await bot.error("views.update", view_id=form.id, view=modal(text_input("name"))) == ""


async def test_a_closed_modal_can_not_be_updated(bot: Bot, alice: Person) -> None:
    form = await open_form(alice, bot, text_input("name"))
    await form.close()
    assert alice.modal is None
    assert await bot.error("views.update", view_id=form.id, view=modal(text_input("name"))) == "not_found"
    with pytest.raises(LookupError, match="no longer open"):
        form.fill("name", "late")


async def test_what_was_typed_stays_under_ids_that_stay(bot: Bot, alice: Person) -> None:
    form = await open_form(
        alice,
        bot,
        text_input("name", initial_value="first"),
        select("region", ["us-east-1", "us-west-2"], initial_option=option("us-east-1")),
        text_input("count", type="number_input", is_decimal_allowed=False),
    )
    form.fill("name", "prod-aws")
    form.fill("count", "three")
    await form.choose("region", "us-west-2")
    await bot.client.views_update(
        view_id=form.id,
        view=modal(
            text_input("count", type="number_input", is_decimal_allowed=False, initial_value="7"),
            text_input("name", initial_value="other"),
            select("region#1", ["us-east-1", "eu-west-1"], initial_option=option("eu-west-1")),
            text_input("tenantId", initial_value="t-1"),
        ),
    )
    assert (form.value("name"), form.value("count")) == ("prod-aws", "three")
    assert (form.value("region"), form.value("tenantId")) == ("eu-west-1", "t-1")
    await bot.client.views_update(view_id=form.id, view=modal(text_input("name")))
    await bot.client.views_update(view_id=form.id, view=modal(text_input("name"), text_input("tenantId")))
    assert (form.value("name"), form.value("tenantId")) == ("prod-aws", None)


async def test_a_cleared_field_stays_clear_whatever_its_new_initial_value(bot: Bot, alice: Person) -> None:
    form = await open_form(alice, bot, text_input("name", initial_value="first"))
    form.fill("name", "")
    await bot.client.views_update(view_id=form.id, view=modal(text_input("name", initial_value="again")))
    assert form.value("name") is None


async def test_without_ids_of_the_apps_own_an_update_forgets(bot: Bot, alice: Person) -> None:
    nameless = text_input("x", initial_value="start")
    del nameless["block_id"]
    form = await open_form(alice, bot, nameless)
    (path,) = form.paths()
    form.fill(path, "typed")
    await bot.client.views_update(view_id=form.id, view=modal(nameless))
    (path,) = form.paths()
    assert form.value(path) == "start"


async def test_clicks_and_submissions_carry_the_state_that_the_client_holds(bot: Bot, alice: Person) -> None:
    form = await open_form(
        alice,
        bot,
        text_input("name"),
        select("regions", ["a", "b"], type="multi_static_select", optional=True),
        text_input("dr", type="checkboxes", options=[option("true", "Yes")], optional=True),
        actions(button("add_item", "nodePools")),
    )
    form.fill("name", "prod-aws")
    await form.choose("regions", ["a", "b"])
    await form.choose("dr", True)
    await form.click("add_item", value="nodePools")
    clicked = bot.heard[-1].payload
    assert clicked["actions"][0]["value"] == "nodePools"
    assert clicked["container"] == {"type": "view", "view_id": form.id}
    values = clicked["view"]["state"]["values"]
    assert values["name"] == {"value": {"type": "plain_text_input", "value": "prod-aws"}}
    assert [each["value"] for each in values["regions"]["value"]["selected_options"]] == ["a", "b"]
    assert values["dr"]["value"]["selected_options"][0]["value"] == "true"
    assert (await form.submit()).closed
    submitted = bot.heard[-1].payload
    assert submitted["type"] == "view_submission"
    assert submitted["view"]["state"]["values"] == values
    assert submitted["view"]["callback_id"] == "create_cluster"


# Stacks


async def test_three_modals_deep_and_no_deeper(bot: Bot, alice: Person) -> None:
    form = await open_form(alice, bot, text_input("name"), actions(button("more")))
    for depth in (2, 3):
        await form.click("more")
        trigger = bot.heard[-1].payload["trigger_id"]
        deeper = modal(text_input("name"), actions(button("more")), title=plain(f"Depth {depth}"))
        assert await bot.error("views.push", trigger_id=trigger, view=deeper) == ""
        form = await alice.sees_modal()
        assert form.title == f"Depth {depth}"
    await form.click("more")
    trigger = bot.heard[-1].payload["trigger_id"]
    assert await bot.error("views.push", trigger_id=trigger, view=modal(text_input("x"))) == "push_limit_reached"
    await form.close()
    assert (await alice.sees_modal()).title == "Depth 2"


async def test_nothing_can_be_pushed_where_no_modal_is(bot: Bot, alice: Person) -> None:
    await alice.types("/astro-cluster create")
    trigger = bot.heard[-1].payload["trigger_id"]
    assert await bot.error("views.push", trigger_id=trigger, view=modal(text_input("name"))) == "not_found"


# What the app answers to a submission


async def test_no_words_close_the_view_and_errors_stand_beside_their_fields(bot: Bot, alice: Person) -> None:
    form = await open_form(alice, bot, text_input("name", "Name"))
    form.fill("name", "prod-aws")
    bot.answer = lambda heard: {"response_action": "errors", "errors": {"name": "taken"}}
    refused = await form.submit()
    assert (refused.closed, refused.errors, refused.status) == (False, {"name": "taken"}, 200)
    assert "✗ taken" in form.text()
    assert (form.error("name"), form.value("name")) == ("taken", "prod-aws")
    form.fill("name", "prod-2")
    assert form.error("name") == ""
    bot.answer = lambda heard: None
    accepted = await form.submit()
    assert (accepted.closed, accepted.errors, alice.modal) == (True, {}, None)


@pytest.mark.parametrize(
    "answer",
    [
        {"response_action": "errors", "errors": {"nowhere": "x"}},
        {"response_action": "errors", "errors": {}},
        {"response_action": "update", "view": {"type": "modal"}},
        {"response_action": "vanish"},
        ["not an object"],
        "not JSON",
    ],
)
async def test_an_illegal_answer_is_trouble_and_on_record(
    slack: SlackSandbox, bot: Bot, alice: Person, answer: Any
) -> None:
    form = await open_form(alice, bot, text_input("name"))
    form.fill("name", "prod-aws")
    bot.answer = lambda heard: answer
    result = await form.submit()
    assert (result.closed, result.text) == (False, "We had some trouble connecting. Try again?")
    assert len(slack.refusals) == 1
    assert form.value("name") == "prod-aws"


async def test_answers_can_update_push_and_clear(bot: Bot, alice: Person) -> None:
    form = await open_form(alice, bot, text_input("name"))
    form.fill("name", "prod-aws")
    bot.answer = lambda heard: {"response_action": "update", "view": modal(text_input("name"), text_input("more"))}
    assert (await form.submit()).action == "update"
    assert (form.value("name"), form.paths()) == ("prod-aws", ["name", "more"])
    form.fill("more", "x")
    bot.answer = lambda heard: {"response_action": "push", "view": modal(text_input("sure"), title=plain("Sure?"))}
    assert not (await form.submit()).closed
    above = await alice.sees_modal()
    assert above.title == "Sure?"
    above.fill("sure", "yes")
    bot.answer = lambda heard: {"response_action": "clear"}
    assert (await above.submit()).closed
    assert alice.modal is None


async def test_the_client_refuses_what_slacks_client_refuses(bot: Bot, alice: Person) -> None:
    form = await open_form(
        alice,
        bot,
        text_input("name", min_length=3, max_length=5),
        text_input("count", type="number_input", is_decimal_allowed=False, min_value="1", max_value="9"),
        select("region", ["us-east-1"]),
        text_input("note", optional=True),
    )
    heard = len(bot.heard)
    required = "Please complete this required field."
    assert (await form.submit()).errors == dict.fromkeys(["name", "count", "region"], required)
    await form.choose("region", "us-east-1")
    for count, word in [("x", "valid number"), ("1.5", "whole number"), ("0", "1 or more"), ("10", "9 or less")]:
        form.fill("name", "ab")
        form.fill("count", count)
        errors = (await form.submit()).errors
        assert word in errors["count"]
        assert "at least 3" in errors["name"]
    form.fill("name", "abcdef")
    assert "no more than 5" in (await form.submit()).errors["name"]
    assert len(bot.heard) == heard
    form.fill("name", "abcde")
    form.fill("count", "9")
    assert (await form.submit()).closed
    assert len(bot.heard) == heard + 1


async def test_closing_is_told_where_the_app_asked_for_it(bot: Bot, alice: Person) -> None:
    quiet = await open_form(alice, bot, text_input("name"))
    heard = len(bot.heard)
    await quiet.close()
    assert len(bot.heard) == heard
    loud = await open_form(alice, bot, text_input("name"), notify_on_close=True)
    await loud.close()
    closed = bot.heard[-1].payload
    assert (closed["type"], closed["view"]["id"], closed["is_cleared"]) == ("view_closed", loud.id, False)


# Choices


async def test_only_offered_values_can_be_chosen_and_dispatch_is_the_apps_wish(bot: Bot, alice: Person) -> None:
    form = await open_form(
        alice, bot, select("region", ["us-east-1"]), select("provider", ["AWS", "GCP"], dispatch_action=True)
    )
    assert form.options("provider") == ["AWS", "GCP"]
    heard = len(bot.heard)
    await form.choose("region", "us-east-1")
    assert len(bot.heard) == heard
    await form.choose("provider", "GCP")
    action = bot.heard[-1].payload["actions"][0]
    assert (action["type"], action["block_id"], action["selected_option"]["value"]) == (
        "static_select",
        "provider",
        "GCP",
    )
    with pytest.raises(LookupError, match=r"doesn't offer 'mars'.*us-east-1"):
        await form.choose("region", "mars")
    with pytest.raises(LookupError, match="choose in it"):
        form.fill("region", "us-east-1")
    with pytest.raises(LookupError, match="no field 'nowhere', only region, provider"):
        form.value("nowhere")


async def test_external_options_are_asked_of_the_app(slack: SlackSandbox, bot: Bot, alice: Person) -> None:
    form = await open_form(alice, bot, select("region", [], type="external_select", min_query_length=0))
    asked: list[Heard] = []

    def suggest(heard: Heard) -> Json:
        asked.append(heard)
        typed = heard.payload["value"]
        return {"options": [option(name) for name in ("us-east-1", "us-west-2") if typed in name]}

    bot.answer = suggest
    assert await form.search("region") == ["us-east-1", "us-west-2"]
    assert await form.search("region", "west") == ["us-west-2"]
    payload = asked[-1].payload
    assert (payload["type"], payload["block_id"], payload["action_id"]) == ("block_suggestion", "region", "value")
    await form.choose("region", "us-west-2", query="us")
    assert form.value("region") == "us-west-2"
    assert "us-west-2" in form.text()
    bot.answer = lambda heard: {"options": [option(str(n)) for n in range(101)]}
    assert await form.search("region") == []
    assert len(slack.refusals) == 1


async def test_slack_asks_for_options_only_when_enough_is_typed(bot: Bot, alice: Person) -> None:
    form = await open_form(alice, bot, select("region", [], type="external_select"))
    heard = len(bot.heard)
    assert await form.search("region", "us") == []
    assert len(bot.heard) == heard


async def test_a_form_waits_for_its_redrawing(bot: Bot, alice: Person) -> None:
    form = await open_form(alice, bot, select("provider", ["AWS", "GCP"], dispatch_action=True))

    async def redraw(heard: Heard) -> None:
        provider = select("provider", ["AWS", "GCP"], dispatch_action=True)
        await bot.client.views_update(view_id=form.id, view=modal(provider, text_input("drRegion")))

    bot.answer = redraw
    await form.choose("provider", "GCP")
    await form.until_redrawn()
    await form.until_shows("drRegion")
    assert (form.value("provider"), form.labels()) == ("GCP", ["provider", "drRegion"])
    with pytest.raises(TimeoutError, match="an update of 'Create a cluster'"):
        await form.until_redrawn(timeout=0.05)
