"""Browsers that are not signed in yet, and keep their cookies."""

from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx

from tests.builders.web.pages import BROWSER


class Visitor:
    """A browser: it sends the cookies that it was given."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.cookies: dict[str, str] = {}

    async def get(self, address: str, **parameters: str) -> httpx.Response:
        """Open an address of the desk, with what else it has in its query; follow nothing."""
        parts = urlsplit(address)
        query = "&".join(filter(None, [parts.query, urlencode(parameters)]))
        return self._kept(await self.client.get(f"{parts.path}?{query}", headers=self._headers))

    async def post(self, path: str, fields: dict[str, Any]) -> httpx.Response:
        """Send a form."""
        return self._kept(await self.client.post(path, headers=self._headers, data=fields))

    @property
    def _headers(self) -> dict[str, str]:
        cookies = "; ".join(f"__Host-clearline-{name}={value}" for name, value in self.cookies.items())
        return {**BROWSER, **({"Cookie": cookies} if cookies else {})}

    def _kept(self, answer: httpx.Response) -> httpx.Response:
        for header in answer.headers.get_list("set-cookie"):
            name, _, value = header.partition(";")[0].partition("=")
            self.cookies[name.removeprefix("__Host-clearline-")] = value
        return answer

    async def is_signed_in(self) -> bool:
        """Return whether the console opens."""
        return (await self.get("/console/me")).status_code == 200
