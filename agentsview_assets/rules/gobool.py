"""The words that Go reads as truth values, in flags and in queries."""

from __future__ import annotations

TRUE_TEXTS = frozenset({"1", "t", "T", "TRUE", "true", "True"})
FALSE_TEXTS = frozenset({"0", "f", "F", "FALSE", "false", "False"})
