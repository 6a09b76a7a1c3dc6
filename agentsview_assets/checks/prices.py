"""Whether every token has a price, and every cost the price in force."""

from __future__ import annotations

from agentsview_assets.checks.verdict import Verdict, same, table
from agentsview_assets.resources.warehouses.reader import Reader
from agentsview_assets.rules.restating import COMPUTED_COST

_TOKENS = ("input_tokens", "output_tokens", "cache_creation_tokens", "cache_read_tokens")


def completeness(reader: Reader) -> Verdict:
    """How many tokens have neither a price nor a reported cost, by model."""
    sums = ", ".join(map(reader.whole_sum, ("unpriced_tokens", *_TOKENS)))
    found = reader.rows(f"SELECT model, {sums} FROM daily_usage GROUP BY model ORDER BY model")
    tokens = sum(int(count) for row in found for count in row[2:])
    unpriced = [(model, int(without)) for model, without, *_ in found if int(without)]
    missing = sum(count for _, count in unpriced)
    share = 1 - missing / tokens if tokens else 1.0
    numbers = {"unpriced_tokens": missing, "tokens": tokens, "priced_share": share}
    if not unpriced:
        return Verdict(
            passed=True, words=f"all {tokens:,} tokens have a price or a reported cost",
            numbers=numbers,
        )  # fmt: skip
    models = ", ".join(f"{model or '(no name)'} ({count:,})" for model, count in unpriced)
    return Verdict(
        passed=False,
        words=f"{missing:,} of {tokens:,} tokens have no price, so that costs are a lower bound: "
        f"{models}. Give them a price under [custom_model_pricing] in config.toml and run "
        "`reprice`",
        numbers=numbers | {"unpriced_models": table(("model", "tokens"), unpriced)},
    )


def rates_in_force(reader: Reader) -> Verdict:
    """Whether days are priced with rates that are no longer in force.

    A price table whose changes touch no model of a day leaves the day as it is: several digests
    are no fault by themselves.
    """
    rows = reader.rows(
        "SELECT CAST(d.partition_date AS VARCHAR(10)), d.model, d.computed_cost_usd, "
        f"{COMPUTED_COST} FROM daily_usage d JOIN model_rates r "
        "ON r.archive_id = d.archive_id AND r.model = d.model"
    )
    digests = int(reader.rows("SELECT COUNT(DISTINCT pricing_digest) FROM daily_usage")[0][0])
    other = [(day, model) for day, model, cost, now in rows if not same(float(cost), float(now))]
    days, models = {day for day, _ in other}, {model for _, model in other}
    numbers = {"days_at_other_rates": len(days), "pricing_digests": digests}
    if other:
        return Verdict(
            passed=False,
            words=f"{len(days):,} days ({min(days)} to {max(days)}) are priced with rates that are "
            f"no longer in force for {', '.join(sorted(models)[:5])}; run `reprice`",
            numbers=numbers,
        )
    tables = (
        "one price table"
        if digests <= 1
        else f"{digests} price tables that agree on every model of the days they priced"
    )
    return Verdict(
        passed=True, words=f"every day is priced with the rates in force, by {tables}",
        numbers=numbers,
    )  # fmt: skip
