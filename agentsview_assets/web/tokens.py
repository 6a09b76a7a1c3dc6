"""Whether a request shows the token: as a bearer, or as the cookie that a browser got for it.

Everything is compared as digests of one length, in a time that says nothing of what is right.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from http.cookies import CookieError, SimpleCookie

COOKIE = "agentsview_assets"
SECONDS_VALID = 7 * 24 * 3600
_BEARER = "Bearer "


class Tokens:
    """The token of a server."""

    def __init__(self, token: str) -> None:
        """Takes the token; empty where none is asked for."""
        self.is_required = bool(token)
        self._key = hashlib.sha256(token.encode()).digest()

    def is_right(self, token: str) -> bool:
        """Whether a text is the token."""
        given = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        return hmac.compare_digest(given, self._key) and self.is_required

    def is_borne(self, authorization: str) -> bool:
        """Whether an Authorization header bears the token: one spelling, one blank."""
        bears = authorization.startswith(_BEARER)
        return self.is_right(authorization.removeprefix(_BEARER)) and bears

    def cookie(self) -> str:
        """The value of a cookie for somebody who showed the token; good in all replicas."""
        until = f"{int(time.time()) + SECONDS_VALID}"
        return f"{until}.{self._signature(until)}"

    def is_held(self, cookies: str) -> bool:
        """Whether a Cookie header holds a value that was given out, and is still good."""
        try:
            found = SimpleCookie(cookies).get(COOKIE)
        except CookieError:
            return False
        until, _, signature = (found.value if found else "").partition(".")
        is_signed = hmac.compare_digest(self._signature(until), signature)
        return self.is_required and is_signed and until.isdigit() and int(until) > time.time()

    def _signature(self, until: str) -> str:
        return hmac.new(self._key, f"cookie {until}".encode(), "sha256").hexdigest()
