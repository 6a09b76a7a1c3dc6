"""What the user can mend, as a failure of Dagster: the message first, and no stack of ours.

What belongs here: turning one into the other. What does not: the messages.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import dagster as dg

from agentsview_assets.errors import AssetsError
from agentsview_assets.rules.shown_text import unlinked_lines


@contextlib.contextmanager
def failures_in_words() -> Iterator[None]:
    """Fails a step with the message of an error that the user can mend.

    The error stays its context, so that who runs a plan in this process finds it. Trying again at
    once would not mend it.

    Raises:
        dg.Failure: The block raised such an error.
    """
    try:
        yield
    except AssetsError as error:
        raise dg.Failure(unlinked_lines(str(error)), allow_retries=False) from None
