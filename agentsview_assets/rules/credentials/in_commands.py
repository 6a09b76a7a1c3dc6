"""Passwords and tokens in commands: what the options of programs say.

What belongs here: a table of programs with the options that a password follows, and the options
that say it by their own name. What does not: assignments, with `=` or without (`told_secrets`).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from agentsview_assets.rules.credentials.in_words import PASSWORDS, SECRETS
from agentsview_assets.rules.credentials.values import (
    MARK,
    QUOTED,
    has_digit,
    is_nothing,
    is_password,
    is_random,
    marked,
)


class _Command(NamedTuple):
    """Where a program is told a password.

    Attributes:
        programs: Its names, and those of its like.
        options: What a password follows as a word of its own, or behind `=` or `:`.
        attached: What a password follows without anything between.
        pairs: What a user follows, with a password behind a mark.
        after: Words that have to come before that; a token follows them itself if it stands alone.
        is_token: Whether a token follows one of the words `after`.
    """

    programs: str
    options: tuple[str, ...] = ()
    attached: tuple[str, ...] = ()
    pairs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    is_token: bool = False


_COMMANDS = (
    _Command("curl wget", ("--pass", "--oauth2-bearer", "--http-password"), (),
             ("-u", "--user", "-U", "--proxy-user", "-E", "--cert")),
    _Command("http https xh", (), (), ("-a", "--auth")),
    _Command("mysql mysqldump mysqladmin mysqlimport mysqlsh mysqlcheck mariadb mariadb-dump mycli",
             ("--password",), ("-p",)),
    _Command("sshpass", ("-p",), ("-p",)),
    _Command("redis-cli valkey-cli", ("-a", "--pass")),
    _Command("mongo mongosh mongodump mongorestore mongoexport mongoimport", ("-p", "--password")),
    _Command("docker podman nerdctl helm skopeo buildah oras crane az oc argocd twine cf ibmcloud",
             ("-p", "--password", "--token"), (), (), ("login", "upload")),
    _Command("ldapsearch ldapadd ldapmodify ldapdelete ldapwhoami", ("-w",), ("-w",)),
    _Command("sqlcmd bcp isql", ("-P",), ("-P",)),
    _Command("zip unzip", ("-P", "--password")),
    _Command("7z 7za rar unrar", (), ("-p",)),
    _Command("mosquitto_pub mosquitto_sub ipmitool", ("-P",)),
    _Command("keytool jarsigner", ("-storepass", "-keypass", "-srcstorepass", "-deststorepass")),
    _Command("openssl", ("-passin", "-passout", "-pass", "-k")),
    _Command("ssh-keygen", ("-N", "-P")),
    _Command("xfreerdp wfreerdp cmdkey", (), ("/p:", "/pass:")),
    _Command("smbclient rpcclient", (), (), ("-U", "--user")),
    _Command("ngrok vault cargo wandb bw", after=("authtoken", "add-authtoken", "login", "unlock"),
             is_token=True),
    _Command("sqlplus", pairs=("",)),
)  # fmt: skip
_PROGRAMS = {name: command for command in _COMMANDS for name in command.programs.split()}
_SHORT = 4
_MENTIONS = tuple(f"{name} " if len(name) <= _SHORT else name for name in _PROGRAMS)
"""Names as they stand in a text; short ones are in words, too."""
SUSPECT_COMMANDS = "|".join(
    (*_MENTIONS, "-u ", "--user", "--proxy-user", "-pass", "-pw ", "-pat ", "chpasswd", "sudo -")
)
"""What every text that a rule here changes matches."""

_WORD = re.compile(r"(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s\"'])+|[\"']")
_NAME_END = re.compile(r"[/\\:(`$\"']")
_ENDS = frozenset({"|", "||", "&&", ";", "&"})
_PORTS = re.compile(r"\d{1,5}(?::\d{1,5})?(?:/\w{3})?")
_PROSE = frozenset(
    {
        *("flag", "option", "options", "argument", "parameter", "switch", "is", "and", "or", "to"),
        *("in", "for", "with", "the", "a", "an", "does", "not", "works", "fails", "on", "of"),
    }
)
"""What follows an option that is spoken of."""
_PAIR = re.compile(r"([\"']?[^\s:%/\"']{0,128}[:%])([^\"']*)")
_ORACLE_PAIR = re.compile(r"([\"']?\w{1,64}/)([^@\"']*)")

_OPTION = re.compile(
    rf"((?:{PASSWORDS}|{SECRETS}|pass|pwd|pw|pat|auth)[ \t]{{1,3}})"
    rf"({QUOTED}|[^\s-]\S+)",
    re.IGNORECASE,
)
_OPTION_NAME = re.compile(r"(?<!\S)--?[\w-]{0,24}\Z")
_PIPED = re.compile(
    r"(\b(?:echo|printf)[ \t]{1,3}(?:-n[ \t])?)(\"[^\"\n]*\"|'[^'\n]*'|[^\s|]+)"
    r"(?=[ \t]{0,3}\|[ \t]{0,3}(?:sudo[ \t]-\w{0,4}S|(?:sudo[ \t])?(?:chpasswd|passwd)\b|"
    r"[\w-]{1,16}[ \t][^|\n]{0,80}(?:--password-stdin|--with-token)))"
)


def without_command_secrets(text: str, lower: str) -> str:
    """Take out the passwords and tokens that commands hold.

    Args:
        text: What to look at.
        lower: It in small letters.
    """
    if "-" in text and any(
        word in lower for word in ("pass", "pw", "secret", "token", "key", "pat", "auth", "cred")
    ):
        text = _OPTION.sub(_option, text)
    if "echo" in lower or "printf" in lower:
        text = _PIPED.sub(lambda m: m[0] if is_nothing(m[2]) else m[1] + marked(m[2]), text)
    return _without_arguments(text) if any(name in text for name in _MENTIONS) else text


def _without_arguments(text: str) -> str:
    """Go through the words of a text; a program's name says what those behind it mean."""
    kept, place = [], 0
    command: _Command | None = None
    is_open = is_next = False
    option = ""
    for match in _WORD.finditer(text):
        word = match[0]
        name = _NAME_END.split(word.rstrip("`"))[-1]
        new = word
        if name in _PROGRAMS and word[:1] != "-" and not option:
            command, is_open = _PROGRAMS[name], not _PROGRAMS[name].after
            is_next = False
        elif word in _ENDS:
            command, option = None, ""
        elif command is not None:
            if option:
                new, option = _argument(command, option, word), ""
            elif is_next:
                new, is_next = MARK if is_random(word, 16) else word, False
            elif word in command.after:
                is_open, is_next = True, command.is_token
            elif is_open:
                option, new = _read(command, word)
            if word.endswith(";"):
                command = None
        kept += [text[place : match.start()], new]
        place = match.end()
    return "".join((*kept, text[place:]))


def _read(command: _Command, word: str) -> tuple[str, str]:
    """The option that a word is, if its value is the next word; and the word without a value."""
    if word in command.options or word in command.pairs:
        return word, word
    if "" in command.pairs:  # a user and a password as the first word
        return "", _ORACLE_PAIR.sub(lambda m: f"{m[1]}{MARK}" if m[2] else m[0], word, count=1)
    start = next((o for o in command.attached if word.startswith(o)), None)
    if start is not None and word[:2] != "--":
        value = word[len(start) :]
        is_value = not _PORTS.fullmatch(value.strip("\"'")) and not is_nothing(value)
        return "", start + marked(value) if is_value else word
    name, mark, value = word.partition("=")
    if mark and name in command.pairs:
        return "", name + mark + _pair(value)
    if mark and name in command.options and not is_nothing(value):
        return "", name + mark + marked(value)
    short = next((o for o in command.pairs if len(o) == 2 and word.startswith(o)), None)  # noqa: PLR2004 - a dash and a letter
    return "", short + _pair(word[2:]) if short else word


def _argument(command: _Command, option: str, word: str) -> str:
    if option in command.pairs:
        return _pair(word)
    bare = word.strip("\"'`.,;:!?)")
    if (
        is_nothing(word)
        or word[:1] == "-"
        or bare.lower() in _PROSE
        or bare.startswith(("file:", "env:"))
    ):
        return word
    return marked(word)


def _pair(word: str) -> str:
    """A user and a password without the password; a user alone as it is, unless it is a token."""
    found = _PAIR.fullmatch(word.rstrip("\"'"))
    if found is None:
        return word
    quote = word[len(word.rstrip("\"'")) :]
    if not found[2]:
        return f"{MARK}:{quote}" if is_random(found[1].strip("\"':"), 10) else word
    return word if is_nothing(found[2]) else f"{found[1]}{MARK}{quote}"


def _option(match: re.Match[str]) -> str:
    value = match[2].strip("\"'")
    before = match.string[max(0, match.start() - 28) : match.start()]
    if _OPTION_NAME.search(before) is None:
        return match[0]
    is_setting = value.partition("=")[0] in ("id", "type", "src", "source", "name")
    is_key = is_password(match[2]) or (not has_digit(value) and _is_long(value))
    return match[1] + marked(match[2]) if is_key and not is_setting else match[0]


def _is_long(value: str) -> bool:
    return len(value) >= 20 and value.isalnum() and not value.islower() and not value.isupper()  # noqa: PLR2004 - longer than words
