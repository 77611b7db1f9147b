"""People whose address belongs to users of several companies: the password decides, and then the person."""

import asyncio
import time
from datetime import timedelta

import pytest
from msgspec.structs import replace

from clearline.accounts import usecases as accounts
from clearline.deactivation import usecases as deactivation
from clearline.identity import OPERATOR, PROVIDER_ID, Role, User
from clearline.platform.database.transactions import Database, Tx
from clearline.sign_in import password_store
from clearline.sign_in import password_usecases as passwords
from clearline.sign_in.attempt_usecases import REFUSAL_SECONDS
from clearline.sign_in.domain import (
    CHALLENGE_LIFETIME,
    CompanyNeeded,
    SecondFactorNeeded,
    SignedIn,
    SignInRefused,
)
from clearline.sign_in.usecases import choose_company, companies_to_choose, sign_in
from tests.builders.databases import RecordingConnection, plan_of
from tests.builders.people import NOW, Tenant, new_tenant
from tests.builders.sign_in.sessions import DEVICE, PASSWORD, current, new_person_with_password

OTHER = "nine copper lanterns hum"


async def give_password(database: Database, user: User, password: str) -> None:
    await passwords.set_password(database, OPERATOR, user.company_id, user.id, password, now=NOW)


async def give_address(database: Database, tenant: Tenant, email: str) -> User:
    async with database.transaction() as tx:
        return await accounts.change_user(tx, OPERATOR, tenant.company.id, tenant.user.id, {"email": email}, now=NOW)


@pytest.fixture
async def both(database: Database) -> tuple[User, User]:
    """Return users of two customers with one address and different passwords."""
    tenant = await new_tenant(database)
    second = await give_address(database, await new_tenant(database), tenant.user.email)
    await give_password(database, tenant.user, PASSWORD)
    await give_password(database, second, OTHER)
    return tenant.user, second


async def choose(database: Database, needed: CompanyNeeded, user: User) -> SignedIn | SecondFactorNeeded:
    async with database.transaction() as tx:
        return await choose_company(tx, needed.tokens, user.company_id, DEVICE, now=NOW)


async def asked(database: Database, email: str, password: str) -> CompanyNeeded:
    needed = await sign_in(database, email, password, DEVICE, now=NOW)
    assert isinstance(needed, CompanyNeeded)
    return needed


async def test_the_password_decides_which_company_it_is(database: Database, both: tuple[User, User]) -> None:
    for user, password in zip(both, (PASSWORD, OTHER), strict=True):
        signed_in = await sign_in(database, user.email, password, DEVICE, now=NOW)
        assert isinstance(signed_in, SignedIn)
        found = await current(database, signed_in.token)
        assert (found.session.company_id, found.actor.role) == (user.company_id, Role.CUSTOMER)


async def test_a_password_of_several_users_asks_for_the_company(database: Database, both: tuple[User, User]) -> None:
    await give_password(database, both[1], PASSWORD)
    needed = await asked(database, both[0].email, PASSWORD)
    async with database.statement() as tx:
        companies = await companies_to_choose(tx, needed.tokens, now=NOW)
        late = await companies_to_choose(tx, needed.tokens, now=NOW + CHALLENGE_LIFETIME)
    assert {company.id for company in companies} == {user.company_id for user in both}
    assert late == []
    for user in both:
        signed_in = await choose(database, needed, user)
        assert isinstance(signed_in, SignedIn)
        assert (await current(database, signed_in.token)).session.company_id == user.company_id
        with pytest.raises(SignInRefused):
            await choose(database, needed, user)


async def test_the_provider_comes_first_and_its_people_may_be_a_customer_as_well(database: Database) -> None:
    tenant = await new_tenant(database)
    agent = await new_person_with_password(database)
    customer = await give_address(database, tenant, agent.email)
    await give_password(database, customer, PASSWORD)
    needed = await asked(database, agent.email, PASSWORD)
    async with database.statement() as tx:
        companies = await companies_to_choose(tx, needed.tokens, now=NOW)
    assert [company.id for company in companies] == [PROVIDER_ID, tenant.company.id]
    assert isinstance(await choose(database, needed, agent), SignedIn)


async def test_a_choice_names_only_companies_whose_password_was_right(
    database: Database, both: tuple[User, User]
) -> None:
    third = await give_address(database, await new_tenant(database), both[0].email)
    await give_password(database, third, PASSWORD)
    needed = await asked(database, both[0].email, PASSWORD)
    with pytest.raises(SignInRefused):
        await choose(database, needed, both[1])
    with pytest.raises(SignInRefused):
        await choose(database, replace(needed, tokens=("", "A" * 43, "\x00")), both[0])


async def test_a_second_factor_is_asked_for_after_the_company(database: Database, both: tuple[User, User]) -> None:
    await give_password(database, both[1], PASSWORD)
    async with database.transaction() as tx:
        await tx.write(
            """insert into second_factor (company_id, user_id, secret, created_at, confirmed_at)
               values ($1, $2, 'a secret', $3, $3)""",
            both[1].company_id, both[1].id, NOW,
        )  # fmt: skip
    needed = await asked(database, both[0].email, PASSWORD)
    assert isinstance(await choose(database, needed, both[1]), SecondFactorNeeded)
    assert isinstance(await choose(database, needed, both[0]), SignedIn)


@pytest.mark.parametrize("change", ["password", "role", "inactive"])
async def test_a_choice_ends_when_the_user_changes(database: Database, both: tuple[User, User], change: str) -> None:
    await give_password(database, both[1], PASSWORD)
    needed = await asked(database, both[0].email, PASSWORD)
    if change == "password":
        await give_password(database, both[1], OTHER)
    else:
        values = {"role": Role.CUSTOMER_ADMIN} if change == "role" else {"is_active": False}
        async with database.transaction() as tx:
            await accounts.change_user(tx, OPERATOR, both[1].company_id, both[1].id, values, now=NOW)
    with pytest.raises(SignInRefused):
        await choose(database, needed, both[1])
    assert isinstance(await choose(database, needed, both[0]), SignedIn)


async def test_a_deactivated_company_has_no_sign_in(database: Database, both: tuple[User, User]) -> None:
    async with database.transaction() as tx:
        await deactivation.deactivate_company(tx, OPERATOR, both[0].company_id, now=NOW)
    with pytest.raises(SignInRefused):
        await sign_in(database, both[0].email, PASSWORD, DEVICE, now=NOW)
    assert isinstance(await sign_in(database, both[0].email, OTHER, DEVICE, now=NOW), SignedIn)


async def refusals(database: Database, user: User) -> int:
    async with database.statement() as tx:
        count = await tx.fetchval(
            "select count(*) from event where type = 'password.refused' and data->>'id' = $1", str(user.id)
        )
    return int(count)


async def test_a_wrong_password_is_in_the_audit_of_those_who_have_the_address_for_certain(
    database: Database, both: tuple[User, User]
) -> None:
    claiming = await give_address(database, await new_tenant(database), both[0].email)
    async with database.transaction() as tx:
        await tx.write("update app_user set is_confirmed = false where id = $1", claiming.id)
    with pytest.raises(SignInRefused):
        await sign_in(database, both[0].email, "wrong", DEVICE, now=NOW)
    assert [await refusals(database, user) for user in (*both, claiming)] == [1, 1, 0]
    await sign_in(database, both[0].email, OTHER, DEVICE, now=NOW + timedelta(seconds=1))
    assert [await refusals(database, user) for user in both] == [1, 1]


async def test_how_many_companies_have_the_address_takes_no_longer(database: Database, both: tuple[User, User]) -> None:
    for email in (both[0].email, "nobody@example.com"):
        began = time.monotonic()
        with pytest.raises(SignInRefused):
            await sign_in(database, email, "wrong", DEVICE, now=NOW)
        assert time.monotonic() - began >= REFUSAL_SECONDS - 0.01


async def test_a_choice_that_is_sent_several_times_begins_one_session(
    database: Database, both: tuple[User, User]
) -> None:
    await give_password(database, both[1], PASSWORD)
    needed = await asked(database, both[0].email, PASSWORD)
    results = await asyncio.gather(*(choose(database, needed, both[0]) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(result, SignedIn) for result in results) == 1
    assert sum(isinstance(result, SignInRefused) for result in results) == 3


async def test_users_are_found_by_their_address_alone(database: Database) -> None:
    recording = RecordingConnection()
    await password_store.of_address(Tx(recording), "ada@example.com")
    async with database.statement() as tx:
        used, scanned = await plan_of(tx, recording.statement, *recording.values)
    assert "app_user_by_address" in used
    assert "app_user" not in scanned
