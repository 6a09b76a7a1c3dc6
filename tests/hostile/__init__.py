"""What goes wrong outside, tried on purpose: losses, attacks, and mistakes of users.

What belongs here: one module for each kind of fault of `docs/security.md`, and of the promise that
no row is lost. Inputs are generated kinds, not single values. Heavy kinds carry the marker
`hostile`.
"""
