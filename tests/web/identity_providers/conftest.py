"""A desk with a real identity provider."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from clearline.sign_in.identity_providers.domain import IdentityProvider
from tests.builders.application import serving
from tests.builders.sign_in.openid.desk import DESK, add_provider, callback, change_provider
from tests.builders.sign_in.openid.real import RealProvider, real_provider
from tests.builders.sign_in.openid.somebody import Somebody
from tests.builders.webhooks.receiver import LOOPBACK


@pytest.fixture(scope="session")
def openid() -> Iterator[RealProvider]:
    with real_provider() as provider:
        yield provider


@pytest.fixture(scope="module")
async def client(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(
        database_url=database_url, rate_limit=0, access_log=False, sign_in_networks=LOOPBACK, public_url=DESK
    )
    async with serving(settings) as opened:
        yield opened


@pytest.fixture(scope="module")
async def provider(database: Database, openid: RealProvider) -> IdentityProvider:
    added = await add_provider(database, openid.issuer)
    client_id, secret = await openid.register(callback(added))
    await change_provider(database, added, client_id=client_id, secret=secret)
    return added


@pytest.fixture
def somebody(client: httpx.AsyncClient, openid: RealProvider, provider: IdentityProvider) -> Somebody:
    return Somebody(client, openid, provider)
