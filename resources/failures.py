"""What the user can mend, as a failure of Dagster: the message first, and no stack of ours.

What belongs here: turning one into the other. What does not: the messages.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import dagster as dg

from agentsview_assets.errors import AssetsError, ContractError, OutdatedError
from agentsview_assets.rules.shown_text import unlinked_lines

REFUSED_TAG = "agentsview_assets/refused"
"""Tag of a run of which rows broke a contract: a part of its days may do."""
OUTDATED_TAG = "agentsview_assets/outdated"
"""Tag of a run that a worker of an older release than the warehouse's took: another one may do."""
_TAGS = ((ContractError, REFUSED_TAG), (OutdatedError, OUTDATED_TAG))


@contextlib.contextmanager
def failures_in_words(run: tuple[dg.DagsterInstance, str] | None = None) -> Iterator[None]:
    """Fails a step with the message of an error that the user can mend.

    The error stays its context, so that who runs a plan in this process finds it. Trying again at
    once would not mend it.

    Args:
        run: The instance and the run, where it is recorded that rows or the release are refused.

    Raises:
        dg.Failure: The block raised such an error.
    """
    try:
        yield
    except AssetsError as error:
        tags = {tag: "true" for kind, tag in _TAGS if isinstance(error, kind)}
        if run is not None and tags:
            instance, run_id = run
            instance.add_run_tags(run_id, tags)
        raise dg.Failure(unlinked_lines(str(error)), allow_retries=False) from None
