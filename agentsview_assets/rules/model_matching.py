"""Which row of a price table a model name means."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from agentsview_assets.rules.gojson import utf8_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_KEPT = b"abcdefghijklmnopqrstuvwxyz0123456789"
_DROPPED = bytes(sorted(set(range(256)) - set(_KEPT)))
_DATED = re.compile(r"(.+)-[0-9]{8}\Z", re.DOTALL)
_OPENERS = {")": "(", "]": "["}


def _fold(text: str) -> str:
    """Lower-case character by character: Python alone lets a final sigma or a dotted I differ."""
    if text.isascii():
        return text.lower()
    return text.replace("\u0130", "i").replace("\u03a3", "\u03c3").lower()


def _letters_and_digits(text: str) -> str:
    return utf8_bytes(_fold(text)).translate(None, _DROPPED).decode("ascii")


def _split_provider(name: str) -> tuple[str, str]:
    """Return provider and canonical name, both of `a-z0-9` only."""
    provider, _, rest = name.rpartition("/")
    return _letters_and_digits(provider), _letters_and_digits(rest)


def _without_group(model: str) -> str:
    """Drop one trailing `(...)` or `[...]`, unless nothing would be left before it."""
    trimmed = model.rstrip(" ")
    cut = trimmed.rfind(_OPENERS.get(trimmed[-1:], "\0"))
    return trimmed[:cut].rstrip(" ") if cut > 0 else model


def _candidates(model: str) -> Iterator[str]:
    """Yield the canonical names to look for, best first, each once."""
    bare = _without_group(model)
    dated = _DATED.match(bare)
    seen = {""}
    for name in (model, bare, dated[1] if dated else bare):
        canonical = _split_provider(name)[1]
        if canonical not in seen:
            seen.add(canonical)
            yield canonical


class _Key(NamedTuple):
    provider: str
    pattern: str


def _ranked(keys: Sequence[_Key], provider: str) -> Iterator[list[str]]:
    """Yield the patterns a model of `provider` may take, best rank first.

    A model with a provider takes its own, then patterns without one, never another provider's;
    a model without a provider takes patterns without one, then any.
    """
    if provider:
        yield [key.pattern for key in keys if key.provider == provider]
    yield [key.pattern for key in keys if not key.provider]
    if not provider:
        yield [key.pattern for key in keys if key.provider]


class ModelMatcher:
    """Finds the pattern of a price table that a model name means.

    The indexes are made when a name first needs them, so that a table whose names all match
    exactly costs nothing.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        """Take the patterns as stored; the empty one never matches."""
        self._patterns = {pattern for pattern in patterns if pattern}

    def match(self, model: str) -> str | None:
        """Return the pattern of the raw name `model` as stored, or None if none or several fit.

        Of patterns that differ only in case the smallest by UTF-8 bytes is taken.
        """
        dashed = model.replace(".", "-")
        for name in (model, dashed):
            if name in self._patterns:
                return name
        for name in (model, dashed):
            pattern = self._by_folded.get(_fold(name))
            if pattern is not None:
                return pattern
        return self._match_canonical(model)

    @cached_property
    def _by_folded(self) -> dict[str, str]:
        index: dict[str, str] = {}
        for pattern in self._patterns:
            folded = _fold(pattern)
            rival = index.get(folded, pattern)
            index[folded] = min(rival, pattern, key=utf8_bytes)
        return index

    @cached_property
    def _by_canonical(self) -> dict[str, list[_Key]]:
        index: dict[str, list[_Key]] = {}
        for pattern in self._patterns:
            provider, canonical = _split_provider(pattern)
            index.setdefault(canonical, []).append(_Key(provider, pattern))
        return index

    def _match_canonical(self, model: str) -> str | None:
        provider = _split_provider(model)[0]
        for canonical in _candidates(model):
            for patterns in _ranked(self._by_canonical.get(canonical, ()), provider):
                if patterns:
                    return patterns[0] if len(patterns) == 1 else None
        return None
