"""Lets only the studio's own page in: other hosts, other origins and requests without the token are refused."""

import hmac
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Content Security Policy: the page's own files, and nothing else."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Sent with every answer, unless it says otherwise."""


class Guard:
    """Refuses what does not come from the studio's own page.

    The page's address holds the token once. In exchange the browser gets it as a cookie that scripts cannot read and
    that it sends from no other site.

    Args:
        app: what answers all other requests.
        token: the secret.
        port: the port that the studio listens on.
    """

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self._app, self._token = app, token
        self._hosts = [f"127.0.0.1:{port}", f"localhost:{port}"]
        self._cookie = f"sinct-studio-{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        asked = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        enters = scope["path"] == "/" and self._is_token(asked)

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    given.setdefault(name, value)
                if enters:
                    given.append(
                        "Set-Cookie", f"{self._cookie}={self._token}; Path=/; HttpOnly; SameSite=Strict"
                    )
            await send(message)

        fault = self._fault(scope["method"], headers, enters=enters)
        answer = self._app if fault is None else PlainTextResponse(fault + "\n", 403)
        await answer(scope, receive, sent)

    def _fault(self, method: str, headers: Headers, *, enters: bool) -> str | None:
        """Why a request is refused, in one line; None if it is not."""
        if headers.getlist("host") not in [[host] for host in self._hosts]:
            return "This host is not the studio's; open the address that `sinct studio` printed."
        origins = headers.getlist("origin")
        reads = method in ("GET", "HEAD")
        if (origins or not reads) and origins != [f"http://{headers['host']}"]:
            return "The request comes from another page, so it is refused."
        if headers.get("sec-fetch-site", "same-origin") not in (
            ("same-origin", "none", "cross-site", "same-site") if enters else ("same-origin", "none")
        ):
            return "The request comes from another page, so it is refused."
        if not enters and not any(map(self._is_token, self._cookies(headers.getlist("cookie")))):
            return "The token is missing; open the whole address that `sinct studio` printed."
        return None

    def _cookies(self, headers: Iterable[str]) -> Iterable[str]:
        for header in headers:
            try:
                found = SimpleCookie(header)
            except CookieError:
                continue
            if self._cookie in found:
                yield found[self._cookie].value

    def _is_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode("utf-8", "replace"), self._token.encode())
