"""Costs that a source reported, credits, savings, and price tables of every origin."""

from __future__ import annotations

import json

from tests.support.odd_archives.workbench import DAY, Edit, Workbench
from tests.support.oracle import REPOSITORY

_SNAPSHOT = REPOSITORY / "agentsview_assets" / "data" / "litellm_snapshot.json"
# The keys of the first table in the reference of model names, then names to resolve with them.
_PATTERNS = (
    *("claude-opus-4-7", "claude-opus-4-7-20260101", "gpt-5.5", "GPT-6", "openai/gpt-7"),
    *("azure/gpt-7", "openai/gpt-8", "gpt-8", "azure/gpt-9", "a-b", "a_b", "a.c", "x/a-c"),
    *("p/q/m1", "pq/m1", "/lead", "m2", "", "x_y"),
)
MODEL_NAMES = (
    *("claude-opus-4.7", "Claude-Opus-4.7", "claude-opus-4-7[1m]", "claude-opus-4-7 (High)"),
    *("claude-opus-4-7-20251231", "claude-opus-4-7-20260101[1m]", "claude opus 4 7"),
    *("claude-opus-4-7-thinking", "anthropic/claude-opus-4-7", "gpt-5-5", "gpt5.5", "GPT-5.5"),
    *("gpt-5.5-codex", "gpt-6", "openai/GPT-6", "m2 (x) (y)", "m2 (x)  ", "gpt-7", "openai/gpt.7"),
    *("foo/gpt-7", "gpt-9", "x/gpt-9", "foo/gpt-8", "OpenAI/gpt_8", "ab", "A-B", "a-c", "y/a-c"),
    *("x/a.c", "p.q/m1", "m1", "lead", "x/lead", "(m2)", "m2)", "m2 ]", "m2[", "-20260101"),
    *(
        "m2-2026010",
        "m2-20260101",
        "m2-20260101-20260101",
        "/",
        "x/",
        "X_Y",
        "_under",
        "\u017f",
        "K",
    ),
    *("claude-opus-4-5-20251101", "openrouter/anthropic/claude-opus-4-6", "GEMINI-2.5-pro"),
)
_EMBEDDED_EQUAL = ("claude-opus-4-6", "claude-haiku-4-5")
CUSTOM_PRICES = """
[custom_model_pricing."acme-ultra-2.1"]
input = 2.0
output = 8
cache_creation = 2.5
cache_read = 0.2

[custom_model_pricing.internal-tiny]
input = 0.2

[custom_model_pricing.claude-opus-4-6]
input = 5
output = 25
cache_creation = 6.25
cache_read = 0.5

[custom_model_pricing._under]
input = 1
unknown = "ignored"

[custom_model_pricing.empty-row]

[Custom_Model_Pricing.mixed-case]
Input = 3
OUTPUT = -4.5
cacheRead = 9
"""


def reported_costs(bench: Workbench) -> None:
    """A reported cost wins over rates, zero and negative ones too; only NULL is computed."""
    session = bench.session("reported", "reported-costs", agent="codex")
    for cost in (0.0, -1.5, 0.07, 1e-9, None, 3):
        bench.event(session, cost_usd=cost, model="gpt-5.5", cache_read_input_tokens=50)
        bench.event(session, cost_usd=cost, model=f"only {cost}", cache_read_input_tokens=50)
    bench.message(session, model="gpt-5.5")


def cursor_charges(bench: Workbench) -> None:
    """A Cursor row is always reported: cents by the hundred, zero and credit notes included."""
    for cents in (0.0, 12.5, -3.0, 0.0001, 33.333333333333336):
        bench.cursor(charged_cents=cents, model="auto", cache_read_tokens=1_000)


def copilot_credits(bench: Workbench) -> None:
    """Credits are counted for four agents by exact name, on days of their own."""
    agents = ("copilot", "vscode-copilot", "windsurf", "visualstudio-copilot", "Copilot", "cursor")
    for number, agent in enumerate(agents):
        day = f"2026-06-1{number}"
        session = bench.session(f"credits:{agent}", f"credits-{number}", agent=agent)
        bench.event(session, cost_usd=0.07 + number / 1_000, occurred_at=f"{day}T10:00:00Z")
        bench.message(session, timestamp=f"{day}T11:00:00Z")
        bench.event(session, cost_usd=-0.9, occurred_at=f"2026-06-2{number}T10:00:00Z")


def cost_order(bench: Workbench) -> None:
    """Breakdowns go by cost, then by the bytes of the name; negative costs come last."""
    names = ("Zz", "aa", "éé", "A", "z", "!", "~")
    for number, name in enumerate(names):
        session = bench.session(f"order:{name}", f"order-{name}", agent=f"o{name}")
        cost = (0.0, 0.0, 0.0, 1.0, 1.0, -1.0, -2.0)[number]
        bench.event(session, model=name, cost_usd=cost, occurred_at="2026-05-05T10:00:00Z")


def negative_savings(bench: Workbench) -> None:
    """Writing to the cache costs more than input, so that savings may be negative."""
    session = bench.session("savings", "negative-savings")
    wrote = {"cache_creation_input_tokens": 1_999_999}
    bench.message(session, usage=wrote, model="claude-opus-4-6")
    bench.event(session, model="claude-opus-4-6", cost_usd=0.0, cache_read_input_tokens=123_456)


def tiny_and_huge_costs(bench: Workbench) -> None:
    """Amounts on both sides of where numbers change their notation, each on its own day."""
    session = bench.session("notation", "notation")
    costs = (1e-7, 9.999e-7, 1e-6, 1.5e-6, 123456789.125, 1e20, 1e21, 2.5e21, 0.1 + 0.2)
    for number, cost in enumerate(costs):
        bench.event(session, cost_usd=cost, occurred_at=f"2026-04-{number + 1:02}T10:00:00Z")


def model_names(bench: Workbench) -> None:
    """Names to resolve: dots, cases, trailing groups, dates, providers, ties."""
    session = bench.session("names", "model-names")
    for model in MODEL_NAMES:
        bench.message(session, model=model)


def stored_prices(bench: Workbench) -> None:
    """Stored rows: fetched, equal to embedded, overriding, metadata, odd and missing times."""
    for number, pattern in enumerate(_PATTERNS):
        bench.price(pattern, (1.0 + number, 2.5, 0.1, 1e-7), "2026-07-01T12:34:56.789Z")
    for row in json.loads(_SNAPSHOT.read_text(encoding="utf-8"))["rows"]:
        if row["model_pattern"] in _EMBEDDED_EQUAL:
            bench.price(row["model_pattern"], _rates(row), "2026-08-01T00:00:00.999Z")
    bench.price("offset-row", (1, 1, 1, 2.5e21), "2026-07-02T01:00:00+02:00")
    bench.price("space-row", (-1, 1, 1, 1), "2026-07-02 01:00:00")
    bench.price("no-time-row", (1, 0.30000000000000004, 1, 1), "")
    bench.price('quo"te\\ \u2028<&>', (1, 1, 1, 1), "not a time")
    bench.price("_fallback_version", (0, 0, 0, 0), "litellm-398a0b15378c")
    bench.price("_litellm_last_attempt", (9, 9, 9, 9), "2099-01-01T00:00:00Z")


def stored_embedded_only(bench: Workbench) -> None:
    """A table that was seeded from the embedded one keeps its times, but is not fetched."""
    for row in json.loads(_SNAPSHOT.read_text(encoding="utf-8"))["rows"]:
        bench.price(row["model_pattern"], _rates(row), "2026-07-03T04:05:06.070Z")
    bench.price("_fallback_version", (0, 0, 0, 0), "litellm-398a0b15378c")


def custom_prices(bench: Workbench) -> None:
    """Prices of `config.toml`: whole rows replaced, zeros for what is left out, any case."""
    bench.append_config(CUSTOM_PRICES)
    session = bench.session("custom", "custom-prices")
    for model in ("acme-ultra-2.1", "ACME ultra 2.1", "internal-tiny", "claude-opus-4-6", "_under"):
        bench.message(session, model=model, timestamp=f"{DAY}T10:00:00Z")
    bench.message(session, model="empty-row")
    bench.message(session, model="mixed-case", usage={"input_tokens": 7, "output_tokens": 900})


def _rates(row: dict[str, float]) -> tuple[float, float, float, float]:
    return (
        row["input_per_mtok"],
        row["output_per_mtok"],
        row["cache_write_per_mtok"],
        row["cache_read_per_mtok"],
    )


EDITS: tuple[Edit, ...] = (
    reported_costs,
    cursor_charges,
    copilot_credits,
    cost_order,
    negative_savings,
    model_names,
)
