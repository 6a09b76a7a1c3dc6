"""Deterministic transcripts of coding agents, for tests, the sample archive and benchmarks."""

from __future__ import annotations

from tests.support.transcripts.corpus import Manifest, Settings, write_corpus

__all__ = ["Manifest", "Settings", "write_corpus"]
