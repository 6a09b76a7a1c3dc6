"""Asset checks: whether the numbers can be trusted, told in words and numbers.

What belongs here: which checks there are, and running them in Dagster. What does not: what each of
them asks, which is in the modules beside. They read the warehouse as a report does, all of it, so
that their state is that of the table and not of the run that they came with.
"""

from collections.abc import Iterator, Sequence

import dagster as dg

from agentsview_assets.assets.common import IO_MANAGER_KEY, LEDGER
from agentsview_assets.assets.naming import Names
from agentsview_assets.checks.archives import archive_checks
from agentsview_assets.checks.contents import content_free, contract_holds
from agentsview_assets.checks.observed import coverage, duplicates_removed, freshness
from agentsview_assets.checks.prices import completeness, rates_in_force
from agentsview_assets.checks.totals import totals_agree
from agentsview_assets.checks.verdict import Check, Verdict
from agentsview_assets.documents.common.alarms import due_checks
from agentsview_assets.resources.failures import failures_in_words
from agentsview_assets.resources.warehouses.io_manager import RunsWarehouse
from agentsview_assets.resources.warehouses.run_records import Answer
from agentsview_assets.resources.warehouses.store import Store
from agentsview_assets.resources.work import METER
from agentsview_assets.rules.credentials.secrets import LOOKED_FOR
from agentsview_assets.schemas import CONTRACTS, HISTORIES, MADE_BY_KEY

# One step cannot both hold up a table and wait for what is made from it.
_MADE_FROM_LATER = {"effective_pricing", "model_rates", "session_model_usage"}
_MADE = [contract for contract in CONTRACTS.values() if contract.name not in HISTORIES]
_CONTRACTS = [
    Check(
        "contract",
        contract.name,
        "Every row keeps the rules of the table's contract: no missing value, no value outside a "
        "closed list, no negative count, no repeated key, as many rows as were written.",
        contract_holds(contract),
        is_blocking=contract.name not in _MADE_FROM_LATER,
    )
    for contract in _MADE
]
OBSERVED = [check for check in _CONTRACTS if CONTRACTS[check.asset].group == "observations"]
SEEN = [check for check in _CONTRACTS if check.asset == LEDGER]
SETTLED = [
    *(check for check in _CONTRACTS if check.asset in MADE_BY_KEY and check not in SEEN),
    Check(
        "duplicates_removed",
        "duplicates",
        "Of the rows that share a duplicate key exactly one counts, and the others point at it.",
        duplicates_removed,
        is_blocking=True,
    ),
]
REPORTED = [
    *(check for check in _CONTRACTS if check not in (*SEEN, *OBSERVED, *SETTLED)),
    Check(
        "totals_agree",
        "daily_usage",
        "daily_usage and session_model_usage per archive and model, activity_buckets per archive "
        "and day, session_summaries per archive: each equals what the usage rows say. Sessions "
        "keep messages that other sessions repeat, so that they are compared with the rows that "
        "count once per session; buckets with the rows whose time can be read.",
        totals_agree,
        is_blocking=True,
    ),
    Check(
        "completeness",
        "daily_usage",
        "Every token has a price or a reported cost; what has none, by model.",
        completeness,
    ),
    Check(
        "rates_in_force",
        "daily_usage",
        "Every day is priced with the rates in force, whatever price table brought them.",
        rates_in_force,
    ),
    Check(
        "coverage",
        "session_summaries",
        "Sessions with messages but without any usage, by agent: some agents report no tokens.",
        coverage,
    ),
    Check(
        "content_free",
        "session_summaries",
        "No table holds a text as long as a message outside of titles, or a credential: "
        f"{LOOKED_FOR}.",
        content_free,
    ),
    Check(
        "freshness",
        "session_summaries",
        "Every archive of the warehouse was written to it lately.",
        freshness,
    ),
]


BLOCKING: dict[str, set[tuple[str, str]]] = {}
"""The blocking checks of each table."""
for _check in (*SEEN, *OBSERVED, *SETTLED, *REPORTED):
    if _check.is_blocking:
        BLOCKING.setdefault(_check.asset, set()).add((_check.asset, _check.name))


def all_checks(names: Names, unread_days: int) -> list[dg.AssetChecksDefinition]:
    """Every check, in steps: of archives, the ledger, facts, what counts of them, and reports.

    Args:
        names: The names of an instance.
        unread_days: Days after which an archive that nobody reads is noticed.
    """
    return [
        _step(names, "archives_checked", archive_checks(unread_days)),
        _step(names, "ledger_checked", SEEN),
        _step(names, "observations_checked", OBSERVED),
        _step(names, "duplicates_checked", SETTLED),
        _step(names, "reports_checked", REPORTED),
    ]


def _key(names: Names, check: Check) -> dg.AssetCheckKey:
    return dg.AssetCheckKey(names.key(check.asset), check.name)


def _step(names: Names, name: str, checks: Sequence[Check]) -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(
        name=names.of(name),
        specs=[
            dg.AssetCheckSpec(
                check.name,
                asset=names.key(check.asset),
                description=check.about,
                blocking=check.is_blocking,
            )
            for check in checks
        ],
        can_subset=True,
        required_resource_keys={names.of(IO_MANAGER_KEY)},
    )
    def step(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        manager: RunsWarehouse = getattr(context.resources, names.of(IO_MANAGER_KEY))
        chosen = context.selected_asset_check_keys
        asked = [check for check in checks if _key(names, check) in chosen]
        with failures_in_words(), METER.measure():
            with manager.store.reading() as reader:
                due = due_checks(reader)
                verdicts = [(check, check.ask(reader)) for check in asked]
            for _, verdict in verdicts:
                if verdict.rules:
                    manager.store.record_rules(verdict.rules)
            _record(manager.store, verdicts, due, context.run.run_id)
        for check, verdict in verdicts:
            _report(check, verdict)
            yield verdict.result(check.name, names.key(check.asset))

    return step


def _record(
    store: Store,
    verdicts: Sequence[tuple[Check, Verdict]],
    due: Sequence[tuple[str, str]],
    run: str,
) -> None:
    """Notes in the warehouse what blocking checks found, so that no later run forgets it.

    Args:
        store: The warehouse.
        verdicts: The checks asked, and what they found.
        due: Tables whose checks were due before, with the run that had written them.
        run: The run of these checks.
    """
    answers = [
        Answer(check.asset, check.name, verdict.words if verdict.is_wrong else "", run)
        for check, verdict in verdicts
        if check.is_blocking
    ]
    asked = {(answer.asset, answer.check) for answer in answers}
    checked = [table for table in due if BLOCKING.get(table[0], set()) <= asked]
    store.record_answers(answers, checked)


def _report(check: Check, verdict: Verdict) -> None:
    if not verdict.passed:
        mark = "WRONG" if verdict.is_wrong else "note"
        METER.report(f"{mark}: {check.asset}, {check.name}: {verdict.words}")
