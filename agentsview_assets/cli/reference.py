"""Commands whose command line reads exactly as agentsview's own does.

Reports are drop-in replacements, so their flags follow the rules of agentsview's flag library, its
messages and its exit code 1 included; the program name in a message is agentsview's because that
text is part of the contract. Options are still declared with click, which gives help, defaults,
environment variables and shell completion.

What belongs here: the bridge between `flags` and click. What does not: what any option means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from agentsview_assets.cli.flags import (
    CommandFailure,
    Flag,
    parse_integer,
    read_command_line,
    rewrite_long_flags,
)
from agentsview_assets.cli.words import made_visible, say
from agentsview_assets.rules.gobool import TRUE_TEXTS
from agentsview_assets.rules.goquote import go_quote

if TYPE_CHECKING:
    from collections.abc import Sequence

_HELP = ("-h", "--help")
_GIVEN = "agentsview_assets.given_flags"


class Integer(click.types.IntParamType):
    """The type of an option that takes a whole number in any of agentsview's notations."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read the number; defaults are numbers already."""
        if isinstance(value, int):
            return value
        try:
            return parse_integer(value)
        except ValueError as error:
            self.fail(f"{value!r}: {error}", param, ctx)


def given_flags(ctx: click.Context) -> frozenset[str]:
    """Return the long names, without dashes, of the flags on the command line.

    Whatever their value is: a boolean that was switched off is among them.
    """
    given: frozenset[str] = ctx.meta.get(_GIVEN, frozenset())
    return given


class ReferenceCommand(click.Command):
    """A click command whose words are read as agentsview reads them.

    Options need a long name; one-letter names other than `-h` are not supported.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take what `click.Command` takes; `-h` is a help option too."""
        kwargs["context_settings"] = {
            "help_option_names": list(_HELP),
            **(kwargs.get("context_settings") or {}),
        }
        super().__init__(*args, **kwargs)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Translate the command line into the one spelling that click reads without surprises.

        Raises:
            CommandFailure: The command line cannot be read, or has words that are no flags.
        """
        if ctx.resilient_parsing:  # shell completion, which asks about unfinished lines
            return super().parse_args(ctx, args)
        flags = self._flags(ctx)
        args, legacy = rewrite_long_flags(args, flags)
        if legacy:
            say(_legacy_warning(legacy), err=True)
        line = read_command_line(args, flags)
        wants_help = line.values.pop("help", "false") in TRUE_TEXTS
        if line.words and not wants_help:
            raise _unknown_command(line.words[0], ctx)
        if wants_help:
            return super().parse_args(ctx, ["--help"])
        ctx.meta[_GIVEN] = frozenset(line.values)
        words = [_plain(flags[name], name, value) for name, value in line.values.items()]
        return super().parse_args(ctx, list(filter(None, words)))

    def _flags(self, ctx: click.Context) -> dict[str, Flag]:
        """Return the declared options by long name, without `help`."""
        options = [param for param in self.get_params(ctx) if isinstance(param, click.Option)]
        return {
            name.removeprefix("--"): Flag(
                name,
                takes_value=not option.is_flag,
                choices=tuple(map(str, getattr(option.type, "choices", ()))),
                is_integer=isinstance(option.type, Integer),
            )
            for option in options
            for name in option.opts
            if name.startswith("--") and name != "--help"
        }


class ReferenceGroup(click.Group):
    """A click group that prints its help without a command and refuses others as the reference."""

    command_class = ReferenceCommand

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take what `click.Group` takes."""
        kwargs["context_settings"] = {
            "help_option_names": list(_HELP),
            **(kwargs.get("context_settings") or {}),
        }
        super().__init__(*args, **kwargs)

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read the command line, and quote nothing of it that acts on a terminal."""
        with made_visible():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, likewise."""
        with made_visible():
            return super().invoke(ctx)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Print the help when no command is named; only the group's own options may come first.

        Raises:
            CommandFailure: An unknown flag or command.
        """
        if ctx.resilient_parsing:
            return super().parse_args(ctx, args)
        if not args:
            args = ["--help"]
        declared = {name for param in self.get_params(ctx) for name in param.opts} - {*_HELP}
        if args[0].startswith("-") and args[0].partition("=")[0] not in declared | {"-"}:
            line = read_command_line(args[:1], {})
            if line.values.get("help") in TRUE_TEXTS:
                args = ["--help"]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first word names.

        Raises:
            CommandFailure: There is none.
        """
        if not ctx.resilient_parsing and self.get_command(ctx, args[0]) is None:
            raise _unknown_command(args[0], ctx)
        return super().resolve_command(ctx, args)


def _plain(flag: Flag, name: str, value: str) -> str:
    """Return the word that sets a flag; empty for a boolean that is off, as click's default is."""
    if flag.takes_value:
        return f"--{name}={value}"
    return f"--{name}" if value in TRUE_TEXTS else ""


def _legacy_warning(names: Sequence[str]) -> str:
    rewrites = ", ".join(f"-{name} -> --{name}" for name in names)
    return (
        "warning: deprecated single-dash long flags detected; "
        f"use GNU-style long flags instead: {rewrites}"
    )


def _unknown_command(word: str, ctx: click.Context) -> CommandFailure:
    # Our own program name is replaced: the contract's text names agentsview.
    names = [ctx.info_name or ""]
    while ctx.parent is not None:
        ctx = ctx.parent
        names.insert(0, ctx.info_name or "")
    path = " ".join(["agentsview", *names[1:]])
    return CommandFailure("fatal", f"unknown command {go_quote(word)} for {go_quote(path)}")
