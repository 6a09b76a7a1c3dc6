"""Where words reach the terminal: the only module that writes to it.

Our own words show what acts on a terminal as escapes; documents say what agentsview says. What
belongs here: writing. What does not: any word.
"""

from __future__ import annotations

import contextlib
import sys
from typing import IO, TYPE_CHECKING, Any

import click

from agentsview_assets.rules.shown_text import json_text, safe_json, visible, visible_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_REWRITE = "\r\033[K"
"""Goes back to the start of the line and empties it."""
_LASTING = ("wrote", "materialising", "note:")
"""How lines begin that stay on a terminal when the next one comes."""
_CONTINUED = "\n  "


def say(text: str, *, err: bool = False) -> None:
    """Writes lines of our own."""
    click.echo(visible_lines(text), err=err)


def say_json(value: object) -> None:
    """Writes one JSON object of our own."""
    click.echo(json_text(value))


def complain(kind: str, message: str, file: IO[Any] | None = None) -> None:
    """Writes `<kind>: <message>` to stderr; no further line of it looks like one of ours."""
    text = f"{kind}: {visible_lines(message)}".replace("\n", _CONTINUED)
    click.echo(text, file=file, err=file is None)


def complain_in_json(text: str, file: IO[Any] | None = None) -> None:
    """Writes a JSON object to stderr."""
    click.echo(safe_json(text), file=file, err=file is None)


def write_document(text: str) -> None:
    """Writes a piece of a document: UTF-8 whatever the terminal's encoding, as agentsview does."""
    click.echo(text.encode("utf-8", "surrogateescape"), nl=False)


def progress_lines() -> Callable[[str], None]:
    """Tells progress: one line that rewrites itself on a terminal, plain lines elsewhere."""
    is_terminal = sys.stderr is not None and sys.stderr.isatty()

    def progress(what: str) -> None:
        # Nobody may listen any more: that is no reason to end the work.
        with contextlib.suppress(OSError):
            if is_terminal:
                line, stays = f"{_REWRITE}  {visible(what)}", what.startswith(_LASTING)
                # Whoever has taken standard error meanwhile may not look like a terminal.
                click.echo(line, err=True, nl=stays, color=True)
            else:
                click.echo(f"  {visible(what)}", err=True)

    return progress


@contextlib.contextmanager
def made_visible() -> Iterator[None]:
    """What click says of a command line quotes it: nothing of that acts on the terminal."""
    try:
        yield
    except click.ClickException as error:
        message = visible_lines(error.format_message())
        error.format_message = lambda: message  # type: ignore[method-assign]
        raise
