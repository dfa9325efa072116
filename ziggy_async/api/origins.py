"""Keeps pages of other sites from asking for actions.

A browser sends a form to any site, with what it knows of the user there, and says in `Origin` whose page it comes from.
"""

import re
from collections.abc import Collection

from fastapi import HTTPException, Request

from ziggy_async.messages import shown

ORIGIN = re.compile(r"(https?)://([^/?#@\s]+)", re.IGNORECASE)
DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class OriginCheck:
    """A dependency that refuses requests from pages of other origins with 403. Clients that are no browsers send no
    `Origin`, and pass."""

    def __init__(self, allowed: Collection[str] | None) -> None:
        """`allowed`: origins such as "https://example.com:8443"; None: only the one that `Host` names. Raises
        `TypeError` or `ValueError` for another value."""
        if isinstance(allowed, str):
            raise TypeError(f"allowed_origins: {shown(allowed)} is a str, not a list of them")
        for origin in allowed or ():
            if not (isinstance(origin, str) and ORIGIN.fullmatch(origin)):
                raise ValueError(f"allowed_origins: {shown(origin)} is not an origin such as https://example.com")
        self._allowed = None if allowed is None else {normal(origin) for origin in allowed}

    async def __call__(self, request: Request) -> None:
        """Raises `HTTPException` unless the request may have what it asks for."""
        origin = request.headers.get("origin")
        if origin is None:
            is_allowed = request.headers.get("sec-fetch-site", "none") in ("none", "same-origin")
        elif self._allowed is None:
            is_allowed = is_same(origin, request.headers.get("host", ""))
        else:
            is_allowed = normal(origin) in self._allowed
        if not is_allowed:
            raise HTTPException(403, "a page of another site may not ask for this")


def normal(origin: str) -> str:
    """Returns an origin in small letters and without the default port; another text as it is."""
    parts = ORIGIN.fullmatch(origin)
    if parts is None:
        return origin
    scheme, host = parts[1].lower(), parts[2].lower()
    return f"{scheme}://{host.removesuffix(DEFAULT_PORTS[scheme])}"


def is_same(origin: str, host: str) -> bool:
    """Returns whether `host` is that of `origin`. The scheme has no say: a proxy in front may have ended the TLS."""
    parts = ORIGIN.fullmatch(origin)
    return parts is not None and normal(origin) == normal(f"{parts[1]}://{host}")
