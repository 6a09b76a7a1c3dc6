"""The parts that the shapes of several v1 documents share."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple, NotRequired, TypedDict


class Doc(NamedTuple):
    """What a member means, for people.

    Attributes:
        text: One phrase, with the unit.
    """

    text: str


CostSource = Literal["computed", "reported", "mixed"]
UtcTime = Annotated[str, Doc("YYYY-MM-DDTHH:MM:SSZ")]


class ModelRates(TypedDict):
    """How a model was priced."""

    matched_pattern: Annotated[
        str | None, Doc("Price row that the model's name found; null: no price, a cost of 0")
    ]
    input_cost_per_mtok: Annotated[float, Doc("USD per million input tokens")]
    output_cost_per_mtok: Annotated[float, Doc("USD per million output tokens")]
    cache_write_cost_per_mtok: Annotated[float, Doc("USD per million tokens put into the cache")]
    cache_read_cost_per_mtok: Annotated[float, Doc("USD per million tokens taken from the cache")]
    cost_source: Annotated[CostSource, Doc("Whether its costs were computed or reported")]


class Fallback(TypedDict):
    """Which models the built-in price table priced."""

    used: Annotated[bool, Doc("Whether there are any")]
    models: Annotated[list[str], Doc("Their names, sorted")]


class Pricing(TypedDict):
    """Which prices made the costs."""

    source: Annotated[
        str, Doc("Where price rows come from: embedded, fetched, custom, or custom+ one of these")
    ]
    table_version: Annotated[str, Doc("Version of the table")]
    latest_row_updated_at: Annotated[str | None, Doc("Newest change of a price row, UTC")]
    custom_override_count: Annotated[int, Doc("Price rows of the user's own")]
    effective_row_count: Annotated[int, Doc("Price rows in force")]
    digest: Annotated[str, Doc("sha256: and the digest of all price rows in force")]
    cost_source: Annotated[CostSource, Doc("Whether costs were computed or reported")]
    fallback: Fallback
    models: Annotated[dict[str, ModelRates], Doc("By the name of each model that counts")]


class NoPricing(TypedDict):
    """Nothing: an export without sessions has no prices."""


class Identity(TypedDict):
    """The repository or folder that a project label stands for."""

    key: Annotated[str, Doc("sha256: and a digest, the same on every machine for one remote")]
    key_source: Annotated[Literal["git_remote", "root_path"], Doc("What the key is made of")]
    normalized_remote: NotRequired[Annotated[str, Doc("host/path of the remote")]]
    root_path: NotRequired[Annotated[str, Doc("The folder")]]
    machine_local: NotRequired[Annotated[bool, Doc("true: the key holds on one machine only")]]


class Project(TypedDict):
    """What is known of a project label."""

    resolution: Annotated[
        Literal["resolved", "ambiguous", "unknown"], Doc("One repository, several, or none known")
    ]
    identity: Annotated[Identity | None, Doc("Which one; null unless resolved")]
