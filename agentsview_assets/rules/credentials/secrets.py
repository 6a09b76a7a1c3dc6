"""Credentials in texts: what they look like, and the text without them.

People paste keys into first prompts, and programs write them into names, paths and addresses. This
module takes them out and leaves `***` where they were. It errs on both sides on purpose: a form is
listed when prose, branch names, digests and plain addresses do not have it.

The rules are in files of their own: `key_table` (keys that show themselves), `private_keys`,
`address_secrets`, `header_secrets`, `told_secrets` (what words show) and `command_secrets`. Each of
them takes time in proportion to the length of the text: its repeats are bounded, or eat what they
pass.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

from agentsview_assets.rules.credentials.in_addresses import SUSPECT_ADDRESSES, without_users
from agentsview_assets.rules.credentials.in_commands import (
    SUSPECT_COMMANDS,
    without_command_secrets,
)
from agentsview_assets.rules.credentials.in_headers import SUSPECT_HEADERS, without_headers
from agentsview_assets.rules.credentials.in_words import SUSPECT_TOLD, without_told
from agentsview_assets.rules.credentials.key_forms import without_aws_secrets, without_keys
from agentsview_assets.rules.credentials.key_table import SUSPECT_KEYS
from agentsview_assets.rules.credentials.private_keys import (
    SUSPECT_PRIVATE_KEYS,
    without_private_keys,
)
from agentsview_assets.rules.credentials.values import MARK
from agentsview_assets.rules.text import to_bytes

__all__ = ["LOOKED_FOR", "MARK", "SUSPECT", "clean", "clean_identifier", "clean_name",
           "is_clean", "without_keys"]  # fmt: skip

LOOKED_FOR = (
    "users with passwords in addresses, keys and tokens of well-known forms (Anthropic, OpenAI, "
    "GitHub, GitLab, AWS, Google, Slack, Stripe, npm, PyPI, Hugging Face, SendGrid and others), "
    "JSON web tokens, private keys, Authorization headers and cookies, and passwords, tokens and "
    "secrets that are assigned, told, or an option of a command"
)
"""What the rules find, for people."""

SUSPECT = (
    f"{SUSPECT_ADDRESSES}|{SUSPECT_KEYS}|{SUSPECT_PRIVATE_KEYS}|{SUSPECT_HEADERS}|{SUSPECT_TOLD}|"
    f"{SUSPECT_COMMANDS}"
)
"""What every text with a credential matches, whatever the case of its letters, and few others do.

It is read alike by RE2 (DuckDB, Arrow), PostgreSQL and Python: alternatives, classes and repeats.
"""
_ROUNDS = 8
_DIGEST = re.compile(r"~[0-9a-f]{16}(?:[:/#|][a-z]{0,16}[0-9]{0,19}){0,3}\Z")
"""What `clean_identifier` leaves; read as part of a value, it would be taken out itself."""


def clean(text: str) -> str:
    """Give a text without its credentials, `***` in their places; most texts as they are."""
    digest = _DIGEST.search(text)
    if digest is not None and MARK in text[: digest.start()]:
        return clean(text[: digest.start()]) + digest[0]
    # What one rule leaves may be what another one looks for.
    for _ in range(_ROUNDS):
        cleaned = _clean_once(text)
        if cleaned == text:
            break
        text = cleaned
    return text


@lru_cache(maxsize=4096)
def clean_name(text: str) -> str:
    """Clean a short text that occurs often, such as a label or a path."""
    return clean(text)


def clean_identifier(text: str) -> str:
    """Clean what rows are told apart by: it stays apart from all others.

    What is taken out is replaced by a digest of the whole, because two identifiers that become one
    would make two rows count as one.
    """
    cleaned = clean(text)
    if cleaned == text:
        return text
    return f"{cleaned}~{hashlib.sha256(to_bytes(text)).hexdigest()[:16]}"


def is_clean(text: str) -> bool:
    """Tell whether no rule finds anything in a text."""
    return clean(text) == text


def _clean_once(text: str) -> str:
    text = without_users(without_private_keys(text))
    text = without_aws_secrets(text)
    lower = text.lower()
    text = without_told(without_headers(text, lower), lower)
    text = without_command_secrets(text, lower)
    return without_keys(text)
