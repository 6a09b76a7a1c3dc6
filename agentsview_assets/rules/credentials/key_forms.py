"""A text without keys and tokens of well-known forms.

What belongs here: telling a key from a name that begins as it does. What does not: the forms
themselves (`key_table`).
"""

from __future__ import annotations

import functools
import re

from agentsview_assets.rules.credentials.key_table import FORMS, Form
from agentsview_assets.rules.credentials.plain_words import reads_as_words
from agentsview_assets.rules.credentials.values import MARK, has_digit

_BY_TEXT = [(form.text, form) for form in FORMS]
_SURE_LENGTHS = {"ASIA": 16}
"""Lengths at which letters alone are a key."""
_LONGEST_WHOLE = 250
"""A text that is longer and ends in the start of a key was cut off there."""
_ENOUGH = 30
"""Characters of both cases that need no digit among them to be a key."""
_AWS_ID = re.compile(r"(?:AKIA|ASIA)[A-Z0-9]{16}")
_AWS_SECRET = re.compile(r"(?<![A-Za-z0-9+])/?[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])")
_HEX_ALONE = re.compile(r"/?[0-9A-Fa-f]+")


def without_keys(text: str) -> str:
    """Take out keys and tokens of well-known forms alone, wherever they stand."""
    for form in [form for start, form in _BY_TEXT if start in text]:
        text = _compiled(form.pattern).sub(lambda match, form=form: _key(match, form), text)  # type: ignore[misc]
    return text


def without_aws_secrets(text: str) -> str:
    """Take out the secrets beside AWS access key ids; they look like nothing by themselves."""
    if ("AKIA" in text or "ASIA" in text) and _AWS_ID.search(text) is not None:
        text = _AWS_SECRET.sub(lambda m: m[0] if _HEX_ALONE.fullmatch(m[0]) else MARK, text)
    return text


_compiled = functools.cache(re.compile)


def _key(match: re.Match[str], form: Form) -> str:
    found = match[0]
    body = found.removeprefix(form.text)
    # A long text that ends in a key was cut off there; a name is not that long.
    is_cut = len(match.string) > _LONGEST_WHOLE and not match.string[match.end() :].strip(" .…")
    needs_digit = form.has_digit and (body.islower() or len(body) < _ENOUGH)
    if (needs_digit or len(body) < form.least) and not has_digit(body):
        return found
    is_sure = is_cut or form.is_sure or len(body) == _SURE_LENGTHS.get(form.text)
    if not is_sure and reads_as_words(body, of_capitals=form.of_capitals):
        return found
    return MARK
