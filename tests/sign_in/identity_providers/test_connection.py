"""What the test of the connection finds."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from joserfc.jwk import ECKey

from clearline.errors import Forbidden
from clearline.identity import ALL_SCOPES, OPERATOR, Actor, Role
from clearline.sign_in.identity_providers.domain import IdentityProvider
from clearline.sign_in.identity_providers.flow_usecases import check_connection
from clearline.sign_in.identity_providers.openid_client import OpenIdClient
from tests.builders.sign_in.openid.hostile import HostileProvider, hostile_provider
from tests.builders.webhooks.receiver import LOOPBACK


def provider_of(hostile: HostileProvider) -> IdentityProvider:
    made_at = datetime(2026, 3, 1, tzinfo=UTC)
    return IdentityProvider(UUID("5f0c9a56-2c1e-4d59-9d0e-0f5a3c1b7e42"), "Example ID", made_at, issuer=hostile.issuer)


@pytest.mark.parametrize(
    ("metadata", "keys", "problem"),
    [
        ({}, None, None),
        ({}, [ECKey.generate_key("P-256").as_dict(private=False)], None),
        ({"id_token_signing_alg_values_supported": ["HS256", "ES256"]}, None, None),
        ({"id_token_signing_alg_values_supported": ["HS256", "none"]}, None, "it signs ID tokens with none of RS256"),
        ({}, [{"kty": "oct", "k": "AAAA"}], "it publishes no key that may sign"),
        ({}, [], "has no keys"),
        ({"issuer": "https://id.example.org"}, None, "is about another issuer"),
    ],
)
async def test_the_problem_is_named(metadata: dict[str, Any], keys: list[Any] | None, problem: str | None) -> None:
    async with hostile_provider() as hostile:
        hostile.metadata |= metadata
        hostile.keys = hostile.keys if keys is None else keys
        found = await check_connection(OpenIdClient(LOOPBACK), OPERATOR, provider_of(hostile))
    assert problem in str(found) if problem is not None else found is None


@pytest.mark.parametrize("role", [Role.AGENT, Role.VIEWER, Role.CUSTOMER_ADMIN])
async def test_only_an_admin_may_test_it(role: Role) -> None:
    async with hostile_provider() as hostile:
        actor = Actor(role, "Ben Ito", scopes=ALL_SCOPES)
        with pytest.raises(Forbidden):
            await check_connection(OpenIdClient(LOOPBACK), actor, provider_of(hostile))
        assert hostile.fetched == []
