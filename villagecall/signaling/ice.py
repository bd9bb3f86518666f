"""ICE servers for a browser, with short-lived TURN credentials (pure).

The credentials are those of coturn's REST scheme (``use-auth-secret``; draft-uberti-behave-turn-rest-00):
the user name carries the time it ends, the password is an HMAC-SHA1 of it under the shared secret. Without
a TURN server the list is empty, never a public server: nothing here may reach for the internet.
"""

from __future__ import annotations

import base64
import hmac
from datetime import datetime, timedelta

VALID = timedelta(hours=12)
"""Longer than a working day's session, so that a call never outlives its relay."""


def ice_servers(turn_url: str, secret: str, person: str, now: datetime) -> list[dict[str, object]]:
    """``RTCIceServer`` dictionaries. ``turn_url`` may hold several, comma-separated; empty = none."""
    urls = [url.strip() for url in turn_url.split(",") if url.strip()]
    if not urls:
        return []
    if not secret:
        return [{"urls": urls}]
    username = f"{int((now + VALID).timestamp())}:{person}"
    digest = hmac.digest(secret.encode(), username.encode(), "sha1")
    return [{"urls": urls, "username": username, "credential": base64.b64encode(digest).decode()}]
