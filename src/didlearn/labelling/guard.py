"""Who may talk to the page: this machine's browser, at the address that was printed, with its token, and nobody else.

A page that is open elsewhere in the same browser can reach loopback too. It does not know the token, its requests carry
its own origin, and a name it had rebound to loopback is in the Host header: each alone is refused.
"""

from __future__ import annotations

import hmac
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import parse_qs

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """Refuses what does not come from the page itself, and sets the headers of every answer.

    Args:
        app: what is guarded. token: the secret of the address. port: that is served on.
    """

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self.app, self.token = app, token
        self.hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}
        self.cookie = f"didlearn-label-{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(scope, headers)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = dict(_HEADERS)
                if refusal is None and scope["path"] == "/":
                    added["Set-Cookie"] = f"{self.cookie}={self.token}; HttpOnly; SameSite=Strict; Path=/"
                message["headers"] += [(k.lower().encode(), v.encode()) for k, v in added.items()]
            await send(message)

        await (self.app if refusal is None else refusal)(scope, receive, send_guarded)

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> Response | None:
        if headers.get("host", "").lower() not in self.hosts:
            return _refused("this page answers to 127.0.0.1 and localhost alone")
        origin = headers.get("origin")
        own = {f"http://{host}" for host in self.hosts}
        if origin not in own and (origin is not None or scope["method"] not in ("GET", "HEAD")):
            return _refused("this request does not come from the page itself")
        if scope["path"] != "/" and headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return _refused("this request does not come from the page itself")
        if not self._knows_token(scope, headers):
            return _refused("the token is missing or wrong; open the address that `didlearn label` printed")
        return None

    def _knows_token(self, scope: Scope, headers: dict[str, str]) -> bool:
        given = [_cookie(headers.get("cookie", ""), self.cookie)]
        if scope["path"] == "/":
            given += parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
        return any(hmac.compare_digest(one.encode(), self.token.encode()) for one in given)


def _cookie(header: str, name: str) -> str:
    try:
        cookie = SimpleCookie(header)
    except CookieError:
        return ""
    return cookie[name].value if name in cookie else ""


def _refused(why: str) -> Response:
    return PlainTextResponse(f"Refused: {why}.\n", status_code=403)
