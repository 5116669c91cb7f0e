"""Random walks over the create form: whatever people do there, in whatever order, nothing they typed is lost.

`make walks` takes ten thousand; `make test` some. What must hold after each step stands in tests/walks.py.
"""

import functools
import os
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from bot.clusters.policy import Policy, load
from bot.clusters.schema import ApiVersion
from tests.offers import GROUPS, RIGHT, Documents, astro, banning, crowded, many_workspaces
from tests.walks import Desk, refused

WALKS = int(os.environ.get("WALKS", "150"))
STEPS = 12
SEARCH_SECONDS = 0.05

CATALOGS: dict[str, Documents] = {
    "as it is": astro(),
    "crowded": crowded(),
    "banning": banning(),
    "no copy at all": {},
    "only one type's copy": {name: each for name, each in astro().items() if name != "options:HYBRID"},
}
_NARROW = """
providers = ["GCP", "AZURE"]
types = ["HYBRID", "DEDICATED"]
regions = ["us-central1", "us-east4", "centralus", "westus2", "uksouth"]
"""
POLICIES: dict[str, Policy] = {
    "approved by somebody": load(""),
    "nobody is asked": load("[approval]\nrequired = false"),
    "asked for recovery on GCP": load(
        "[approval]\nrequired = false\n[[rules]]\n"
        'match = { cloudProvider = "GCP", dr = true }\napproval = { required = true }'
    ),
    "narrow limits": load(f"[limits]{_NARROW}"),
    "default regions not allowed": load('[limits]\nregions = ["us-west-2", "us-east4", "uksouth", "eu-west-1"]'),
}
# What fills the form in at first is among them: typed by hand, it is somebody's own.
DEFAULTS = sorted({value for each in astro()["options:HYBRID"] for key, value in each.items() if key.endswith("Range")})
RUBBISH = ["", "   ", "x", " prod ", "é" * 300, "a\tb", "<!channel>", "10.0.0.1/20", "10.0.0.0", "::1/64", "1e", "007"]
NUMBERS = [None, "5", " 7 ", "+3", "0", "-1", "99999", "1e3", "4.5", "--", "9" * 200]
texts = st.sampled_from(DEFAULTS) | st.sampled_from([*RIGHT.values()]) | st.sampled_from(RUBBISH) | st.text(max_size=40)


class Walk(RuleBasedStateMachine):
    """One person, one form after the other."""

    desk: Desk

    def __init__(self, version: ApiVersion) -> None:
        super().__init__()
        self.version, self.sent = version, dict[str, Any]()

    @initialize(catalog=st.sampled_from([*CATALOGS]), policy=st.sampled_from([*POLICIES]))
    def open(self, catalog: str, policy: str) -> None:
        self.desk = Desk(CATALOGS[catalog], POLICIES[policy], self.version)

    # Typing and choosing

    @rule(data=st.data())
    def fill(self, data: st.DataObject) -> None:
        self._fill(data, data.draw(st.sampled_from([*self.desk.seen()])))

    @rule(data=st.data(), path=st.sampled_from(["cloudProvider", "type", "region", "drRegion"]))
    def shape(self, data: st.DataObject, path: str) -> None:
        self._fill(data, path)

    @rule(data=st.data())
    def choose_in_a_hurry(self, data: st.DataObject) -> None:
        seen = self.desk.seen()
        shaping = ("cloudProvider", "type", "region", "drRegion")
        selects = [path for path in shaping if seen[path].kind != "plain_text_input"]
        paths = [data.draw(st.sampled_from(selects)) for _ in range(2)]
        first, second = ((path, data.draw(st.sampled_from(self.desk.options(path)))) for path in paths)
        self.desk.hurry(first, second)

    @rule(data=st.data())
    def type_something(self, data: st.DataObject) -> None:
        found = [path for path, seen in self.desk.seen().items() if seen.kind == "plain_text_input"]
        self._fill(data, data.draw(st.sampled_from(found)))

    def _fill(self, data: st.DataObject, path: str) -> None:
        kind = self.desk.seen()[path].kind
        if kind == "number_input":
            self.desk.type(path, data.draw(st.sampled_from(NUMBERS)))
        elif kind == "plain_text_input":
            self.desk.type(path, data.draw(st.none() | texts))
        elif kind == "checkboxes":
            self.desk.choose(path, *data.draw(st.sampled_from([[], ["true"]])))
        else:
            self.desk.choose(path, *self._chosen(data, path, kind))
        if self.desk.reported(path):
            self.desk.redraw({"action_id": "value"}, self._typing(data))

    def _chosen(self, data: st.DataObject, path: str, kind: str) -> list[str]:
        listed = self.desk.options(path, data.draw(st.sampled_from(["", "us", "team 4", "zz"])))
        if kind.startswith("multi_"):
            most = self.desk.most(path) or len(listed)
            return data.draw(st.lists(st.sampled_from(listed), max_size=most, unique=True)) if listed else []
        return [data.draw(st.sampled_from(listed))] if listed else []

    def _typing(self, data: st.DataObject) -> Any:
        """Something that the person types before the answer to their click has come."""
        own = [path for path in self.desk.seen() if path in ("name", "request.reason") or path.startswith("k8sTags.")]
        path, text = data.draw(st.sampled_from(own)), data.draw(st.none() | texts)
        return functools.partial(self.desk.type, path, text) if data.draw(st.booleans()) else (lambda: None)

    # Repeated groups

    @precondition(lambda self: self.desk.buttons("add_item"))
    @rule(data=st.data())
    def add(self, data: st.DataObject) -> None:
        path = self.desk.add(data.draw(st.sampled_from(self.desk.buttons("add_item"))))
        for name in GROUPS[path.partition(".")[0]]:
            if data.draw(st.booleans()):
                self._fill(data, f"{path}.{name}")

    @precondition(lambda self: self.desk.buttons("remove_item"))
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        self.desk.remove(data.draw(st.sampled_from(self.desk.buttons("remove_item"))))

    @precondition(lambda self: self.desk.buttons("add_item"))
    @rule(data=st.data())
    def add_until_it_is_full(self, data: st.DataObject) -> None:
        group = data.draw(st.sampled_from(self.desk.buttons("add_item")))
        while group in self.desk.buttons("add_item"):
            self.desk.add(group)
        assert len(self.desk.indices(group)) == {"nodePools": 5, "k8sTags": 10}[group]

    # The world around

    @rule(catalog=st.sampled_from([*CATALOGS]), policy=st.sampled_from([*POLICIES]))
    def the_world_changes(self, catalog: str, policy: str) -> None:
        provider, kind = self.desk.shape
        limits = POLICIES[policy].limits
        if provider in limits.providers and kind in limits.types:
            self.desk.world_changes(CATALOGS[catalog], POLICIES[policy])
            self.desk.redraw({"action_id": "value"})

    @rule(alerts=st.lists(st.text(min_size=1, max_size=300).filter(str.strip), min_size=1, max_size=2))
    def policy_refuses(self, alerts: list[str]) -> None:
        self.desk.refused(alerts)

    # Sending it

    @rule()
    def submit(self) -> None:
        self.sent = self.desk.submit()[0] or self.sent

    @rule()
    def submit_and_correct(self) -> None:
        _, beside = self.desk.submit()
        by_block = {seen.block_id: path for path, seen in self.desk.seen().items()}
        for block_id in beside:
            path = by_block[block_id]
            if path in self.desk.seen() and self.desk.seen()[path].kind == "plain_text_input":
                self.desk.type(path, RIGHT.get(path, "right"))
        self.submit()

    @rule(data=st.data(), padding=st.sampled_from(["", " "]))
    def do_it_right(self, data: st.DataObject, padding: str) -> None:
        """Put something right in every field that is needed or wrong, and send it."""
        self._shape_right()
        for number, (path, seen) in enumerate(self.desk.seen().items()):
            if path not in ("cloudProvider", "type", "region", "drRegion"):
                self._right(data, path, seen.kind, f"{padding}right-{number}{padding}")
        sent, beside = self.desk.submit()
        assert sent is not None, beside
        self.sent = sent

    def _shape_right(self) -> None:
        desk = self.desk
        for path in ("cloudProvider", "type", "region", "drRegion"):
            content, kind = desk.content(path), desk.seen()[path].kind
            if kind == "plain_text_input":
                desk.type(path, RIGHT[path])
            elif content is None and path != "drRegion":
                desk.choose(path, desk.options(path)[0])
            elif path == "drRegion" and content == desk.content("region"):
                desk.choose(path)
            desk.redraw({"action_id": "value"})

    def _right(self, data: st.DataObject, path: str, kind: str, unique: str) -> None:
        name = path if path in RIGHT else path.rpartition(".")[2]
        if kind == "checkboxes":
            free = name == "isPrivateNetworkEgressEnabled" or path == "nodePools.0.isDefault"
            self.desk.choose(path, *data.draw(st.sampled_from([[], ["true"]] if free else [[]])))
        elif kind in ("plain_text_input", "number_input"):
            self.desk.type(path, unique if name in ("name", "key") else RIGHT.get(name))
        elif not kind.startswith("multi_"):
            self.desk.choose(path, data.draw(st.sampled_from(self.desk.options(path))))

    @precondition(lambda self: self.sent)
    @rule(data=st.data(), reason=st.text(max_size=30).filter(lambda text: text == text.strip()))
    def astro_refuses_and_it_is_edited(self, data: st.DataObject, reason: str) -> None:
        leaves = [*self.sent, "nodePools[0].name", "nodePools.0.maxNodeCount", "k8sTags[1].key", "nobodyKnows", "dr.x"]
        named = data.draw(st.lists(st.sampled_from(leaves), max_size=40))
        faults = [[name, f"{name} is refused for reason {number}"] for number, name in enumerate(named)]
        self.desk.again(refused(self.sent, reason, faults))


@pytest.mark.timeout(0)  # a walk that fails is made short first, and that takes as long as it takes
@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_nothing_is_lost_and_nothing_is_refused_on_any_walk(version: ApiVersion) -> None:
    many = settings(
        max_examples=WALKS // 2,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        phases=[phase for phase in Phase if phase is not Phase.explain],  # it takes minutes and points at pydantic
    )
    run_state_machine_as_test(functools.partial(Walk, version), settings=many)  # type: ignore[arg-type]


def test_the_answer_to_a_search_among_5000_workspaces_comes_within_50_ms() -> None:
    desk = Desk(astro(workspaces=many_workspaces(5000)), POLICIES["nobody is asked"], "v1")
    block_id, view = desk.seen()["workspaceIds"].block_id, desk.view
    for query, found in (("", 100), ("WORK team", 100), ("4999 workspace", 1), ("nowhere", 0)):
        taken = []
        for _ in range(5):
            began = time.perf_counter()
            answer = desk.forms.search(block_id, view, query)
            taken.append(time.perf_counter() - began)
        assert len(answer) == found
        assert min(taken) < SEARCH_SECONDS
