"""The checks of inbound mail: a listener that answers, mail that is processed, mailboxes that are polled."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from clearline.health.domain import Check
from clearline.health.mail_checks import check_polls, inbound_mail, listener, recipient_limit
from clearline.identity import OPERATOR
from clearline.mail.inbound import mailbox_store
from clearline.mail.inbound import mailbox_usecases as mailboxes
from clearline.mail.inbound.mailbox_domain import Mailbox
from clearline.mail.inbound.mailbox_store import PollState
from clearline.mail.inbound.secret_box import SecretBox
from clearline.platform.database.transactions import Database
from tests.builders.application import run_command
from tests.builders.databases import new_database
from tests.builders.people import NOW

MINUTE = timedelta(minutes=1)
POLLED = {"imap_host": "imap.example.net", "imap_user": "noc", "imap_password": "a password"}
EMPTY = bytes(32)


@pytest.fixture
async def desk(postgres: str) -> AsyncIterator[Database]:
    async with new_database(postgres) as url:
        database = await Database.open(url, size=2)
        yield database
        await database.close()


async def add(database: Database, address: str, **values: Any) -> Mailbox:
    async with database.transaction() as tx:
        box = SecretBox(b"k" * 32)
        return await mailboxes.add_mailbox(tx, OPERATOR, {"address": address, **values}, secret_box=box, now=NOW)


async def receive(database: Database, state: str) -> None:
    mail_id = uuid4()
    async with database.statement() as tx:
        await tx.write(
            """insert into inbound_mail (id, received_at, fingerprint, body_hash, envelope_from, envelope_to, size,
                                         state)
               values ($1, $2, $3, $4, '', '', 0, $5)""",
            mail_id, NOW, mail_id.bytes * 2, EMPTY, state,
        )  # fmt: skip


async def test_mail_that_waits_for_long_is_reported(desk: Database) -> None:
    assert await inbound_mail(desk, NOW) == [Check("inbound mail", ok=True, detail="0 mails wait")]
    await receive(desk, "ignored")
    await receive(desk, "waiting")
    await receive(desk, "waiting")
    assert await inbound_mail(desk, NOW + 5 * MINUTE) == [Check("inbound mail", ok=True, detail="2 mails wait")]
    [check] = await inbound_mail(desk, NOW + 7 * MINUTE)
    assert check.ok is False
    assert check.detail.startswith(
        "2 mails wait, the oldest for 7 minutes; is clearline serve or clearline work running?"
    )


async def test_a_mailbox_that_is_not_polled_is_reported(desk: Database) -> None:
    await add(desk, "listener@example.net")
    await add(desk, "off@example.net", **POLLED, is_active=False)
    polled = await add(desk, "noc@example.net", **POLLED)
    assert (await inbound_mail(desk, NOW + 4 * MINUTE))[1] == Check("mailboxes", ok=True, detail="1 polled")
    check = (await inbound_mail(desk, NOW + 6 * MINUTE))[1]
    assert check.ok is False
    assert check.detail.startswith("not polled: noc@example.net for 6 minutes; is clearline serve")
    async with desk.statement() as tx:
        await mailbox_store.note_poll(tx, polled.id, None, now=NOW + 6 * MINUTE)
    assert (await inbound_mail(desk, NOW + 6 * MINUTE))[1].ok is True


async def test_polls_that_fail_are_a_warning_first_and_then_wrong(desk: Database) -> None:
    polled = await add(desk, "noc@example.net", **POLLED)

    async def poll(error: str | None, minutes: int) -> Check:
        async with desk.statement() as tx:
            await mailbox_store.note_poll(tx, polled.id, error, now=NOW + minutes * MINUTE)
        return (await inbound_mail(desk, NOW + minutes * MINUTE))[1]

    advice = "test them under Mailboxes in the admin pages, or with clearline mailbox check"
    detail = f"polls fail: noc@example.net: the server is away; {advice}"
    assert await poll("the server is away", 1) == Check("mailboxes", ok=True, detail=detail, warning=True)
    assert (await poll("the server is away", 5)).word == "warning"
    assert await poll("the server is away", 7) == Check("mailboxes", ok=False, detail=detail)
    assert (await poll(None, 8)).word == "ok"
    assert (await poll("the server is away", 9)).word == "warning"


def test_only_the_first_mailboxes_are_named() -> None:
    states = [PollState(f"{number}@example.net", NOW, None, None) for number in range(7)]
    assert " 4@example.net for 10 minutes and 2 more; " in check_polls(states, NOW + 10 * MINUTE).detail


async def test_a_listener_that_does_not_answer_is_reported() -> None:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 desk.example.net\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        for address in (f"smtp://0.0.0.0:{port}", f"lmtp://127.0.0.1:{port}"):
            assert await listener(address) == Check("mail listener", ok=True, detail=f"{address} answers")
    away = await listener(f"smtp://127.0.0.1:{port}")
    assert away.ok is False
    assert f"smtp://127.0.0.1:{port}: " in away.detail
    with socket.create_server(("127.0.0.1", 0)) as silent:  # held by the server, while its process for mail restarts
        address = f"smtp://127.0.0.1:{silent.getsockname()[1]}"
        check = await listener(address, seconds=0.2)
    assert check.ok is False
    assert "the process for mail is not running, or keeps restarting; is clearline serve" in check.detail


async def test_the_doctor_shows_them(postgres: str) -> None:
    async with new_database(postgres) as url:
        report = await asyncio.to_thread(
            run_command, url, "doctor", "--json", CLEARLINE_MAIL_LISTEN="lmtp://127.0.0.1:1"
        )
    checks = {check["name"]: check["ok"] for check in json.loads(report.stdout)["checks"]}
    assert (report.exit_code, checks["mail listener"], checks["inbound mail"]) == (3, False, True)


async def test_addresses_at_the_limit_of_an_hour_are_counted_and_not_named(desk: Database) -> None:
    sent = """
        insert into outbound_mail (company_id, id, recipient, subject, kind, message_id, message, state, due_at,
                                   created_at, finished_at)
        select (select id from company limit 1), gen_random_uuid(), $1, 'Subject', $2, gen_random_uuid()::text,
               'message', 'sent', $3, $3, $3 from generate_series(1, $4)"""
    mails = (
        ("ada@example.com", "notification", NOW, 3),
        ("ADA@example.com", "notification", NOW - 59 * MINUTE, 2),
        ("ben@example.com", "notification", NOW - 61 * MINUTE, 9),
        ("cleo@example.com", "digest", NOW, 9),
        ("dora@example.com", "notification", NOW, 4),
    )
    async with desk.transaction() as tx:
        for mail in mails:
            await tx.write(sent, *mail)
    fine = Check("mail limit", ok=True, detail="no address got 6 notifications in the last hour")
    assert await recipient_limit(desk, 6, NOW) == fine
    warned = await recipient_limit(desk, 5, NOW)
    assert (warned.ok, warned.warning) == (True, True)
    assert warned.detail.startswith("1 addresses got 5 notifications in the last hour: what else they would get waits")
    assert "CLEARLINE_RECIPIENT_MAILS" in warned.detail
    assert "@" not in warned.detail
