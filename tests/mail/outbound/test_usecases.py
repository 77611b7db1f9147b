import email
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from clearline.errors import AlreadyExists, Conflict, Forbidden, InvalidInput, NotFound
from clearline.identity import OPERATOR, PROVIDER_ID, Role
from clearline.mail.outbound import store as outbound_mail_store
from clearline.mail.outbound import thread_store
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.domain import (
    MailSettings,
    MailState,
    NewMail,
    OutboundMail,
    RateLimits,
    read_reply_address,
    root_id,
)
from clearline.mail.outbound.thread_store import Reference
from clearline.platform.database.transactions import Database, Tx
from clearline.settings.settings import Settings
from tests.builders.people import NOW, Tenant, new_person
from tests.builders.tickets import raised

SETTINGS = MailSettings("Support <support@example.net>", b"secret", "https://desk.example.net", enabled=True)
OFF = MailSettings("Support <support@example.net>", b"secret", "https://desk.example.net", enabled=False)


def a_mail(company_id: UUID, **values: Any) -> NewMail:
    usual: dict[str, Any] = {
        "recipient": f"{uuid4().hex}@example.com",
        "subject": "Port is slow",
        "text": "Hello\n",
        "html": "<p>Hello</p>",
        "kind": "notification",
        "company_id": company_id,
    }
    return NewMail(**(usual | values))


async def sent(tx: Tx, mail: NewMail, *, later: int = 0) -> tuple[OutboundMail, email.message.Message]:
    """Enqueue a mail; return it and its message."""
    mail_id = await outbound_mail.enqueue(tx, mail, now=NOW + timedelta(seconds=later), settings=SETTINGS)
    assert mail_id is not None
    stored, message = await outbound_mail.get_mail(tx, OPERATOR, mail_id)
    return stored, email.message_from_bytes(message)


async def test_an_enqueued_mail_has_its_message_and_its_ticket(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        mail = a_mail(tenant.company.id, ticket_number=number, user_id=tenant.user.id)
        stored, message = await sent(tx, mail)
        assert stored == OutboundMail(
            tenant.company.id, stored.id, stored.number, mail.recipient, tenant.user.id, message["Subject"],
            "notification", number, message["Message-ID"], MailState.WAITING, 0, NOW, None, NOW, None,
        )  # fmt: skip
        assert message["Subject"] == f"[INC{number:012}] Port is slow"
        assert read_reply_address(message["Reply-To"], b"secret") == number
        assert read_reply_address(message["Reply-To"], b"secret", recipient=mail.recipient) == number
        assert await thread_store.find(tx, ["<other@example.org>", stored.message_id]) == [
            Reference(tenant.company.id, number)
        ]
        assert await thread_store.find(tx, ["<other@example.org>"]) == []


async def test_later_mails_refer_to_the_root_and_to_mails_that_the_recipient_may_know(
    database: Database, tenant: Tenant
) -> None:
    ada, company_id = f"Ada.{uuid4().hex}@example.com", tenant.company.id
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        root = root_id(number, SETTINGS.sender)
        theirs = [f"<theirs-{index}@example.com>" for index in range(5)]
        for message_id in [*theirs, theirs[0]]:
            await thread_store.add(tx, company_id, number, message_id, now=NOW)
        ids = list(theirs)
        for later in range(1, 15):
            for_others, _message = await sent(tx, a_mail(company_id, ticket_number=number), later=later)
            spelling = ada if later % 2 else ada.lower()
            mail, message = await sent(tx, a_mail(company_id, ticket_number=number, recipient=spelling), later=later)
            known = (
                ids
                if len(ids) <= 7
                else [*theirs[:3], *[message_id for message_id in ids[-7:] if message_id not in theirs[:3]]]
            )
            assert message["References"].split() == [root, *known]
            assert message["In-Reply-To"] == ids[-1]
            assert for_others.message_id not in message["References"]
            ids.append(mail.message_id)
        _mail, message = await sent(tx, a_mail(company_id, ticket_number=number), later=20)
        assert message["References"].split() == [root, *theirs]


async def test_without_a_mail_server_nothing_is_stored(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        mail = a_mail(tenant.company.id, ticket_number=number)
        assert await outbound_mail.enqueue(tx, mail, now=NOW, settings=OFF) is None
        assert await outbound_mail.list_mails(tx, OPERATOR, ticket_number=number, limit=9) == []
        with pytest.raises(Conflict):
            await outbound_mail.send_test(tx, OPERATOR, "ada@example.com", now=NOW, settings=OFF)


async def test_settings_share_one_secret_and_are_off_without_a_server(database: Database) -> None:
    async with database.transaction() as tx:
        off = await outbound_mail.mail_settings(tx, Settings(public_url="https://desk.example.net/"))
        on = await outbound_mail.mail_settings(tx, Settings(smtp="smtp://mail.example.net"))
    assert (off.enabled, on.enabled) == (False, True)
    assert off.secret == on.secret
    assert len(on.secret) == 32
    assert off.public_url == "https://desk.example.net"
    assert off.link("/tickets/INC000000000042") == "https://desk.example.net/tickets/INC000000000042"


@pytest.mark.parametrize("recipient", ["a,b@example.com", "x@y>\r\nRCPT TO:<eve@example.org"])
async def test_a_mail_to_an_address_that_is_not_mailable_is_dead_at_once(
    database: Database, tenant: Tenant, recipient: str
) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        mail, _message = await sent(tx, a_mail(tenant.company.id, recipient=recipient, ticket_number=number))
        assert (mail.state, mail.last_error) == (MailState.DEAD, "mail servers do not accept such an address")
        assert await thread_store.find(tx, [mail.message_id]) == []
        assert not await outbound_mail.may_mail(tx, recipient)


async def test_a_suppressed_address_gets_no_mail_in_any_case(database: Database, tenant: Tenant) -> None:
    address = f"Ada.{uuid4().hex}@Example.com"
    async with database.transaction() as tx:
        assert await outbound_mail.may_mail(tx, address)
        suppression = await outbound_mail.suppress(tx, OPERATOR, address, "asked for it", now=NOW)
        assert (suppression.address, suppression.reason, suppression.detail) == (
            address.lower(),
            "manual",
            "asked for it",
        )
        with pytest.raises(AlreadyExists):
            await outbound_mail.suppress(tx, OPERATOR, address.upper(), now=NOW)
        for spelling in (address, address.lower(), address.upper()):
            assert not await outbound_mail.may_mail(tx, spelling)
            mail, _message = await sent(tx, a_mail(tenant.company.id, recipient=spelling))
            assert (mail.state, mail.last_error) == (MailState.DEAD, "the address is suppressed: manual")
            with pytest.raises(Conflict):
                await outbound_mail.retry_mail(tx, OPERATOR, mail.id, now=NOW)
        await outbound_mail.unsuppress(tx, OPERATOR, address.upper(), now=NOW)
        assert await outbound_mail.may_mail(tx, address)
        assert (await outbound_mail.retry_mail(tx, OPERATOR, mail.id, now=NOW)).state is MailState.WAITING
        with pytest.raises(NotFound):
            await outbound_mail.unsuppress(tx, OPERATOR, address, now=NOW)
        events = await tx.fetch(
            "select type, company_id, actor_name from event where data->>'id' = $1 order by id", address.lower()
        )
        assert [tuple(event) for event in events] == [
            ("mail_suppression.created", PROVIDER_ID, "operator"),
            ("mail_suppression.deleted", PROVIDER_ID, "operator"),
        ]


@pytest.mark.parametrize("address", ["", "ada", "a,b@example.com"])
async def test_an_invalid_address_is_not_suppressed(database: Database, address: str) -> None:
    async with database.transaction() as tx:
        with pytest.raises(InvalidInput):
            await outbound_mail.suppress(tx, OPERATOR, address, now=NOW)
        with pytest.raises(InvalidInput):
            await outbound_mail.suppress(tx, OPERATOR, "ada@example.com", "x" * 256, now=NOW)


@pytest.mark.parametrize(
    ("recipient", "bad", "is_suppressed"),
    [
        ("Ada@{}.example.com", "ada@{}.example.com", True),
        ("ada@{}.bücher.example", "ada@{}.xn--bcher-kva.example", True),
        ("ada@{}.example.com", "bob@{}.example.com", False),
        ("ada@{}.example.com", "", False),
    ],
)
async def test_a_bounce_suppresses_the_address_only_if_the_report_names_it(
    database: Database, tenant: Tenant, recipient: str, bad: str, *, is_suppressed: bool
) -> None:
    label = f"x{uuid4().hex[:8]}"
    bad_addresses = [bad.format(label)] if bad else []
    async with database.transaction() as tx:
        mail, _message = await sent(tx, a_mail(tenant.company.id, recipient=recipient.format(label)))
        detail = "550 5.1.1 no such user " + "x" * 600
        for _ in range(2):
            bounced = await outbound_mail.record_bounce(
                tx, mail.message_id, detail, bad_addresses=bad_addresses, now=NOW
            )
            assert bounced is not None
        known, _raw = await outbound_mail.get_mail(tx, OPERATOR, mail.id)
        assert (known.state, known.last_error) == (MailState.BOUNCED, detail[:500])
        assert await outbound_mail.may_mail(tx, mail.recipient) is not is_suppressed
        if is_suppressed:
            assert (await outbound_mail.get_suppression(tx, OPERATOR, mail.recipient)).reason == "bounce"
        nothing = await outbound_mail.record_bounce(
            tx, "<unknown@example.org>", "gone", bad_addresses=bad_addresses, now=NOW
        )
        assert nothing is None


async def test_the_rate_limit_counts_mails_to_an_address_in_the_last_hour(database: Database, tenant: Tenant) -> None:
    address = f"{uuid4().hex}@example.com"
    async with database.transaction() as tx:
        for later in (-3601, -3000, 0):
            await sent(tx, a_mail(tenant.company.id, recipient=address), later=later)
        await sent(tx, a_mail(tenant.company.id, recipient=address.upper()))
        await sent(tx, a_mail(tenant.company.id, recipient=address, kind="digest"))
        assert await outbound_mail.recent_count(tx, address, now=NOW) == 3
        assert await outbound_mail.recent_count(tx, address, "digest", now=NOW) == 1
    assert RateLimits().per_address == 60


async def test_only_admins_change_and_only_staff_reads(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        mail, _message = await sent(tx, a_mail(tenant.company.id))
        agent, admin = await new_person(tx), await new_person(tx, role=Role.ADMIN)
        for actor in (tenant.actor, agent):
            for act in (
                lambda actor: outbound_mail.retry_mail(tx, actor, mail.id, now=NOW),
                lambda actor: outbound_mail.send_test(tx, actor, "ada@example.com", now=NOW, settings=SETTINGS),
                lambda actor: outbound_mail.suppress(tx, actor, "ada@example.com", now=NOW),
                lambda actor: outbound_mail.unsuppress(tx, actor, "ada@example.com", now=NOW),
                lambda actor: outbound_mail.lock_suppression(tx, actor, "ada@example.com"),
            ):
                with pytest.raises(Forbidden):
                    await act(actor)
        for read in (
            lambda actor: outbound_mail.list_mails(tx, actor, limit=5),
            lambda actor: outbound_mail.get_mail(tx, actor, mail.id),
            lambda actor: outbound_mail.list_suppressions(tx, actor, after=None, limit=5),
        ):
            await read(agent)
            with pytest.raises(Forbidden):
                await read(tenant.actor)
        with pytest.raises(Forbidden):
            await outbound_mail.get_suppression(tx, tenant.actor, "ada@example.com")
        test = await outbound_mail.send_test(tx, admin, "ada@example.com", now=NOW, settings=SETTINGS)
        assert (test.kind, test.state, test.company_id) == ("test", MailState.WAITING, PROVIDER_ID)
        with pytest.raises(InvalidInput):
            await outbound_mail.send_test(tx, admin, "a,b@example.com", now=NOW, settings=SETTINGS)
        with pytest.raises(NotFound):
            await outbound_mail.get_mail(tx, agent, uuid4())
        with pytest.raises(NotFound):
            await outbound_mail.retry_mail(tx, admin, uuid4(), now=NOW)


async def test_lists_are_paged_from_the_newest_to_the_oldest(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number, other = await raised(tx, tenant), await raised(tx, tenant)
        mail_ids = []
        for later in range(5):
            mail, _message = await sent(tx, a_mail(tenant.company.id, ticket_number=number), later=10_000 + later)
            await sent(tx, a_mail(tenant.company.id, ticket_number=other), later=10_000 + later)
            mail_ids.append(mail.id)
        await tx.write("update outbound_mail set state = 'dead' where id = $1", mail_ids[2])

        async def pages(**values: Any) -> list[UUID]:
            mails: list[OutboundMail] = []
            while True:
                before = (mails[-1].created_at, mails[-1].id) if mails else None
                page = await outbound_mail.list_mails(tx, OPERATOR, before=before, limit=2, **values)
                if not page:
                    return [mail.id for mail in mails]
                mails += page

        assert await pages(ticket_number=number) == mail_ids[::-1]
        assert await pages(ticket_number=number, state=MailState.DEAD) == [mail_ids[2]]
        assert mail_ids[2] in await pages(state=MailState.DEAD)
        everything = await pages()
        assert [message_id for message_id in everything if message_id in mail_ids] == mail_ids[::-1]
        assert len(everything) == len(set(everything))
        with pytest.raises(NotFound):
            await outbound_mail.list_mails(tx, OPERATOR, ticket_number=999_999_999, limit=2)


async def test_a_claimed_mail_is_not_retried_before_its_claim_expires(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        mail, _message = await sent(tx, a_mail(tenant.company.id))
        until = NOW + timedelta(minutes=1)
        await tx.write("update outbound_mail set claimed_until = $2 where id = $1", mail.id, until)
        with pytest.raises(Conflict, match="is being sent"):
            await outbound_mail.retry_mail(tx, OPERATOR, mail.id, now=NOW)
        assert await tx.fetchval("select claimed_until from outbound_mail where id = $1", mail.id) == until
        assert (await outbound_mail.retry_mail(tx, OPERATOR, mail.id, now=until)).state is MailState.WAITING


async def test_a_sent_mail_is_not_retried_and_old_mail_is_deleted(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        mail, _message = await sent(tx, a_mail(tenant.company.id, ticket_number=number))
        waiting, _message = await sent(tx, a_mail(tenant.company.id))
        await tx.write("update outbound_mail set state = 'sent', finished_at = $2 where id = $1", mail.id, NOW)
        with pytest.raises(Conflict):
            await outbound_mail.retry_mail(tx, OPERATOR, mail.id, now=NOW)
        assert await outbound_mail.purge(tx, before=NOW) >= 0
        assert await outbound_mail_store.get(tx, mail.id) is not None
        later = NOW + timedelta(seconds=1)
        assert await outbound_mail.purge(tx, before=later) >= 1
        assert await outbound_mail.purge(tx, before=later) == 0
        assert await outbound_mail_store.get(tx, mail.id) is None
        assert await outbound_mail_store.get(tx, waiting.id) is not None
        assert await thread_store.find(tx, [mail.message_id]) == [Reference(tenant.company.id, number)]
