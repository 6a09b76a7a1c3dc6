"""Passwords and secrets that the words around them show: what is assigned, told or sent.

What belongs here: the names of what is secret, and the ways in which a value follows one. What does
not: keys that show themselves (`key_forms`), and the options of programs (`command_secrets`).
"""

from __future__ import annotations

import re

from agentsview_assets.rules.credentials.plain_words import reads_as_words
from agentsview_assets.rules.credentials.values import (
    APART,
    FILE,
    LEAST_PASSWORD,
    LEAST_SECRET,
    MARK,
    QUOTED,
    has_digit,
    is_nothing,
    is_password,
    is_random,
    marked,
)

PASSWORDS = r"pass(?:word|wd|phrase|wort|code)|passwort|kennwort"
_KINDS_OF_KEYS = (
    "api|access|private|secret|auth|account|shared|encryption|signing|subscription|app(?:lication)?|"
    "pre[_-]?shared|master|license"
)
SECRETS = rf"(?:{_KINDS_OF_KEYS})[ _-]?key(?:[_-]?id)?|secret|token|credentials?"
_ALONE = (
    r"(?:ssh|db|pg|my|root|user|admin|smtp|mail|ftp|ldap)?pass|pwd|pw|auth|jwt|pat|sig|signature"
)
_QUERY = r"key|code|session|sid|ticket|hash|sign|x-amz-[a-z-]{1,24}|x-goog-[a-z-]{1,24}"
_SAID = rf"({QUOTED}|[^\s\"']+)"
_HINTS = (
    *("pass", "pwd", "pw", "secret", "token", "key", "kennwort", "cred", "auth", "jwt", "pat="),
    *("sig", "identified", "code=", "session=", "sid=", "ticket=", "hash=", "x-amz-", "x-goog-"),
)
"""One of them is in every text that any rule here changes."""
SUSPECT_TOLD = (
    r"pass(?:w|phrase|code|[^a-z])|identified |pwd|pw[^a-z]|secret|token|kennwort|creds?[^a-z]|"
    r"credential|auth|(?:api|access|private|account|shared|encryption|signing|subscription|app|"
    r"application|master|license).?key|_key.?=|jwt|pat=|sig|key=|code=|session=|sid=|ticket=|hash=|"
    r"sign=|x-amz-|x-goog-"
)
"""What every text that a rule here changes matches."""

_VALUE = rf"{QUOTED}|\$\([^()\n]*\)|<[^<>\n]{{1,40}}>|(?:[^\s&]|&(?![\w.%-]{{1,64}}=))+"
_ASSIGNED = re.compile(
    rf"((?:{PASSWORDS}|{SECRETS}|{APART}(?:{_ALONE})|(?<=[?&;])(?:{_QUERY}))"
    rf"[\"'\]]{{0,2}}\s{{0,3}}(?:=>|:=|=)(?![=~>])[ \t]{{0,3}})({_VALUE})",
    re.IGNORECASE,
)
_SOME_KEY = re.compile(
    rf"(\b(?!(?:CACHE|PRIMARY|FOREIGN|SORT|PUBLIC|PARTITION|INDEX|BUILD|GROUP)_)[A-Z][A-Z0-9_]{{1,40}}_KEY\s?=\s?)({QUOTED}|[^\s&]+)"
)
_IS_QUERY = re.compile(rf"(?:{_QUERY})=\Z")
_OFTEN_OTHER = re.compile(r"pass=|pat\W|sig|auth\W|jwt\W")
"""Names that say other things as well: a word or a small number behind them is none."""
_PLAIN_PARAMETER = re.compile(r"[0-9]{1,4}|[a-z]{1,12}")
_MARKS = ")].,;:!?"
_SPACED = re.compile(r"\s(?:=|:=)\s*\Z")
_CODE = re.compile(
    r"-?\d{1,2}|[A-Za-z_]{1,40}(?:\.[A-Za-z_]{1,40})+|[A-Za-z_][A-Za-z_.]{0,80}\d?[A-Za-z_]{0,40}[\[(].*"
)
"""What programs assign: a call, an element, a member."""
_ARROW = re.compile(r"[a-z]\s*=>\s*\Z")
_DOTTED_NAME = re.compile(r"(?:[A-Za-z_]\w{0,32}\.)*([A-Za-z_]{1,32})[)\],;:.!?]*\Z")
_NOT_LETTERS = re.compile(r"[^a-z]+")
_TOLD = re.compile(
    rf"((?:({PASSWORDS}|{APART}(?:pwd|pass|pw)(?=[\"':]))|({SECRETS}))([\"']?)\s{{0,3}}:\s{{0,3}})"
    + _SAID,
    re.IGNORECASE,
)
_OF = r"(?:\s(?:for|to|of|on|from|in|f[uü]r|von)(?:\s[\w@.'-]{1,32}){1,3}?)?"
_IS = re.compile(
    rf"((?:({PASSWORDS}|{APART}(?:pw|pwd|pass))|({SECRETS}))s?{_OF}\s{{1,3}}(?:is|was|are|ist|war|should\sbe|to|->|=>|→|-)\s?:?\s{{1,3}})"
    + _SAID,
    re.IGNORECASE,
)
_WITH = re.compile(
    rf"(\b(?:with|using|use|mit|try)\s(?:the\s|this\s|my\s)?(?:({PASSWORDS}|pw)|({SECRETS}))\s{{1,3}})"
    + _SAID,
    re.IGNORECASE,
)
_BEFORE = re.compile(
    rf"(?<!\S)([\"'`]?)(\S{{6,64}})(?=\s(?:is|as|ist|als)\s(?:the|my|our|das)\s(?:{PASSWORDS}))",
    re.IGNORECASE,
)
_STRONG = re.compile(
    rf"((?:{PASSWORDS}|requirepass|{APART}pw)[ \t]{{1,3}})([\"'`]?)([^\s\"'`]{{8,}})", re.IGNORECASE
)
_TAG = re.compile(
    rf"(<\w{{0,24}}(?:{PASSWORDS}|{SECRETS}|pwd|pass)>)([^<\"\s]+)(?=</)", re.IGNORECASE
)
_SETTING = re.compile(
    rf"(\bkey=\"[^\"\n]{{0,40}}(?:{PASSWORDS}|{SECRETS})\"\s{{1,3}}value=\")([^\"\n]+)(?=\")",
    re.IGNORECASE,
)
_SQL = re.compile(
    r"(\b(?:identified\s(?:with\s\w{1,40}\s)?by|(?:user|role|login)\s\S{1,64}\s(?:with\s)?password)"
    r"\s{1,3}')([^'\n]+)",
    re.IGNORECASE,
)
_BARE = re.compile(
    rf"({APART}\w{{0,24}}(?:{SECRETS})\s{{1,3}})([\"'`]?)([A-Za-z0-9_+/=.-]{{20,}})",
    re.IGNORECASE,
)
_USER = r"(?:user(?:name)?|login|account|benutzer)[:=]?\s{1,8}[^\s,;]{1,128}"
_AND_PASSWORD = re.compile(
    rf"(\b{_USER}[\s,;/|]{{1,8}}(?:and\s|with\s|und\s)?(?:pass(?:word|wd|wort)?|pw)[:=]?\s{{1,8}})(\S+)",
    re.IGNORECASE,
)
_NETRC = re.compile(
    r"(\b(?:machine\s{1,8}\S{1,128}|default)\s{1,8}"
    r"(?:(?:login|user|account)\s{1,8}(?!and\s|or\s)\S{1,128}\s{1,8}){1,2}"
    r"(?:password|passwd)\s{1,8})(\S+)"
)
_NETRC_TURNED = re.compile(
    r"(\bmachine\s{1,8}\S{1,128}\s{1,8}(?:password|passwd)\s{1,8})(\S+)(?=\s{1,8}(?:login|user)\s)"
)
_CREDS = re.compile(
    r"(\b(?:creds|credentials)(?:\s(?:are|is)|\s?:)\s{1,3}[\w.@-]{1,64}\s?[:/]\s?)([^\s\"'/]{6,})",
    re.IGNORECASE,
)
_IN_PATH = re.compile(
    r"(/(?:(?:access|api|auth|refresh)[_-]?(?:tokens?|keys?)|tokens?|secrets?|passwords?|jwt)/)"
    r"([A-Za-z0-9_.~%+=-]{12,})(?![A-Za-z0-9_.~%+=-])",
    re.IGNORECASE,
)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

_LEAST_HEADER = 8


def without_told(text: str, lower: str) -> str:
    """Take out what is assigned, told or sent.

    Args:
        text: What to look at.
        lower: It in small letters.
    """
    # Looking for words is a hundred times faster than trying a rule everywhere.
    if not any(word in lower for word in _HINTS):
        return text
    if "=" in text:
        text = _ASSIGNED.sub(_assigned, text)
        text = _SOME_KEY.sub(_some_key, text) if "_KEY" in text else text
    if ":" in text:
        text = _TOLD.sub(_told, text)
    if " " in text or "\n" in text:
        for rule in (_IS, _WITH):
            text = rule.sub(_said, text)
        text = _BARE.sub(_bare, text)
        text = _STRONG.sub(_strong, _BEFORE.sub(_before, text))
        text = _SQL.sub(_sql, text) if "'" in text else text
        text = _without_logins(text, lower)
    if "<" in text:
        text = _SETTING.sub(_unless_nothing, _TAG.sub(_unless_nothing, text))
    return _IN_PATH.sub(_in_path, text) if "/" in text else text


def _without_logins(text: str, lower: str) -> str:
    if "machine" in lower or "default" in lower:
        for rule in (_NETRC, _NETRC_TURNED):
            text = rule.sub(_unless_nothing, text)
    if "cred" in lower:
        text = _CREDS.sub(lambda m: m[0] if not is_password(m[2]) else f"{m[1]}{MARK}", text)
    return _AND_PASSWORD.sub(lambda m: m[0] if not is_password(m[2], 5) else f"{m[1]}{MARK}", text)


def _some_key(match: re.Match[str]) -> str:
    bare = match[2].strip("\"'")
    return match[1] + marked(match[2]) if is_random(bare, LEAST_SECRET) else match[0]


def _in_path(match: re.Match[str]) -> str:
    is_plain = not is_random(match[2], 12) or FILE.fullmatch(match[2]) is not None
    is_plain = is_plain or (
        "access" not in match[1].lower() and _UUID.fullmatch(match[2]) is not None
    )
    return match[0] if is_plain else f"{match[1]}{MARK}"


def _assigned(match: re.Match[str]) -> str:
    name, value = match[1].lower(), match[2]
    if is_nothing(value) or (name.startswith("pwd") and value[:1] in "/~.$"):
        return match[0]
    if _IS_QUERY.match(name) and _PLAIN_PARAMETER.fullmatch(value.rstrip(_MARKS)):
        return match[0]
    if _OFTEN_OTHER.match(name) and not is_password(value) and reads_as_words(value.strip(_MARKS)):
        return match[0]
    if _SPACED.search(name) and _CODE.fullmatch(value):
        return match[0]
    if _is_variable(name, value) or (_ARROW.search(name) and _DOTTED_NAME.match(value)):
        return match[0]
    return match[1] + marked(value)


def _is_variable(name: str, value: str) -> bool:
    """Whether the value is a variable called as what it is for: `token=self.token`."""
    called = _DOTTED_NAME.match(value)
    wanted = _NOT_LETTERS.sub("", name)
    return called is not None and _NOT_LETTERS.sub("", called[1].lower()) == wanted


def _told(match: re.Match[str]) -> str:
    """A value behind a colon, where it can be told from prose."""
    value = match[5]
    if is_nothing(value):
        return match[0]
    if match[4] and value[:1] in ("'", '"'):
        return match[1] + marked(value)
    least = LEAST_PASSWORD if match[2] or value[:1] in ("'", '"') else LEAST_SECRET
    is_header = match.string[max(0, match.start() - 1) : match.start()] == "-"
    least = min(least, _LEAST_HEADER) if is_header else least
    return match[1] + marked(value) if _is_told(value, match[2], least) else match[0]


def _said(match: re.Match[str]) -> str:
    """A value behind `is` or `with`, where it can be told from prose."""
    is_secret = _is_told(match[4], match[2], LEAST_PASSWORD if match[2] else LEAST_SECRET)
    return match[1] + marked(match[4]) if is_secret else match[0]


def _is_told(value: str, password: str | None, least: int) -> bool:
    return is_password(value, least) and (password is not None or has_digit(value))


def _before(match: re.Match[str]) -> str:
    bare = match[2].rstrip("\"'`")
    return f"{match[1]}{MARK}{match[2][len(bare) :]}" if is_password(bare) else match[0]


def _strong(match: re.Match[str]) -> str:
    """What stands behind a password's name without a word between has to look like one."""
    bare = match[3].rstrip(_MARKS)
    is_mixed = bare.lower() != bare != bare.upper() or not bare.isalnum()
    is_strong = is_mixed and has_digit(bare) and is_password(bare) and not reads_as_words(bare)
    return f"{match[1]}{match[2]}{MARK}{match[3][len(bare) :]}" if is_strong else match[0]


def _unless_nothing(match: re.Match[str]) -> str:
    return match[0] if is_nothing(match[2]) else f"{match[1]}{MARK}"


def _sql(match: re.Match[str]) -> str:
    is_statement = "PASSWORD" in match[1] or "identified" in match[1].lower()
    return _unless_nothing(match) if is_statement or is_password(match[2]) else match[0]


def _bare(match: re.Match[str]) -> str:
    value = match[3].rstrip(".")
    is_key = is_random(value, 20) and FILE.fullmatch(value) is None
    return f"{match[1]}{match[2]}{MARK}{match[3][len(value) :]}" if is_key else match[0]
