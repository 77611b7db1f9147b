"""Invitations, and links for a new password."""

import asyncio
import re
import time
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from msgspec.structs import replace

from clearline.accounts import usecases as accounts
from clearline.branding import usecases as branding
from clearline.branding.accent import mail_accent
from clearline.deactivation import usecases as deactivation
from clearline.errors import Conflict, Forbidden, InvalidInput, NotFound, ScopeMissing, UserInactive
from clearline.identity import OPERATOR, PROVIDER_ID, Role, Scope, User
from clearline.mail.outbound import store as outbound_mail_store
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.compose import decode
from clearline.mail.outbound.domain import MailState
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from clearline.sign_in import link_usecases as links
from clearline.sign_in import password_store
from clearline.sign_in import password_usecases as passwords
from clearline.sign_in.attempt_usecases import REFUSAL_SECONDS
from clearline.sign_in.domain import Device, SignedIn, SignInRefused, TooManyAttempts
from clearline.sign_in.link_domain import LinkKind, LinkRefused, NewLink
from clearline.sign_in.usecases import sign_in
from clearline.web.mail import render
from tests.builders.people import NOW, Tenant, new_person, new_staff, new_tenant
from tests.builders.sign_in.sessions import (
    DEVICE,
    PASSWORD,
    current,
    is_in_force,
    new_person_with_password,
    signed_in,
)

NEW = "nine copper lanterns hum"
SILENT = Settings(public_url="https://desk.example.net")
MAILING = Settings(public_url="https://desk.example.net", smtp="smtp://192.0.2.25:25")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def ada(database: Database) -> User:
    return await new_person_with_password(database)


@pytest.fixture
async def bea(database: Database) -> User:
    """Return a person without a password."""
    return (await new_staff(database)).user


async def invite(database: Database, user: User, settings: Settings = SILENT, *, by_mail: bool = True) -> NewLink:
    async with database.transaction() as tx:
        return await links.invite(tx, OPERATOR, user.id, settings=settings, render=render, by_mail=by_mail, now=NOW)


async def reset(database: Database, email: str, settings: Settings = MAILING, *, now: datetime = NOW) -> None:
    where = Device("", f"203.0.113.{uuid4().int % 250}")
    await links.request_reset(database, email, where, settings=settings, render=render, now=now)


async def mails_to(database: Database, user: User) -> list[str]:
    """Return the texts of the mails to a person, as they are stored for sending."""
    async with database.statement() as tx:
        rows = await tx.fetch("select message from outbound_mail where recipient = $1 order by created_at", user.email)
    return [decode(row[0]).text for row in rows]


def token_in(text: str) -> str:
    match = re.search(r"https://desk\.example\.net/sign-in/link\?token=([\w-]{43})\s", text)
    assert match is not None, text
    return match[1]


async def test_a_person_without_a_password_is_invited_and_chooses_one(database: Database, bea: User) -> None:
    link = await invite(database, bea)
    assert replace(link, token="") == NewLink("", LinkKind.INVITATION, bea, NOW + 7 * DAY, is_mailed=False)
    async with database.statement() as tx:
        assert await links.link_user(tx, link.token, now=NOW) == (LinkKind.INVITATION, bea)
    signed = await links.use_link(database, link.token, NEW, DEVICE, now=NOW)
    assert isinstance(signed, SignedIn)
    assert (await current(database, signed.token)).session == signed.session
    assert signed.session.user_id == bea.id
    await signed_in(database, bea, NEW)


async def test_the_mail_of_a_link_has_the_accent_of_the_desk(database: Database, bea: User) -> None:
    for hue in (300, None):
        async with database.transaction() as tx:
            await branding.change_branding(tx, OPERATOR, {"accent_hue": hue}, now=NOW)
        await invite(database, bea, MAILING)
    async with database.statement() as tx:
        rows = await tx.fetch("select message from outbound_mail where recipient = $1 order by id", bea.email)
    pages = [decode(row[0]).html or "" for row in rows]
    drawn = [{hue for hue in (300, None) if mail_accent(hue).light in page} for page in pages]
    assert sorted(drawn, key=str) == [{300}, {None}]


async def test_a_link_is_used_once_even_by_two_at_the_same_time(database: Database, bea: User) -> None:
    token = (await invite(database, bea)).token
    uses = [links.use_link(database, token, f"{NEW} {number}", DEVICE, now=NOW) for number in range(3)]
    results = await asyncio.gather(*uses, return_exceptions=True)
    assert sum(isinstance(result, LinkRefused) for result in results) == 2
    with pytest.raises(LinkRefused, match=r"^this link is not valid any more: ask for a new one$"):
        await links.use_link(database, token, NEW, DEVICE, now=NOW)


async def test_a_refused_password_does_not_use_the_link_up(database: Database, bea: User) -> None:
    token = (await invite(database, bea)).token
    for password in ("short", "password1234", bea.email):
        with pytest.raises(InvalidInput):
            await links.use_link(database, token, password, DEVICE, now=NOW)
    await links.use_link(database, token, NEW, DEVICE, now=NOW)


async def test_a_link_expires(database: Database, ada: User, bea: User) -> None:
    for user, lifetime in ((ada, HOUR), (bea, 7 * DAY)):
        token = (await invite(database, user)).token
        async with database.statement() as tx:
            await links.link_user(tx, token, now=NOW + lifetime - timedelta(seconds=1))
            with pytest.raises(LinkRefused):
                await links.link_user(tx, token, now=NOW + lifetime)
        with pytest.raises(LinkRefused):
            await links.use_link(database, token, NEW, DEVICE, now=NOW + lifetime)


async def test_a_new_link_or_a_new_password_ends_the_links_before(database: Database, ada: User) -> None:
    first, second = (await invite(database, ada)).token, (await invite(database, ada)).token
    async with database.statement() as tx:
        with pytest.raises(LinkRefused):
            await links.link_user(tx, first, now=NOW)
        await links.link_user(tx, second, now=NOW)
    await passwords.set_password(database, OPERATOR, PROVIDER_ID, ada.id, NEW, now=NOW)
    with pytest.raises(LinkRefused):
        await links.use_link(database, second, PASSWORD, DEVICE, now=NOW)


async def test_a_new_password_ends_all_sessions(database: Database, ada: User) -> None:
    old = (await signed_in(database, ada)).token
    link = await invite(database, ada)
    assert (link.kind, link.expires_at) == (LinkKind.PASSWORD_RESET, NOW + HOUR)
    new = await links.use_link(database, link.token, NEW, DEVICE, now=NOW)
    assert not await is_in_force(database, old)
    assert await is_in_force(database, new.token)
    with pytest.raises(SignInRefused):
        await sign_in(database, ada.email, PASSWORD, DEVICE, now=NOW)


async def test_the_link_of_an_inactive_person_is_refused(database: Database, bea: User) -> None:
    token = (await invite(database, bea)).token
    async with database.transaction() as tx:
        await accounts.change_user(tx, OPERATOR, PROVIDER_ID, bea.id, {"is_active": False}, now=NOW)
    with pytest.raises(LinkRefused):
        await links.use_link(database, token, NEW, DEVICE, now=NOW)
    with pytest.raises(UserInactive):
        await invite(database, bea)
    await reset(database, bea.email)
    assert await mails_to(database, bea) == []


@pytest.mark.parametrize("token", ["", "x" * 43, "\x00" * 43, "é" * 43, "a" * 100_000])
async def test_a_text_that_is_no_token_is_refused(database: Database, token: str) -> None:
    with pytest.raises(LinkRefused):
        await links.use_link(database, token, NEW, DEVICE, now=NOW)


async def test_only_an_admin_with_all_rights_of_the_person_makes_a_link(
    database: Database, ada: User, tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        agent, admin = await new_person(tx), await new_person(tx, role=Role.ADMIN)
    few = replace(admin, scopes=frozenset({Scope.ACCOUNTS_READ, Scope.ACCOUNTS_WRITE}))
    for actor, error in ((agent, Forbidden), (tenant.actor, NotFound), (few, ScopeMissing)):
        with pytest.raises(error):
            async with database.transaction() as tx:
                await links.invite(tx, actor, ada.id, settings=SILENT, render=render, now=NOW)
    with pytest.raises(NotFound):
        async with database.transaction() as tx:
            await links.invite(tx, admin, tenant.user.id, settings=SILENT, render=render, now=NOW)
    async with database.transaction() as tx:
        await links.invite(tx, admin, ada.id, settings=SILENT, render=render, now=NOW)


async def test_a_link_goes_out_by_mail_when_there_is_a_server(database: Database, bea: User) -> None:
    link = await invite(database, bea, MAILING)
    assert link.is_mailed
    [text] = await mails_to(database, bea)
    assert token_in(text) == link.token
    assert "The link works once, for 7 days." in text
    shown = await invite(database, bea, MAILING, by_mail=False)
    assert not shown.is_mailed
    assert len(await mails_to(database, bea)) == 1


async def test_whoever_forgot_the_password_gets_a_mail(database: Database, ada: User) -> None:
    await reset(database, ada.email.upper())
    [text] = await mails_to(database, ada)
    assert "The link works once, for 1 hour." in text
    await links.use_link(database, token_in(text), NEW, DEVICE, now=NOW)
    await signed_in(database, ada, NEW)


async def test_a_request_for_a_link_says_nothing_about_the_address(
    database: Database, ada: User, tenant: Tenant
) -> None:
    for email in (ada.email, "nobody@example.net", tenant.user.email, "", "\x00", "\ud800@example.net"):
        began = time.monotonic()
        await reset(database, email)
        assert time.monotonic() - began >= REFUSAL_SECONDS - 0.01
    await reset(database, ada.email, SILENT)


async def test_each_company_whose_user_has_the_address_for_certain_gets_a_link_of_its_own(
    database: Database,
) -> None:
    tenant, other, claiming, ended = [await new_tenant(database) for _ in range(4)]
    async with database.transaction() as tx:
        for each in (other, claiming, ended):
            values = {"email": tenant.user.email}
            await accounts.change_user(tx, OPERATOR, each.company.id, each.user.id, values, now=NOW)
        await tx.write("update app_user set is_confirmed = false where id = $1", claiming.user.id)
        await deactivation.deactivate_company(tx, OPERATOR, ended.company.id, now=NOW)
    await reset(database, tenant.user.email)
    texts = await mails_to(database, tenant.user)
    for each in (tenant, other):
        [text] = [text for text in texts if f"for {each.company.name}" in text]
        await links.use_link(database, token_in(text), NEW, DEVICE, now=NOW)
        assert await has_password(database, each.user)
    assert len(texts) == 2
    assert not await has_password(database, claiming.user)


async def has_password(database: Database, user: User) -> bool:
    async with database.statement() as tx:
        credential = await password_store.get(tx, user.company_id, user.id)
    return credential is not None and credential.hash is not None


async def test_a_person_of_a_customer_is_invited(database: Database) -> None:
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        company_id = tenant.company.id
        link = await links.invite(
            tx, OPERATOR, tenant.user.id, company_ref=company_id, settings=MAILING, render=render, now=NOW
        )
        assert (link.kind, link.is_mailed) == (LinkKind.INVITATION, True)
        await tx.write("update app_user set is_confirmed = false where id = $1", tenant.user.id)
        shown = await links.invite(
            tx, OPERATOR, tenant.user.id, company_ref=company_id, settings=MAILING, render=render, now=NOW
        )
        assert not shown.is_mailed
    signed_in = await links.use_link(database, shown.token, NEW, DEVICE, now=NOW)
    assert isinstance(signed_in, SignedIn)
    assert signed_in.session.company_id == company_id


async def test_the_admin_of_a_customer_invites_its_own_people_only(database: Database, tenant: Tenant) -> None:
    other = await new_tenant(database)
    async with database.transaction() as tx:
        admin = await new_person(tx, role=Role.CUSTOMER_ADMIN, company=tenant.company.code)
        for user, expected in ((other.user, NotFound), (tenant.user, None)):
            inviting = links.invite(
                tx, admin, user.id, company_ref=user.company_id, settings=SILENT, render=render, now=NOW
            )
            if expected is None:
                assert (await inviting).user.id == user.id
            else:
                with pytest.raises(expected):
                    await inviting


async def test_requests_for_links_are_limited(database: Database, ada: User) -> None:
    await reset(database, ada.email)
    await reset(database, ada.email, now=NOW + timedelta(minutes=5) - timedelta(seconds=1))
    assert len(await mails_to(database, ada)) == 1
    await reset(database, ada.email, now=NOW + timedelta(minutes=5))
    assert len(await mails_to(database, ada)) == 2
    nobody = f"{uuid4().hex}@example.net"
    requests = [
        links.request_reset(database, nobody, DEVICE, settings=MAILING, render=render, now=NOW) for _ in range(12)
    ]
    results = await asyncio.gather(*requests, return_exceptions=True)
    assert sum(isinstance(result, TooManyAttempts) for result in results) == 2


async def test_nobody_else_sees_the_link_in_a_mail(database: Database, ada: User) -> None:
    link = await invite(database, ada, MAILING)
    async with database.transaction() as tx:
        mail_id = await tx.fetchval("select id from outbound_mail where recipient = $1", ada.email)
        mail, message = await outbound_mail.get_mail(tx, OPERATOR, mail_id)
        assert link.token.encode() not in message
        assert decode(message).text == "This mail has a link to sign in. Only its recipient gets to see it.\n"
        mails = await outbound_mail_store.claim(tx, limit=100, until=NOW + HOUR, now=NOW)
        [claimed] = [claimed for claimed in mails if claimed.id == mail.id]
        assert link.token in decode(claimed.message).text
        await outbound_mail_store.finish(tx, claimed, MailState.DEAD, "refused", attempts=1, now=NOW)
    assert await mails_to(database, ada) == [""]
    with pytest.raises(Conflict, match="send the person a new one"):
        async with database.transaction() as tx:
            await outbound_mail.retry_mail(tx, OPERATOR, mail_id, now=NOW)


async def test_a_link_is_stored_as_a_hash_and_is_in_the_audit(database: Database, bea: User) -> None:
    token = (await invite(database, bea)).token
    async with database.statement() as tx:
        for (table,) in await tx.fetch("select tablename from pg_tables where schemaname = current_schema"):
            rows = await tx.fetch(f"select t::text from {table} t")  # noqa: S608
            assert token not in " ".join(row[0] for row in rows), table
        event = await tx.fetchrow(
            "select actor_name, data->'changes'->0->>'after' from event where type = $1 and data->>'id' = $2",
            "sign_in_link.created",
            str(bea.id),
        )
    assert event is not None
    assert tuple(event) == ("operator", "invitation")


async def test_expired_links_are_purged(database: Database, bea: User) -> None:
    token = (await invite(database, bea)).token
    async with database.transaction() as tx:
        await links.purge(tx, before=NOW + 7 * DAY)
        await links.link_user(tx, token, now=NOW)
        assert await links.purge(tx, before=NOW + 8 * DAY) >= 1
        with pytest.raises(LinkRefused):
            await links.link_user(tx, token, now=NOW)
