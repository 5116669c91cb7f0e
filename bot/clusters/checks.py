"""Everything that is checked before anything is sent: all faults at once, each beside the field to change.

Three layers. The schema's own rules (types, lengths, ranges as such); what its hints say (needed where, allowed where);
and rules between fields or against what Astro offers, which look at every field that parsed and therefore run even when
others did not. Each rule says whether it is Astro's or ours. What the catalog has no copy of is left to Astro.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from bot.clusters import fields, networks, schema
from bot.clusters.catalog import Catalog, ProviderOptions
from bot.clusters.cautions import own_ranges, warnings
from bot.clusters.faults import Fault, Loc
from bot.clusters.policy import Limits, limit_faults
from bot.clusters.schema import ApiVersion, ClusterRequest
from bot.clusters.wording import sentence

__all__ = ["Checked", "Fault", "check", "warnings"]


@dataclass(frozen=True)
class Checked:
    """The request, where nothing is wrong with it; else all that is."""

    request: ClusterRequest | None
    faults: tuple[Fault, ...]


@dataclass(frozen=True)
class _Given:
    """What the rules look at: the model, all values, those that parsed, and what is known around them."""

    model: type[ClusterRequest]
    values: Mapping[str, Any]
    good: Mapping[str, Any]
    catalog: Catalog
    options: ProviderOptions | None
    taken: Collection[str]

    def text(self, name: str) -> str:
        value = self.good.get(name)
        return value if isinstance(value, str) else ""


def check(
    values: Mapping[str, Any],
    *,
    api_version: ApiVersion,
    catalog: Catalog,
    limits: Limits,
    taken: Collection[str] = (),
) -> Checked:
    """Check a request as it was typed.

    Args:
        values: by the API's names; blank texts, empty lists and None count as absent.
        api_version: decides which fields there are.
        catalog: what Astro offers, and the clusters whose names are taken.
        limits: the policy's.
        taken: names of the requests that are under way.
    """
    values = _without_blanks(values)
    model = _model(values.get("cloudProvider"), api_version)
    request, faults = _parsed(model, values)
    wrong = {fault.loc[0] for fault in faults}
    good = {name: value for name, value in values.items() if name not in wrong}
    given = _Given(model, values, good, catalog, catalog.options_for(good), taken)
    faults += limit_faults(limits, {name: given.text(name) for name in good})
    for rule in _RULES:
        # A field that was found at fault is not blamed again by a rule that needs it to be right.
        faulty = {fault.loc for fault in faults}
        faults += [fault for fault in rule(given) if fault.loc not in faulty or rule in _ALWAYS]
    return Checked(None if faults else request, tuple(dict.fromkeys(faults)))


def _without_blanks(values: Mapping[str, Any]) -> dict[str, Any]:
    trimmed = {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}
    return {name: value for name, value in trimmed.items() if value is not None and value not in ("", [], ())}


def _model(provider: Any, api_version: ApiVersion) -> type[ClusterRequest]:
    """Without a known provider, what all variants have in common is checked all the same."""
    known = isinstance(provider, str) and provider in schema.PROVIDERS
    return schema.variant(provider, api_version) if known else ClusterRequest


def _parsed(model: type[ClusterRequest], values: Mapping[str, Any]) -> tuple[ClusterRequest | None, list[Fault]]:
    try:
        return model.model_validate(values), []
    except ValidationError as error:
        found = error.errors(include_url=False)
    faults = []
    for each in found:
        loc: Loc = each["loc"]
        if each["type"] != "extra_forbidden":
            faults.append(Fault(loc, sentence(each)))
        elif model is not ClusterRequest:  # without a provider, nobody can say what doesn't belong to it
            faults.append(Fault(loc, _foreign(loc, values)))
    return None, faults


def _foreign(loc: Loc, values: Mapping[str, Any]) -> str:
    if loc[0] in schema.field_names():
        return f"{schema.title_of(loc)} does not exist on {values.get('cloudProvider')}. Leave it out."
    return f"{'.'.join(map(str, loc))} is not a field of Astro's request. Leave it out."


# --- what the schema's hints say --------------------------------------------------------------------------------------


def _needed(given: _Given) -> Iterator[Fault]:
    # Astro's: "Required for Hybrid clusters" (its API page); the four ranges for Disaster Recovery on GCP.
    for name, field in given.model.model_fields.items():
        condition = fields.hints(field).get("required_when")
        if condition and name not in given.values and fields.holds(condition, given.values):
            yield Fault((name,), f"This is needed {_where(given.model, condition)}.")


def _out_of_place(given: _Given) -> Iterator[Fault]:
    # Ours for node pools; Astro's for the fields of Disaster Recovery, which mean nothing without its region.
    for name, field in given.model.model_fields.items():
        condition = fields.hints(field).get("when")
        if condition and given.values.get(name) and not fields.holds(condition, given.values):
            yield Fault((name,), f"This is used only {_where(given.model, condition)}. Leave it out.")


def _where(model: type[ClusterRequest], condition: Mapping[str, Any]) -> str:
    wanted = {
        model.model_fields[name].title: "chosen" if words is True else " or ".join(map(str.capitalize, words))
        for name, words in condition.items()
    }
    return f"where {' and '.join(f'{title} is {words}' for title, words in wanted.items())}"


# --- what Astro offers ------------------------------------------------------------------------------------------------


def _regions(given: _Given) -> Iterator[Fault]:
    # Astro's: regions come from its cluster options.
    for name in ("region", "drRegion"):
        region = given.text(name)
        if region and given.options and given.options.regions and given.options.region(region) is None:
            yield Fault((name,), f"Astro does not offer {region} for this provider and type. Choose another region.")
    # Astro's: Disaster Recovery takes a different region of the same provider.
    if given.text("region") and given.text("region") == given.text("drRegion"):
        yield Fault(("drRegion",), "This is the cluster's own region. Choose another one for disaster recovery.")


def _instances(given: _Given) -> Iterator[Fault]:
    # Astro's: instance types come from its cluster options, and some are banned in some regions.
    options = given.options
    if options is None:
        return
    asked: list[tuple[Loc, str, set[str]]] = []
    if given.text("dbInstanceType"):
        asked.append((("dbInstanceType",), given.text("dbInstanceType"), {each.name for each in options.databases}))
    for number, pool in _items(given, "nodePools"):
        kind = pool.get("nodeInstanceType")
        if isinstance(kind, str) and kind.strip():
            asked.append((("nodePools", number, "nodeInstanceType"), kind.strip(), {e.name for e in options.nodes}))
    region = options.region(given.text("region"))
    for loc, kind, offered in asked:
        if offered and kind not in offered:
            yield Fault(loc, f"Astro does not offer {kind} for this provider and type. Choose another instance type.")
        elif region and kind in region.banned:
            yield Fault(loc, f"{kind} cannot be had in {region.name}. Choose another instance type or another region.")


def _workspaces(given: _Given) -> Iterator[Fault]:
    # Astro's: the Workspaces are those of the organization.
    if given.catalog.workspaces is None:
        return
    known = {each.id for each in given.catalog.workspaces}
    listed = given.good.get("workspaceIds")
    ids = [each.strip() for each in listed if isinstance(each, str)] if isinstance(listed, list | tuple) else []
    if strange := [each for each in ids if each not in known]:
        yield Fault(("workspaceIds",), f"Astro has no Workspace {', '.join(strange)}. Choose from the list.")


def _continent(given: _Given) -> Iterator[Fault]:
    # Astro's, on Azure alone: its Terraform provider refuses this, and says that it mirrors the server.
    if (
        given.text("cloudProvider") != "AZURE"
        or not given.good.get("enableReplicationTimeControl")
        or not given.options
    ):
        return
    own, other = (given.options.region(given.text(name)) for name in ("region", "drRegion"))
    if own and other and own.location and other.location and own.location.casefold() != other.location.casefold():
        yield Fault(
            ("enableReplicationTimeControl",),
            f"On Azure this works within a continent only, and {own.name} and {other.name} lie on two. "
            "Choose a nearer disaster recovery region, or turn this off.",
        )


# --- between fields ---------------------------------------------------------------------------------------------------


def _ranges_apart(given: _Given) -> Iterator[Fault]:
    # Ours: Astro's own check is not documented. A DR range may equal its primary, as is Astro's default.
    own = own_ranges(given.good)
    # What equals its primary overlaps whatever the primary overlaps: that is said once, of the primary.
    repeated = {name for name in own if own[name] == own.get(_primary(name))}
    for one, other in networks.overlaps({name: own[name] for name in own if name not in repeated}):
        title = given.model.model_fields[one].title
        yield Fault((other,), f"{own[other]} overlaps {title} ({own[one]}). Choose a range apart from it.")


def _primary(name: str) -> str:
    """drVpcSubnetRange → vpcSubnetRange."""
    return name[2].lower() + name[3:] if name.startswith("dr") else ""


def _node_pools(given: _Given) -> Iterator[Fault]:
    defaults, names = 0, set[str]()
    for number, pool in _items(given, "nodePools"):
        # Ours: the API lets each pool call itself the default one.
        defaults += pool.get("isDefault") is True
        if defaults > 1 and pool.get("isDefault") is True:
            yield Fault(("nodePools", number, "isDefault"), "Only one node pool can be the default one.")
        name = pool.get("name")
        if isinstance(name, str) and name.strip().casefold() in names:  # ours
            yield Fault(("nodePools", number, "name"), "Two node pools have this name. Give each its own.")
        names.add(str(name).strip().casefold())
        yield from _node_count(given.options, number, pool.get("maxNodeCount"))


def _node_count(options: ProviderOptions | None, number: int, count: Any) -> Iterator[Fault]:
    # Astro's: nodeCountMin and nodeCountMax of its cluster options.
    if options is None or not isinstance(count, int) or isinstance(count, bool):
        return
    loc: Loc = ("nodePools", number, "maxNodeCount")
    if options.node_min is not None and count < options.node_min:
        yield Fault(loc, f"Astro wants at least {options.node_min} here.")
    if options.node_max is not None and count > options.node_max:
        yield Fault(loc, f"Astro allows at most {options.node_max} here.")


def _tags(given: _Given) -> Iterator[Fault]:
    seen = set[str]()
    for number, tag in _items(given, "k8sTags"):
        key = tag.get("key")
        if isinstance(key, str) and key.strip() in seen:  # ours: the later would silently win
            yield Fault(("k8sTags", number, "key"), "Two tags have this key. Give each its own.")
        seen.add(str(key).strip())


def _items(given: _Given, name: str) -> list[tuple[int, Mapping[str, Any]]]:
    """Items of a repeated group with their numbers; those that parsed and those that did not."""
    listed = given.values.get(name)
    numbered = enumerate(listed) if isinstance(listed, list | tuple) else ()
    return [(number, item) for number, item in numbered if isinstance(item, Mapping)]


def _name_free(given: _Given) -> Iterator[Fault]:
    # Astro's: names are unique in the organization. Whether case counts is not documented; ours: it does not.
    wanted = given.text("name").casefold()
    if not wanted:
        return
    if wanted in {name.strip().casefold() for name in given.taken}:
        yield Fault(("name",), "There is a request for a cluster of this name already. Choose another name.")
    elif wanted in {cluster.name.strip().casefold() for cluster in given.catalog.clusters or ()}:
        yield Fault(("name",), "Astro has a cluster of this name already. Choose another name.")


_RULES: tuple[Callable[[_Given], Iterator[Fault]], ...] = (
    _needed,
    _out_of_place,
    _regions,
    _instances,
    _workspaces,
    _continent,
    _ranges_apart,
    _node_pools,
    _tags,
    _name_free,
)
# These may add to what is wrong with a field: each names another thing to mend.
_ALWAYS = frozenset({_ranges_apart})
