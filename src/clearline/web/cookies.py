"""Cookies of the pages: HttpOnly and SameSite=Lax; Secure and bound to the host everywhere but on plain loopback."""

from ipaddress import ip_address

from starlette.types import Scope

from clearline.wires.http.edge import header

SESSION = "session"
VISITOR = "visitor"
"""A random secret that protects the form of the sign-in, before there is a session."""
CHALLENGE = "challenge"
"""The token of a sign-in that waits for the code of a second factor."""
PROVIDER = "provider"
"""The id of the identity provider that the browser signed in with, which a sign-out leads to."""
CHOICE = "choice"
"""The tokens of a sign-in that waits for a choice of the company."""
THEME = "theme"
_PREFIX = "clearline-"
_YEAR = 365 * 24 * 3600


def is_plain_loopback(scope: Scope) -> bool:
    """Return whether the page was opened over HTTP at an address of this machine, where browsers refuse ``__Host-``."""
    if scope.get("scheme") != "http":
        return False
    host = (header(scope, b"host") or b"").decode("latin-1")
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def cookie_name(scope: Scope, name: str) -> str:
    """Return the name under which the browser has a cookie."""
    return f"{'' if is_plain_loopback(scope) else '__Host-'}{_PREFIX}{name}"


def read_cookie(scope: Scope, name: str) -> str:
    """Return the value of a cookie, or an empty text.

    Cookies of other applications at the same host or domain may have any name and value: they are passed over.
    """
    wanted = cookie_name(scope, name)
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    for key, header_value in headers:
        if key == b"cookie":
            for pair in header_value.decode("latin-1").split(";"):
                given, _equals, value = pair.partition("=")
                if given.strip() == wanted:
                    return value.strip()
    return ""


def set_cookie(scope: Scope, name: str, value: str, *, seconds: int | None = _YEAR) -> tuple[bytes, bytes]:
    """Return the header that sets a cookie; ``seconds`` None ends it with the browser, 0 deletes it."""
    age = "" if seconds is None else f"; Max-Age={seconds}"
    secure = "" if is_plain_loopback(scope) else "; Secure"
    text = f"{cookie_name(scope, name)}={value}; Path=/; HttpOnly; SameSite=Lax{age}{secure}"
    return (b"set-cookie", text.encode("latin-1"))
