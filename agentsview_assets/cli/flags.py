"""agentsview's command-line grammar: which words are flags, and what is said of those that are not.

What belongs here: words in, values or a refusal out, in the texts of the contract. What does not:
help, defaults, or what any option means.
"""

from __future__ import annotations

import re
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import click

from agentsview_assets.cli.words import complain
from agentsview_assets.rules.gobool import FALSE_TEXTS, TRUE_TEXTS
from agentsview_assets.rules.goquote import go_quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_INTEGER = re.compile(
    r"[+-]?(?:0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|0(?:_?[0-7])*"
    r"|[1-9](?:_?[0-9])*)",
    re.ASCII,
)
_LEADING_ZERO = re.compile(r"^([+-]?)0(?=[0-7])", re.ASCII)
_INT64 = range(-(2**63), 2**63)
_SHORT_ASSIGNMENT = 2


class CommandFailure(click.ClickException):
    """Ends a report command: one line on stderr, exit code 1, nothing on stdout."""

    exit_code = 1

    def __init__(self, kind: str, message: str) -> None:
        """Say what went wrong.

        Args:
            kind: `fatal` for a command line that cannot be read, `error` for everything later.
            message: Text for the user.
        """
        super().__init__(message)
        self.kind = kind

    def show(self, file: IO[Any] | None = None) -> None:
        """Write `<kind>: <message>` to stderr."""
        complain(self.kind, self.message, file)


def parse_integer(text: str) -> int:
    """Read a whole number as flags take it: decimal, `0x`, `0o`, `0b`, octal after a plain 0.

    Raises:
        ValueError: It is none, or does not fit into 64 bits; the message says which.
    """
    if _INTEGER.fullmatch(text) is None:
        raise ValueError("invalid syntax")
    number = int(_LEADING_ZERO.sub(r"\g<1>0o", text.replace("_", "")), 0)
    if number not in _INT64:
        raise ValueError("value out of range")
    return number


class Flag(NamedTuple):
    """What the reader of a command line needs to know of an option.

    Attributes:
        label: Spelling in messages, such as `-h, --help`.
        takes_value: False for a boolean, which never takes the following word as its value.
        choices: The only values allowed; empty when any text will do.
        is_integer: Whether the value has to be a whole number.
    """

    label: str
    takes_value: bool
    choices: tuple[str, ...] = ()
    is_integer: bool = False

    def check(self, value: str) -> None:
        """Refuse a value that the flag cannot hold.

        Raises:
            CommandFailure: Not one of the choices, not a boolean or not a whole number.
        """
        reason = self._objection(value)
        if not reason:
            return
        msg = f"invalid argument {go_quote(value)} for {go_quote(self.label)} flag: {reason}"
        raise CommandFailure("fatal", msg)

    def _objection(self, value: str) -> str:
        if not self.takes_value and value not in TRUE_TEXTS | FALSE_TEXTS:
            return f"strconv.ParseBool: parsing {go_quote(value)}: invalid syntax"
        if self.choices and value not in self.choices:
            return f"must be {' or '.join(self.choices)}"
        if self.is_integer:
            try:
                parse_integer(value)
            except ValueError as error:
                return f"strconv.ParseInt: parsing {go_quote(value)}: {error}"
        return ""


class CommandLine(NamedTuple):
    """Flags and other words of a command line.

    Attributes:
        values: Long flag name without dashes -> its last value; booleans as the text given.
        words: Everything that is neither a flag nor a flag's value.
    """

    values: dict[str, str]
    words: list[str]


HELP_FLAG = Flag("-h, --help", takes_value=False)


def rewrite_long_flags(
    args: Sequence[str], names: Mapping[str, object]
) -> tuple[list[str], list[str]]:
    """Give long flags that were written with one dash their second one.

    Args:
        args: The command line.
        names: Long flag names; a word that is none of them stays as it is.

    Returns:
        The command line, and the names rewritten, each once, in order of appearance.
    """
    rewritten: list[str] = []
    found: dict[str, None] = {}
    for at, arg in enumerate(args):
        if arg == "--":
            return [*rewritten, *args[at:]], list(found)
        name = arg[1:].partition("=")[0]
        legacy = arg[:1] == "-" and len(name) > 1 and name in names
        if legacy:
            found[name] = None
        rewritten.append(f"-{arg}" if legacy else arg)
    return rewritten, list(found)


def read_command_line(args: Sequence[str], flags: Mapping[str, Flag]) -> CommandLine:
    """Split a command line into flags and other words, which may mix freely up to a `--`.

    Args:
        args: The command line, long flags with two dashes.
        flags: Long flag name -> flag; `help` and `-h` are added.

    Raises:
        CommandFailure: An unknown flag, a missing or unfit value.
    """
    known = {**flags, "help": HELP_FLAG}
    line = CommandLine({}, [])
    rest = iter(args)
    for arg in rest:
        if arg == "--":
            line.words.extend(rest)
        elif arg.startswith("--"):
            _read_long(arg, rest, known, line)
        elif arg.startswith("-") and arg != "-":
            _read_short(arg[1:], line)
        else:
            line.words.append(arg)
    return line


def _read_long(arg: str, rest: Iterator[str], flags: Mapping[str, Flag], line: CommandLine) -> None:
    name, assigned, value = arg[2:].partition("=")
    if name[:1] in {"", "-"}:
        raise CommandFailure("fatal", f"bad flag syntax: {arg}")
    flag = flags.get(name)
    if flag is None:
        raise CommandFailure("fatal", f"unknown flag: --{name}")
    if not assigned:
        following = next(rest, None) if flag.takes_value else "true"
        if following is None:
            raise CommandFailure("fatal", f"flag needs an argument: --{name}")
        value = following
    flag.check(value)
    line.values[name] = value


def _read_short(letters: str, line: CommandLine) -> None:
    """Read a cluster of one-letter flags, of which `h` is the only one there is."""
    while letters:
        if letters[0] != "h":
            # The flag library looks at bytes: a letter beyond ASCII is named by its first one.
            byte = chr(letters[0].encode("utf-8", "surrogateescape")[0])
            msg = f"unknown shorthand flag: {go_quote(byte, quote=chr(39))} in -{letters}"
            raise CommandFailure("fatal", msg)
        value, letters = "true", letters[1:]
        if letters[:1] == "=" and len(letters) >= _SHORT_ASSIGNMENT:
            value, letters = letters[1:], ""
        HELP_FLAG.check(value)
        line.values["help"] = value
