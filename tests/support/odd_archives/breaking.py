"""Archives that no report can be made of: the original fails on each, and so must we."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.odd_archives.workbench import Edit, Workbench


def fractional_tokens(bench: Workbench) -> None:
    """A token column with a fraction fails the whole report."""
    bench.event(bench.session("fraction", "fraction"), input_tokens=1.5)


def text_in_token_column(bench: Workbench) -> None:
    """A token column with a text that is no number fails the whole report."""
    bench.event(bench.session("text", "text"), output_tokens="many")


def text_in_cost_column(bench: Workbench) -> None:
    """A cost that is no number fails the whole report."""
    bench.event(bench.session("cost", "cost"), cost_usd="dear")


def infinite_cost(bench: Workbench) -> None:
    """A cost that JSON cannot write fails the report."""
    bench.event(bench.session("infinite", "infinite"), cost_usd=float("inf"))


def infinite_custom_price(bench: Workbench) -> None:
    """A custom price that JSON cannot write fails the report."""
    bench.append_config("[custom_model_pricing.boundless]\ninput = inf\n")


def wrong_custom_type(bench: Workbench) -> None:
    """A custom price that is no number fails the loading of the settings."""
    bench.append_config('[custom_model_pricing.wordy]\ninput = "two"\n')


def broken_config(bench: Workbench) -> None:
    """Settings that are not TOML fail to load."""
    bench.append_config("[custom_model_pricing\n")


def no_pricing_table(bench: Workbench) -> None:
    """Without the table of prices an archive cannot be opened for reading."""
    bench.database.execute("DROP TABLE model_pricing")


def no_observation_table(bench: Workbench) -> None:
    """Without the table of project observations an archive cannot be opened for reading."""
    bench.database.execute("DROP TABLE project_identity_observations")


def no_token_column(bench: Workbench) -> None:
    """Without a column that a report reads an archive cannot be opened for reading."""
    bench.database.execute("DROP INDEX idx_messages_usage_covering")
    bench.database.execute("ALTER TABLE messages DROP COLUMN token_usage")


EDITS: tuple[Edit, ...] = (
    fractional_tokens,
    text_in_token_column,
    text_in_cost_column,
    infinite_cost,
    infinite_custom_price,
    wrong_custom_type,
    broken_config,
    no_pricing_table,
    no_observation_table,
    no_token_column,
)
