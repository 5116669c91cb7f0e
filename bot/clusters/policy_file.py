"""policy.toml as pydantic models: who may ask, who decides, within which limits. `load` reads it.

What is not named is not allowed: the empty policy allows nobody anything.
"""

import re
import tomllib
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from bot.clusters import schema
from bot.clusters.wording import sentence
from bot.errors import OperatorError


class _Table(BaseModel):
    # Strict, as TOML has types of its own: `quorum = "2"` is a mistake, not a two.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _id(firsts: str, what: str, *, or_empty: bool = False) -> AfterValidator:
    """A Slack id, by its first letter; a handle or a name in its place would silently match nobody."""

    def check(value: str) -> str:
        if not re.fullmatch(rf"[{firsts}]\w{{1,63}}", value, re.ASCII) and (value or not or_empty):
            raise ValueError(f"Must be {'empty, or ' if or_empty else ''}the id of a {what}, not a name.")
        return value

    return AfterValidator(check)


UserGroupId = Annotated[str, _id("S", "user group, as in S0123ABC")]
UserId = Annotated[str, _id("UW", "user, as in U0123ABC")]
ChannelId = Annotated[str, _id("CG", "channel, as in C0123ABC")]
ChannelOrNone = Annotated[str, _id("CG", "channel, as in C0123ABC", or_empty=True)]
Role = Annotated[str, Field(min_length=1, max_length=100)]
Hours = Annotated[float, Field(gt=0, le=24 * 365, allow_inf_nan=False)]
HoursOrNever = Annotated[float, Field(ge=0, le=24 * 365, allow_inf_nan=False)]


def _listed(value: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(value))


Unique = AfterValidator(_listed)
# TOML has lists, we keep tuples: lenient for the container alone, its items stay strict.
UserGroups = Annotated[tuple[UserGroupId, ...], Field(strict=False), Unique]
Users = Annotated[tuple[UserId, ...], Field(strict=False), Unique]
Roles = Annotated[tuple[Role, ...], Field(strict=False), Unique]


class Members(_Table):
    """Who belongs: user groups and users are a union; roles are a further condition, and alone they decide.

    `astro_roles` are roles in Astro's organization, as in ORGANIZATION_OWNER. All three empty: nobody.
    """

    usergroups: UserGroups = ()
    users: Users = ()
    astro_roles: Roles = ()

    @property
    def nobody(self) -> bool:
        return not (self.usergroups or self.users or self.astro_roles)

    @property
    def ids(self) -> tuple[str, ...]:
        """The Slack ids by which these people can be mentioned."""
        return self.usergroups + self.users


class ApprovalTerms(_Table):
    """[approval]: whether somebody must say yes, how many, and by when.

    Times in hours, fractions allowed; `remind_hours` 0 reminds nobody.
    """

    required: bool = True
    quorum: Annotated[int, Field(ge=1, le=20)] = 1
    self_approval: bool = False
    expires_hours: Hours = 72
    remind_hours: HoursOrNever = 4


class RuleTerms(_Table):
    """What a rule changes. Keys not named are inherited; `approvers`, where named, replaces [approvers] as a whole."""

    required: bool | None = None
    quorum: Annotated[int, Field(ge=1, le=20)] | None = None
    self_approval: bool | None = None
    expires_hours: Hours | None = None
    remind_hours: HoursOrNever | None = None
    approvers: Members | None = None


_NOT_MATCHED = {"name", "nodePools", "k8sTags"}  # a name is no class of requests; tables have no single value
_ALLOWED_WORDS = {"cloudProvider": schema.PROVIDERS, "type": schema.TYPES}


class Rule(_Table):
    """One of [[rules]]: all of `match` must hold; a value, or a list for any of them."""

    match: dict[str, Any]
    approval: RuleTerms

    @field_validator("match")
    @classmethod
    def _known(cls, match: dict[str, Any]) -> dict[str, Any]:
        if not match:
            raise ValueError("Name at least one thing to match; what holds for all goes in [approval].")
        known = (schema.field_names() - _NOT_MATCHED) | {"dr", "requester_usergroups"}
        for key, value in match.items():
            if key not in known:
                raise ValueError(f"{key}: unknown key; known are {', '.join(sorted(known))}.")
            _check_wanted(key, value if isinstance(value, list) else [value])
        return match

    def wanted(self, key: str) -> tuple[Any, ...]:
        """The values that `key` may have; empty where the rule doesn't ask for it."""
        value = self.match.get(key, [])
        return tuple(value) if isinstance(value, list) else (value,)


def _check_wanted(key: str, wanted: list[Any]) -> None:
    if not wanted:
        raise ValueError(f"{key}: name at least one value.")
    kind = bool if key == "dr" or key in schema.bool_fields() else str
    if not all(isinstance(value, kind) for value in wanted):
        raise ValueError(f"{key}: must be {'true or false' if kind is bool else 'text, or a list of texts'}.")
    allowed = _ALLOWED_WORDS.get(key)
    if allowed and not set(wanted) <= set(allowed):
        raise ValueError(f"{key}: must be among {', '.join(allowed)}.")
    if key == "requester_usergroups" and not all(value.startswith("S") for value in wanted):
        raise ValueError(f"{key}: must be ids of user groups, as in S0123ABC.")


def _partial_faults(values: dict[str, Any]) -> tuple[str, ...]:
    """What is wrong with the fields that are given; that others are missing is no fault. The newest API counts."""
    given = values.get("cloudProvider")
    providers = [given] if given in schema.PROVIDERS else list(schema.PROVIDERS)
    # Without a provider, what any one variant takes is right.
    return min((_faults_on(provider, values) for provider in providers), key=len)


def _faults_on(provider: str, values: dict[str, Any]) -> tuple[str, ...]:
    try:
        schema.variant(provider, "v1").model_validate({"cloudProvider": provider, **values})
    except ValidationError as error:
        found = [each for each in error.errors(include_url=False) if each["loc"][0] in values]
        return tuple(f"{'.'.join(map(str, each['loc']))}: {sentence(each)}" for each in found)
    return ()


class Preset(_Table):
    """One of [[presets]]: a name that the form offers, and the values that it fills in."""

    name: Annotated[str, Field(min_length=1, max_length=75)]  # Slack's longest option
    values: dict[str, Any]

    @field_validator("values")
    @classmethod
    def _fit(cls, values: dict[str, Any]) -> dict[str, Any]:
        if not values:
            raise ValueError("Name at least one value.")
        if faults := _partial_faults(values):
            raise ValueError(" ".join(faults))
        return values


class Limits(_Table):
    """[limits]: what may be asked for at all. `regions` empty: whatever Astro offers."""

    open_requests_per_user: Annotated[int, Field(ge=1)] = 3
    providers: Annotated[tuple[schema.Provider, ...], Field(strict=False, min_length=1), Unique] = schema.PROVIDERS
    types: Annotated[tuple[schema.ClusterType, ...], Field(strict=False, min_length=1), Unique] = schema.TYPES
    regions: Annotated[tuple[str, ...], Field(strict=False), Unique] = ()


class Channels(_Table):
    """[channels], by id. Empty `post_in`: where the command was used; `approvals`: by DM; `allowed`: anywhere."""

    post_in: ChannelOrNone = ""
    approvals: ChannelOrNone = ""
    allowed: Annotated[tuple[ChannelId, ...], Field(strict=False), Unique] = ()


class Policy(_Table):
    """The whole file."""

    requesters: Members = Members()
    approvers: Members = Members()
    approval: ApprovalTerms = ApprovalTerms()
    limits: Limits = Limits()
    channels: Channels = Channels()
    rules: Annotated[tuple[Rule, ...], Field(strict=False)] = ()
    presets: Annotated[tuple[Preset, ...], Field(strict=False, max_length=100)] = ()  # Slack's longest list of options

    @model_validator(mode="after")
    def _presets_differ(self) -> "Policy":
        names = [preset.name for preset in self.presets]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise PydanticCustomError("twice", "presets: two are named {name}.", {"name": repr(twice)})
        return self


def load(text: str) -> Policy:
    """The policy that this TOML states; the empty text is the policy that allows nobody anything.

    Raises:
        OperatorError: with one line for each fault, naming its key.
    """
    try:
        return Policy.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as fault:
        raise OperatorError(f"policy: not valid TOML: {fault}") from None
    except ValidationError as error:
        faults = error.errors(include_url=False)
        # Of a list whose items are wrong pydantic says that it is too short, as well: that helps nobody.
        wrong = {fault["loc"][:-1] for fault in faults}
        told = [fault for fault in faults if fault["type"] != "too_short" or fault["loc"] not in wrong]
        raise OperatorError([_line(fault) for fault in told]) from None


def _line(fault: ErrorDetails) -> str:
    place = _place(fault["loc"])
    return f"policy: {place}{_remark(fault)}".rstrip(".")


def _place(loc: tuple[int | str, ...]) -> str:
    """As people count: the first of [[rules]] is rule 1."""
    if len(loc) > 1 and loc[0] in ("rules", "presets") and isinstance(loc[1], int):
        rest = ".".join(str(part) for part in loc[2:])
        return f"{str(loc[0]).removesuffix('s')} {loc[1] + 1}: " + (f"{rest}: " if rest else "")
    return ".".join(str(part) for part in loc) + ": " if loc else ""


def _remark(fault: ErrorDetails) -> str:
    if fault["type"] == "extra_forbidden":
        return "unknown key"
    if fault["type"] == "missing":
        return "missing"
    said = sentence(fault)
    return said[0].lower() + said[1:]
