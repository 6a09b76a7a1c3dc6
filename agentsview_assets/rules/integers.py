"""Whole numbers as agentsview keeps them: of 64 bits, starting anew where they end."""

from __future__ import annotations

_SIGN, _ALL = 2**63, 2**64


def int64(number: int) -> int:
    """The number that 64 bits hold in its place."""
    return (number + _SIGN) % _ALL - _SIGN
