"""Numbers of rules that stand outside of any table's own, at no import cost."""

CREDENTIAL_RULES = "2"
"""Raised whenever a text would be cleaned differently: what landed by other rules lands anew."""

LANDING = f"10.{CREDENTIAL_RULES}"
"""Raised whenever the same archive would land differently: every session is then read again."""
