"""A project of a team, with the assets of its coding agents among its own."""
