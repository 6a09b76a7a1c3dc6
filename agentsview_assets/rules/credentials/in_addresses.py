"""Users with passwords in addresses, percent-encoded or not.

What belongs here: what stands between `://` and `@`, and the few addresses without a scheme. What
does not: queries and paths (`told_secrets`), and names of git remotes (`remote_credentials`).
"""

from __future__ import annotations

import re

from agentsview_assets.rules.credentials.values import MARK, has_digit

_LONGEST_NAME, _RANDOM = 20, 12
"""Lengths up to which a user is a name, and from which letters and digits are a token."""

_BETWEEN = re.compile(r"([\s\"<>`]+)")
_PORT = r"(?:\d{1,5}|\$\w{1,32}|\$?\{\w{1,32}\}|port|<port>)(?:[/?#]|$)"
_USER = r"[^/?#@:\[\\]*"
_IMAGE = re.compile(
    r"[\[(\"'`]?(?:docker|oci)://[\w.-]{1,64}:[\w.-]{1,64}@sha(?:256|512):[0-9a-f]{6,128}\W{0,3}\Z"
)
"""An image by its tag and its digest, in which no user stands."""
_USERINFO = re.compile(rf"(://)({_USER}):(?!{_PORT})[^/]*(?=@)", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\$\w{1,64}|\$?\{{1,2}\w{1,64}\}{1,2}|<[\w-]{1,64}>|%[A-Z_]{1,64}%")
_ENCODED_COLON = re.compile(r"(://)[^/?#@:]*%(?:25)*3a[^/@]*(?=@)", re.IGNORECASE)
_USER_ALONE = re.compile(r"(://)([^/?#@:]{12,})(?=@)")
_WITH_SLASH = re.compile(rf"(://)({_USER}):(?!{_PORT})(?:(?!://).)*(?=@)", re.IGNORECASE)
_DOTTED_HOST = r"(?:[\w-]+\.)+[A-Za-z][\w-]*"
_PORT_AND_SLASH = re.compile(
    rf"(://)(?!localhost:)[^/?#@:.\[\\]+:\d{{1,5}}/(?:(?!://).)*(?=@{_DOTTED_HOST}[/:])"
)
_CUT_OFF = re.compile(rf"(://)({_USER}):(?!{_PORT})(?!\d{{1,5}}$)[^@]+$", re.IGNORECASE)
_ENCODED = re.compile(
    r"((?::|%(?:25)*3a)(?:/|%(?:25)*2f){2})((?:(?!%(?:25)*2f)[^/&?#])*)(?=%(?:25)*40)",
    re.IGNORECASE,
)
_ENCODED_MARKS = re.compile(r"%(?:25)*40", re.IGNORECASE)
_HAS_COLON = re.compile(r":|%(?:25)*3a", re.IGNORECASE)
_NO_SCHEME = re.compile(
    r"(?<![\w.@/:%-])([A-Za-z][\w.-]{0,63}):([^\s:@/]{1,256})"
    rf"(?=@(?:(?:localhost|{_DOTTED_HOST})[:/]\S|(?:\d{{1,3}}\.){{3}}\d{{1,3}}\b))"
)
_ORACLE = re.compile(r"(\bjdbc:oracle:\w{1,8}:[^\s/@:]{1,64}/)(\"[^\"\n]*\"|[^\s@\"]+)(?=@)")
_NO_USERS = frozenset(
    {
        *("mailto", "cc", "bcc", "to", "from", "by", "author", "email", "mail", "contact"),
        *("reply-to", "sip", "xmpp", "acct", "npm", "git"),
    }
)

SUSPECT_ADDRESSES = r"://[^/]*[:@]|%3a|%253a|:[^ :@/]+@[^ ]|jdbc:oracle"


def without_users(text: str) -> str:
    """Take users with passwords out of addresses, word by word."""
    if ":" not in text and "%" not in text:
        return text
    words = _BETWEEN.split(text)
    last = max((n for n, word in enumerate(words) if word.strip(" \t\r\n.…")), default=0)
    for number, word in enumerate(words):
        if "://" in word:
            words[number] = _clean_address(word, is_last=number >= last - 1)
        if "%" in word and _ENCODED_MARKS.search(word):
            words[number] = _ENCODED.sub(_encoded, words[number])
    text = "".join(words)
    if "@" not in text:
        return text
    text = _ORACLE.sub(lambda match: f"{match[1]}{MARK}", text) if "jdbc:oracle" in text else text
    return _NO_SCHEME.sub(_no_scheme, text)


def _clean_address(word: str, *, is_last: bool) -> str:
    if _IMAGE.match(word):
        return word
    end = word.rfind("@") + 1
    if end:
        # Behind the last `@` there is nothing to look for, and looking would take its time.
        head, tail = word[:end], word[end:]
        head = _ENCODED_COLON.sub(rf"\1{MARK}", _USERINFO.sub(_user, head))
        head = _USER_ALONE.sub(_user_alone, head)
        head = _WITH_SLASH.sub(_user, head)
        word = head + tail
        if word.count(":") > 1:
            word = _PORT_AND_SLASH.sub(rf"\1{MARK}", word)
    if is_last:
        end = word.rfind("@") + 1
        bare = word[end:].rstrip("….")
        word = word[:end] + _CUT_OFF.sub(_cut_off, bare) + word[end + len(bare) :]
    return word


def _user(match: re.Match[str]) -> str:
    password = match[0][len(match[1]) + len(match[2]) + 1 :]
    return match[0] if _PLACEHOLDER.fullmatch(password) else f"{match[1]}{MARK}"


def _user_alone(match: re.Match[str]) -> str:
    is_token = has_digit(match[2]) or len(match[2]) > _LONGEST_NAME
    return f"{match[1]}{MARK}" if is_token else match[0]


def _cut_off(match: re.Match[str]) -> str:
    return match[0] if match[0].endswith(MARK) else f"{match[1]}{match[2]}:{MARK}"


def _encoded(match: re.Match[str]) -> str:
    is_token = len(match[2]) >= _RANDOM and has_digit(match[2])
    is_secret = is_token or _HAS_COLON.search(match[2]) is not None
    return f"{match[1]}{MARK}" if is_secret else match[0]


def _no_scheme(match: re.Match[str]) -> str:
    return match[0] if match[1].lower() in _NO_USERS else MARK
