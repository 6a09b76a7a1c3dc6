"""What is known of coding agents by their names."""

from __future__ import annotations

COPILOT_AGENTS = frozenset({"copilot", "vscode-copilot", "visualstudio-copilot"})
"""Whose records are GitHub Copilot's."""
AGENTS_WITHOUT_TOKENS = COPILOT_AGENTS | {"windsurf", "zcode"}
"""Whose messages do not say how many tokens they took."""
