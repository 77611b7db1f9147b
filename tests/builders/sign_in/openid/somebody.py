"""A person whom the identity provider of the tests knows, in a browser."""

from uuid import uuid4

import httpx

from clearline.sign_in.identity_providers.domain import IdentityProvider
from tests.builders.sign_in.openid.desk import callback
from tests.builders.sign_in.openid.real import RealProvider
from tests.builders.web.visitors import Visitor


class Somebody:
    """A person whom the provider knows, in a browser."""

    def __init__(self, client: httpx.AsyncClient, openid: RealProvider, provider: IdentityProvider) -> None:
        self.visitor, self.openid, self.provider = Visitor(client), openid, provider
        self.subject = f"subject-{uuid4().hex}"
        self.email = f"{uuid4().hex}@example.net"
        self.cookies: httpx.Cookies | None = None
        """The cookies of the provider in a browser that keeps them; None in one that forgets them."""

    async def is_known(self, *groups: str, **claims: object) -> "Somebody":
        """Set what the provider says about the person."""
        known = {"email": self.email, "email_verified": True, "name": "Ida Moss", "groups": list(groups), **claims}
        await self.openid.set_person(self.subject, **known)
        return self

    async def way_back(self, following: str = "/console/me", **more: str) -> str:
        """Sign in at the provider; return the address that the browser is sent back to."""
        led = await self.visitor.get(f"/sign-in/with/{self.provider.id}", next=following, **more)
        assert led.status_code == 303, led.text
        return await self.openid.sign_in(led.headers["location"], self.subject, callback(self.provider), self.cookies)

    async def sign_in(self, following: str = "/console/me", **more: str) -> httpx.Response:
        return await self.visitor.get(await self.way_back(following, **more))
