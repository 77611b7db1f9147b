"""Mail about a ticket has the sender of its queue, and replies to it still arrive."""

from email.utils import parseaddr
from typing import Any
from uuid import UUID, uuid4

import pytest

from clearline.errors import InvalidInput
from clearline.identity import OPERATOR
from clearline.mail.inbound import mailbox_usecases as mailboxes
from clearline.mail.inbound.secret_box import SecretBox
from clearline.mail.outbound.domain import MailState, read_reply_address
from clearline.platform.database.transactions import Database
from clearline.queues import usecases as queues
from clearline.tickets import change_usecases as ticket_changes
from tests.builders.mail.outbox import SETTINGS, until_state, working, write
from tests.builders.mail.smtp_server import ReceivedMail, running
from tests.builders.people import NOW, Tenant
from tests.builders.queues import unique_name
from tests.builders.tickets import raised

DESK = "Support <support@example.net>"


async def ticket_in(database: Database, tenant: Tenant, **sender: Any) -> int:
    """Raise a ticket in a new queue with a sender."""
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        queue = (await queues.add_queue(tx, OPERATOR, name=unique_name("Queue"), now=NOW, **sender)).queue
        await ticket_changes.change_ticket(tx, OPERATOR, number, {"queue_id": queue.id}, now=NOW)
    return number


async def received(database: Database, tenant: Tenant, number: int | None) -> ReceivedMail:
    """Return a mail about a ticket as a mail server received it."""
    async with running() as server, working(database, server):
        ids = await write(database, tenant, ticket_number=number, recipient=f"{uuid4().hex}@example.com")
        await until_state(database, MailState.SENT, *ids)
    return server.received[-1]


async def test_mail_about_a_ticket_has_the_sender_of_its_queue(database: Database, tenant: Tenant) -> None:
    address = f"{uuid4().hex[:20]}@ports.example.net"
    number = await ticket_in(database, tenant, sender_name="Störungsstelle, Ports", sender_address=address)
    mail = await received(database, tenant, number)
    assert str(mail.message["From"]) == f'"Störungsstelle, Ports" <{address}>'
    assert mail.sender == "support@example.net"
    assert str(mail.message["Message-ID"]).endswith(f".INC{number:012}@example.net>")
    reply_to = parseaddr(str(mail.message["Reply-To"]))[1]
    assert reply_to.startswith("support+INC")
    assert read_reply_address(reply_to, SETTINGS.secret, recipient=mail.recipient) == number


@pytest.mark.parametrize(
    ("sender", "shown"),
    [
        ({}, DESK),
        ({"sender_name": "Example Ports"}, "Example Ports <support@example.net>"),
        ({"sender_address": "ports@example.net"}, "Support <ports@example.net>"),
    ],
    ids=["none", "name", "address"],
)
async def test_what_the_queue_leaves_empty_is_the_desks(
    database: Database, tenant: Tenant, sender: dict[str, str], shown: str
) -> None:
    mail = await received(database, tenant, await ticket_in(database, tenant, **sender))
    assert str(mail.message["From"]) == shown


async def test_mail_of_no_queue_has_the_sender_of_the_desk(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
    for of_ticket in (number, None):
        assert str((await received(database, tenant, of_ticket)).message["From"]) == DESK


@pytest.mark.parametrize(
    ("mailbox", "answers"),
    [
        ({"imap": True}, "queue"),
        ({"imap": True, "is_active": False}, "support"),
        ({}, "support"),
    ],
    ids=["polled", "not active", "neither polled nor listened for"],
)
async def test_replies_go_to_the_address_of_the_queue_only_where_they_arrive(
    database: Database, tenant: Tenant, mailbox: dict[str, bool], answers: str
) -> None:
    address = f"queue{uuid4().hex[:16]}@example.net"
    values: dict[str, Any] = {"address": address, "is_active": mailbox.get("is_active", True)}
    if "imap" in mailbox:
        values |= {"imap_host": "imap.example.net", "imap_user": "x", "imap_password": "x"}
    async with database.transaction() as tx:
        await mailboxes.add_mailbox(tx, OPERATOR, values, secret_box=SecretBox(b"k"), now=NOW)
    number = await ticket_in(database, tenant, sender_address=address.upper().replace("@EXAMPLE.NET", "@example.net"))
    mail = await received(database, tenant, number)
    reply_to = parseaddr(str(mail.message["Reply-To"]))[1]
    assert reply_to.lower().startswith(answers)
    assert read_reply_address(reply_to, SETTINGS.secret, recipient=mail.recipient) == number


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sender_name", "x" * 101),
        ("sender_name", "Ports\r\nBcc: eve@example.org"),
        ("sender_name", "Ports\N{RIGHT-TO-LEFT OVERRIDE}"),
        ("sender_name", "Ports\0"),
        ("sender_address", "ports"),
        ("sender_address", "Ports <ports@example.net>"),
        ("sender_address", "ports@example.net\r\nBcc: eve@example.org"),
        ("sender_address", "ports+x@example.net"),
        ("sender_address", "p" * 28 + "@example.net"),
    ],
    ids=["long", "header", "direction", "nul", "no address", "two", "header in address", "plus", "long local part"],
)
async def test_a_sender_that_is_none_is_refused(database: Database, field: str, value: Any) -> None:
    async with database.transaction() as tx:
        with pytest.raises(InvalidInput) as caught:
            await queues.add_queue(tx, OPERATOR, name=unique_name("Queue"), now=NOW, **{field: value})
        assert {violation.field for violation in caught.value.violations} == {field}


async def test_a_queue_does_not_send_in_the_name_of_a_person(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        queue: UUID = (await queues.add_queue(tx, OPERATOR, name=unique_name("Queue"), now=NOW)).queue.id
        with pytest.raises(InvalidInput, match="must not be the address of a person"):
            await queues.change_queue(tx, OPERATOR, queue, {"sender_address": tenant.user.email.upper()}, now=NOW)
