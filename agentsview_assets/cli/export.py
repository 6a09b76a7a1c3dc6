"""The `export` commands: whole tables of facts for other programs, read from the warehouse alone.

What belongs here: options, the order of checks, where output goes. What does not: any figure.
Imports of the parts that work sit in the functions, so that `--help` does not wait for them.
"""

# ruff: noqa: PLC0415 - the parts that work are imported when they are needed

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

import click

from agentsview_assets.cli.flags import CommandFailure
from agentsview_assets.cli.reference import Integer, ReferenceCommand, ReferenceGroup, given_flags
from agentsview_assets.cli.usage import say_notes, warehouse_options
from agentsview_assets.cli.words import complain_in_json, write_document
from agentsview_assets.errors import AssetsError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agentsview_assets.documents.sessions.cursor import CursorReset
    from agentsview_assets.documents.sessions.export import SessionExport
    from agentsview_assets.documents.sessions.filters import SessionFilters

MAX_LIMIT = 500
# The order in which a cursor objects to other options.
_CURSOR_CONFLICTS = (
    *("project", "exclude-project", "machine", "git-branch", "agent", "date", "date-from"),
    *("date-to", "active-since", "min-messages", "max-messages", "min-user-messages"),
    *("include-one-shot", "include-automated", "include-children", "outcome", "health-grade"),
    *("min-tool-failures", "has-secret", "all"),
)
_EXAMPLES = """
\b
Examples:
  agentsview-assets export sessions --all --format ndjson        every session, one a line
  agentsview-assets export sessions --project web --limit 100    the latest hundred of a project
  agentsview-assets export sessions --cursor "$NEXT"             the page that follows
  agentsview-assets export sessions --date-from 2026-07-01 --include-children --all
"""


class CursorResetFailure(click.ClickException):
    """Ends an export whose cursor holds no longer: one JSON object on stderr, exit code 4."""

    exit_code = 4

    def __init__(self, reset: CursorReset) -> None:
        """Say what went wrong, and which archive is there now."""
        super().__init__(str(reset))
        self._members = reset.members()

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the object to stderr."""
        from agentsview_assets.rules.gojson import encode

        complain_in_json(encode(self._members), file)


@click.group(cls=ReferenceGroup)
def export() -> None:
    """Export facts for other programs."""


def _options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of the contract, in its order."""
    text: dict[str, Any] = {"default": "", "metavar": "TEXT"}
    number: dict[str, Any] = {"type": Integer(), "default": 0, "metavar": "N"}
    declared: tuple[tuple[str, dict[str, Any]], ...] = (
        ("--project", {**text, "help": "Only this project"}),
        ("--exclude-project", {**text, "help": "All but this project"}),
        ("--machine", {**text, "help": "Only these machines, comma-separated"}),
        ("--git-branch", {**text, "help": "Only these branches: PROJECT U+001F BRANCH"}),
        ("--agent", {**text, "help": "Only these agents, comma-separated"}),
        ("--date", {**text, "help": "Under way on this UTC day"}),
        ("--date-from", {**text, "help": "Ended on this UTC day or later"}),
        ("--date-to", {**text, "help": "Started on this UTC day or earlier"}),
        ("--active-since", {**text, "help": "Last active at this time or later"}),
        ("--min-messages", {**number, "help": "At least so many messages"}),
        ("--max-messages", {**number, "help": "At most so many messages"}),
        ("--min-user-messages", {**number, "help": "At least so many messages of the user"}),
        ("--include-one-shot", {"is_flag": True, "help": "Also sessions with a single prompt"}),
        ("--include-automated", {"is_flag": True, "help": "Also sessions that programs started"}),
        ("--include-children", {"is_flag": True, "help": "Also what sessions started in turn"}),
        ("--outcome", {**text, "help": "Only these outcomes, comma-separated"}),
        ("--health-grade", {**text, "help": "Only these grades, comma-separated"}),
        ("--min-tool-failures", {**number, "help": "At least so many failed tool calls"}),
        ("--has-secret", {"is_flag": True, "help": "Only sessions in which a secret was found"}),
        ("--limit", {**number, "default": MAX_LIMIT, "show_default": True,
                     "help": "Rows of a page, 1 to 500"}),
        ("--cursor", {**text, "help": "Go on where this cursor of an earlier page points"}),
        ("--all", {"is_flag": True, "help": "All pages at once"}),
        ("--json", {"is_flag": True, "help": "Same as --format json"}),
        ("--format", {"type": click.Choice(["json", "ndjson"]), "default": "json",
                      "show_default": True, "help": "Output format"}),
        ("--archive", {"metavar": "PATH", "help": "Data folder whose secret signs cursors; "
                       "default: the one the warehouse was made from"}),
        ("--cursor-secret-file", {"metavar": "PATH", "help": "File with the secret in base64 that "
                                  "signs cursors instead, for several machines to share"}),
    )  # fmt: skip
    for name, settings in reversed(declared):
        command = click.option(name, **settings)(command)
    return command


@export.command(cls=ReferenceCommand, epilog=_EXAMPLES)
@_options
@warehouse_options
@click.pass_context
def sessions(ctx: click.Context, /, **options: Any) -> None:
    """Summaries of sessions, the latest first, without any of their content.

    A page at a time: the cursor of a page continues there, in agentsview, too.
    """
    _check(given_flags(ctx), options)
    try:
        _export(options)
    except AssetsError as error:
        raise _failure(error) from error


def _check(given: frozenset[str], options: Mapping[str, Any]) -> None:
    """Refuse options that do not go together, in the contract's order.

    Raises:
        CommandFailure: The first of them.
    """
    conflicts = [name for name in _CURSOR_CONFLICTS if name in given]
    if options["json"] and "format" in given and options["format"] == "ndjson":
        reason = "--json cannot be combined with --format ndjson"
    elif options["cursor"] and conflicts:
        reason = f"--cursor cannot be combined with --{conflicts[0]}"
    elif not 1 <= options["limit"] <= MAX_LIMIT:
        reason = f"--limit must be between 1 and {MAX_LIMIT}"
    else:
        return
    raise CommandFailure("fatal", reason)


def _export(options: Mapping[str, Any]) -> None:
    from agentsview_assets.documents.common.gaps import EXPORT, gaps
    from agentsview_assets.documents.sessions.export import session_export_all, session_export_page
    from agentsview_assets.documents.sessions.secret import cursor_key
    from agentsview_assets.resources.warehouses.reader import open_reader
    from agentsview_assets.settings import load_settings

    settings = load_settings(archive=options["archive"], warehouse=options["warehouse"])
    with open_reader(settings.warehouse) as reader:
        secret = cursor_key(
            reader,
            settings,
            options["archive_id"],
            as_set=bool(options["archive"]),
            file=options["cursor_secret_file"],
        )
        filters = _filters(options)
        if options["all"]:
            found = session_export_all(reader, filters=filters, archive_id=options["archive_id"])
        else:
            found = session_export_page(
                reader,
                secret=secret,
                filters=filters,
                cursor=options["cursor"],
                limit=options["limit"],
                archive_id=options["archive_id"],
            )
        say_notes(gaps(reader, EXPORT, archive_id=options["archive_id"]))
        _write(found, ndjson=options["format"] == "ndjson")


def _filters(options: Mapping[str, Any]) -> SessionFilters:
    from agentsview_assets.documents.sessions.filters import SessionFilters

    is_given = "min-tool-failures" in given_flags(click.get_current_context())
    return SessionFilters(
        **{name: options[name] for name in _SAME_NAMED},
        exclude_one_shot=not options["include_one_shot"],
        automated_scope="all" if options["include_automated"] else "human",
        outcome=tuple(options["outcome"].split(",")),
        health_grade=tuple(options["health_grade"].split(",")),
        min_tool_failures=options["min_tool_failures"] if is_given else None,
    )


_SAME_NAMED = (
    *("project", "exclude_project", "machine", "git_branch", "agent", "date", "date_from"),
    *("date_to", "active_since", "min_messages", "max_messages", "min_user_messages"),
    *("include_children", "has_secret"),
)


def _failure(error: AssetsError) -> click.ClickException:
    from agentsview_assets.documents.sessions.cursor import CursorReset
    from agentsview_assets.resources.cursor_secret import SecretError

    if isinstance(error, CursorReset):
        return CursorResetFailure(error)
    if isinstance(error, SecretError):
        return CommandFailure("fatal", f"open local archive: {error}")
    if isinstance(error, ConfigError):
        return CommandFailure("fatal", f"loading config: {error}")
    return CommandFailure("fatal", str(error))


def _write(found: SessionExport, *, ndjson: bool) -> None:
    """Write the document in pieces; nothing before all but its rows is there."""
    for text in found.ndjson_text() if ndjson else found.json_text():
        write_document(text)
