"""What sessions spent, model by model: the `model_usage` of the session export and its JSON text.

There may be a great many of them, so that the text is filled into a template rather than made by a
general encoder: the names of the members are written and escaped once.
"""

from __future__ import annotations

from functools import lru_cache
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any, NamedTuple

from agentsview_assets.rules.gojson import format_number
from agentsview_assets.rules.integers import int64
from agentsview_assets.rules.money import added_up
from agentsview_assets.rules.pricing import row_cost

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agentsview_assets.rules.pricing import PricingTable

USAGE_COLUMNS = (
    *("session_id", "model", "usage_row_count", "reported_row_count", "input_tokens"),
    *("output_tokens", "cache_creation_tokens", "cache_read_tokens", "reasoning_tokens"),
    *("priced_input_tokens", "priced_output_tokens", "priced_cache_creation_tokens"),
    *("priced_cache_read_tokens", "reported_cost_usd"),
)
"""What `model_usage` needs of the table `session_model_usage`, in its order."""

BOOLEANS = {True: "true", False: "false"}
quoted = lru_cache(maxsize=8192)(encode_basestring)
"""JSON text of a label or folder, which repeat from row to row; for `gojson.finish`."""


def template(names: Iterable[str]) -> str:
    """Return the text of an object with a place for each value."""
    return f"{{{','.join(f'{json_name}:%s' for json_name in map(quoted, names))}}}"


class ModelUsage(NamedTuple):
    """Tokens and cost in USD of one model in a session: a value of `by_model`."""

    model: str
    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    reasoning_tokens: int
    cost_usd: float
    has_cost: bool
    cost_source: str

    def as_text(self) -> str:
        """Return the JSON text, for `gojson.finish`."""
        model, *counts, cost, has_cost, source = self
        name = quoted(model)
        return _MODEL % (name, *counts, format_number(cost), BOOLEANS[has_cost], quoted(source))


class SessionUsage(NamedTuple):
    """Tokens and cost in USD of a session: its `model_usage`.

    Attributes:
        by_model: By the bytes of the models' names.
        has_cost: Everything that it used had a price or a reported cost.
    """

    by_model: tuple[ModelUsage, ...] = ()
    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_input_tokens: int = 0
    cache_read_input_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: float = 0.0
    has_cost: bool = False

    @classmethod
    def of(cls, by_model: Sequence[ModelUsage]) -> SessionUsage:
        """Add up the usage of a session's models."""
        if len(by_model) == 1:
            (only,) = by_model
            return cls._make(((only,), *only[1:8]))
        if not by_model:
            return NO_USAGE
        counts = zip(*(model[1:6] for model in by_model), strict=True)
        cost = added_up(model.cost_usd for model in by_model)
        has_cost = all(model.has_cost for model in by_model)
        return cls._make((tuple(by_model), *map(int64, map(sum, counts)), cost, has_cost))

    def as_object(self) -> dict[str, Any]:
        """Return the v1 object."""
        _, *values = self
        return {
            "models": [model.model for model in self.by_model],
            **dict(zip(self._fields[1:], values, strict=True)),
            "by_model": {model.model: model._asdict() for model in self.by_model},
        }

    def as_text(self) -> str:
        """Return the JSON text, for `gojson.finish`."""
        by_model, *counts, cost, has_cost = self
        names = [quoted(model.model) for model in by_model]
        breakdowns = map(ModelUsage.as_text, by_model)
        members = [f"{name}:{text}" for name, text in zip(names, breakdowns, strict=True)]
        return _USAGE % (
            ",".join(names),
            *counts,
            format_number(cost),
            BOOLEANS[has_cost],
            ",".join(members),
        )


NO_USAGE = SessionUsage()


def model_usage(stored: Sequence[Any], prices: PricingTable) -> ModelUsage:
    """Price what a session spent on a model.

    Args:
        stored: Values of `USAGE_COLUMNS`.
        prices: The price rows in force.
    """
    model, rows, reported = stored[1:4]
    uncached, output, cache_write, cache_read, usd = stored[9:]
    price = prices.price(model)
    cost = 0.0 + usd
    if price is not None:
        cost += row_cost(
            price.rates,
            input_tokens=uncached,
            billable_output_tokens=output,
            cache_creation_tokens=cache_write,
            cache_read_tokens=cache_read,
        )
    source = "mixed" if 0 < reported < rows else "reported" if reported else "computed"
    has_cost = price is not None or reported == rows
    return ModelUsage._make((model, *stored[4:9], cost, has_cost, source))


_MODEL = template(ModelUsage._fields)
_USAGE = template(("models", *SessionUsage._fields[1:], "by_model"))
_USAGE = _USAGE.replace('"models":%s', '"models":[%s]').replace('"by_model":%s', '"by_model":{%s}')
