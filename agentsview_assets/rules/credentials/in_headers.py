"""Credentials that a request sends: `Authorization`, bearer tokens and cookies.

What belongs here: headers, written as such or in a call. What does not: headers that are called
after a key or a token, such as `X-Api-Key` (`told_secrets`).
"""

from __future__ import annotations

import base64
import binascii
import re

from agentsview_assets.rules.credentials.plain_words import reads_as_words
from agentsview_assets.rules.credentials.values import (
    APART,
    LEAST_SECRET,
    MARK,
    has_digit,
    is_nothing,
    is_random,
)

SUSPECT_HEADERS = r"auth|bearer|basic |cookie|sess(?:ion)?id=|_session=|connect\.sid="
"""What every text that a rule here changes matches."""

_SCHEMES = (
    "bearer|basic|token|digest|negotiate|apikey|api-key|aws4-hmac-sha256|ssws|bot|oauth|key|splunk|"
    "geniekey|private-token"
)
_AUTHORIZATION = re.compile(
    r"(authorization[\"'\]]{0,2}\s{0,3}(?:[:=,]|=>)\s{0,3}[\"'`]?)"
    rf"(?:((?:{_SCHEMES})[ \t:]{{1,3}})"
    r"([^\s\"'`]+)|([^\s\"'`]{12,}))",
    re.IGNORECASE,
)
_BEARER = re.compile(
    rf"({APART}bearer(?:\s{{1,3}}|\s?([:=])\s{{0,3}})[\"'`]?)([A-Za-z0-9._~+/=-]{{8,}})",
    re.IGNORECASE,
)
_BASIC = re.compile(rf"({APART}basic\s{{1,3}})([A-Za-z0-9+/]{{8,}}={{0,2}})", re.IGNORECASE)
_COOKIE = re.compile(
    r"(?:\bcookies?[\"']?\s{0,3}[:=\s]|(?<=\s)-b\s)\s{0,3}[\"']?[^\n\"']+", re.IGNORECASE
)
_CRUMB = re.compile(r"([A-Za-z0-9_.-]{1,64})=([^;\s\"',&]+)")
_CRUMB_NAMES = re.compile(
    r"sess|sid|auth|token|csrf|xsrf|jwt|remember|login|clearance", re.IGNORECASE
)
_SESSION = re.compile(
    r"((?:phpsessid|jsessionid|asp\.net_sessionid|connect\.sid|\bsessionid|\w_session)=)([^;\s\"',&]{12,})",
    re.IGNORECASE,
)

_LEAST_NAMED, _LEAST_BEARER, _LEAST_CRUMB = 8, 16, 5
"""Lengths of a token behind `Bearer:`, behind `Bearer`, and of a session's crumb of a cookie."""


def without_headers(text: str, lower: str) -> str:
    """Take out what headers hold.

    Args:
        text: What to look at.
        lower: It in small letters.
    """
    if "authorization" in lower:
        text = _AUTHORIZATION.sub(_authorization, text)
    if "cookie" in lower or ("curl" in lower and "-b " in lower):
        text = _COOKIE.sub(lambda m: _CRUMB.sub(_crumb, m[0]), text)
    if "=" in text and ("sess" in lower or "sid" in lower):
        text = _SESSION.sub(_session, text)
    if "bearer" in lower:
        text = _BEARER.sub(_bearer, text)
    return _BASIC.sub(_basic, text) if "basic " in lower else text


def _authorization(match: re.Match[str]) -> str:
    value = match[3] or match[4]
    if is_nothing(value) or (match[4] is not None and not has_digit(value)):
        return match[0]
    return f"{match[1]}{match[2] or ''}{MARK}"


def _bearer(match: re.Match[str]) -> str:
    value = match[3]
    least = _LEAST_NAMED if match[2] else _LEAST_BEARER
    is_key = has_digit(value) or (len(value) > _LEAST_BEARER and not reads_as_words(value))
    return f"{match[1]}{MARK}" if len(value) >= least and is_key else match[0]


def _basic(match: re.Match[str]) -> str:
    """What is sent as a user and a password, when it is one once decoded."""
    try:
        plain = base64.b64decode(match[2] + "=" * (-len(match[2]) % 4), validate=True)
    except binascii.Error:
        return match[0]
    is_user = b":" in plain and plain.isascii() and plain.decode("ascii").isprintable()
    return f"{match[1]}{MARK}" if is_user else match[0]


def _crumb(match: re.Match[str]) -> str:
    if is_nothing(match[2]):
        return match[0]
    is_named = _CRUMB_NAMES.search(match[1]) is not None and len(match[2]) >= _LEAST_CRUMB
    is_secret = is_named or is_random(match[2], LEAST_SECRET)
    return f"{match[1]}={MARK}" if is_secret else match[0]


def _session(match: re.Match[str]) -> str:
    return f"{match[1]}{MARK}" if has_digit(match[2]) else match[0]
