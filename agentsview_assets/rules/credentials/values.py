"""Values that may be credentials: telling them from words, terms, files and placeholders.

What belongs here: what every rule asks of a value, and the mark that takes its place. What does
not: where a value stands (`told_secrets`, `command_secrets`), and keys by form (`key_table`).
"""

from __future__ import annotations

import re

from agentsview_assets.rules.credentials.plain_words import reads_as_words

MARK = "***"
"""What stands in the place of a credential."""

APART = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f][0-9A-Fa-f]))"
"""The start of a word; an escaped line end or character may stand before it."""

QUOTED = r"\"[^\"\n]*\"?|'[^'\n]*'?"
"""A value in quotes, of which the last may have been cut off."""

LEAST_PASSWORD, LEAST_SECRET = 6, 16
"""Lengths from which a value behind a password's name, or a key's, is one."""

_NO_VALUE = re.compile(
    r"(?:\$\{?[A-Za-z_][A-Z0-9_]*(?::?\?[^}]*|:?-)?\}?|\$\([^)]*\)|%[A-Z_]+%|<[A-Za-z_ -]*>|"
    r"\{\{?[A-Za-z_ .-]*\}?\}|"
    r"\*+|\.{3}|…|none|null|nil|true|false|undefined|process\.env\.\w+|os\.environ\S*|"
    r"os\.getenv\S*|x{3,}|[A-Za-z_.]+\((?:[A-Za-z_.]*|''|\"\")\))?[\"')\],.;:!?]*",
    re.IGNORECASE,
)
"""What stands for a value that is kept elsewhere, or for none."""
_TERM = re.compile(
    r"(?:sha-?\d{1,3}|md5|base-?(?:16|32|58|62|64)|utf-?\d{1,2}|oauth-?\d|argon2\w{0,2}|pbkdf2|"
    r"bcrypt\w{0,2}|[hrep]s-?\d{3}|ed25519|x509|aes-?\d{3}|rsa-?\d{4}|3des|2fa|ipv[46]|http2|"
    r"v\d[\d.]{0,8}|s3|k8s|ec2|pkcs-?\d{1,2}|p12|latin-?1|cp\d{3,4}|sprint-?\d{1,3}|step-?\d{1,2}|"
    r"#\d{1,7}|\d{1,7}[-_]?(?:bit|char|digit|letter|byte|day|hour|minute|second|word|year|month|week|"
    r"time|token|key)\w*|\d{1,9}(?:ms|[smhdkx%]|[kmg]b))(?:[-_/.+,;:!?)]\w*)*",
    re.IGNORECASE,
)
"""Terms that have a number in their name, as prose about passwords has them."""
FILE = re.compile(
    r"(?:~|\.{1,2})?/\S*|[\w./-]+\.(?:py|ts|tsx|js|go|rs|rb|java|md|ya?ml|json|toml|txt|env|pem|key|crt)\W*"
)
_SYMBOL_INSIDE = re.compile(r"[A-Za-z0-9][!@#$%^&]+[A-Za-z0-9]")
_MAIL = re.compile(r"[\w.+-]+@(?:[\w-]+\.)+\w+\W*")


def marked(value: str) -> str:
    """Give the mark in the place of a value, with the quotes of the value."""
    quote = value[0] if value[0] in "\"'" else ""
    return f"{quote}{MARK}{quote if len(value) > 1 and value.endswith(quote) else ''}"


def is_nothing(value: str) -> bool:
    """Tell whether a value stands for one that is kept elsewhere, or for none."""
    return _NO_VALUE.fullmatch(value.strip("\"'")) is not None


def is_password(value: str, least: int = LEAST_PASSWORD) -> bool:
    """Tell a password from a word of prose: it has a digit, or a mark between its letters."""
    bare = value.strip("\"'`()[].,;:!?")
    if is_nothing(value) or len(bare) < least or " " in bare:
        return False
    if not bare.strip("0123456789.,:/-") or _TERM.fullmatch(bare) or FILE.fullmatch(bare):
        return False
    return has_digit(bare) or (
        _SYMBOL_INSIDE.search(bare) is not None and _MAIL.fullmatch(bare) is None
    )


def is_random(value: str, least: int) -> bool:
    """Tell whether a text has the look of a key: long, with a digit, and no words."""
    return len(value) >= least and has_digit(value) and not reads_as_words(value)


def has_digit(text: str) -> bool:
    """Tell whether one of the digits from 0 to 9 is in a text."""
    return any("0" <= character <= "9" for character in text)
