"""States of a warehouse for a server that stays: many readers at once, and never in a run's way."""
