"""Mailboxes polled on a real IMAP server (pymap) in a separate process."""

import asyncio
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from imapclient import IMAPClient  # type: ignore[import-untyped]

from clearline import clock
from clearline.identity import OPERATOR
from clearline.mail.inbound import imap as imap_module
from clearline.mail.inbound import imap_client
from clearline.mail.inbound import mailbox_usecases as mailboxes
from clearline.mail.inbound import store as inbound_mail_store
from clearline.mail.inbound import worker as inbound_worker
from clearline.mail.inbound.domain import TOO_LARGE, InboundState
from clearline.mail.inbound.imap import ImapAccess, ImapFailed, OpenMailbox, open_mailbox
from clearline.mail.inbound.mailbox_domain import Mailbox
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from clearline.tickets.attachments.blobs import open_blobs
from clearline.web.mail import render
from tests.builders.databases import administer
from tests.builders.jobs import set_clock
from tests.builders.mail.inbound_rig import a_mail
from tests.builders.people import NOW
from tests.builders.processes import eventually, free_port, started
from tests.patience import patient

USER, PASSWORD = "support", "correct horse"
KEY = "a key of the tests"
NETWORKS = ("127.0.0.0/8", "0.0.0.0/8")
SETTINGS = Settings(secret_key=KEY, mail_max=10_000, imap_networks=NETWORKS)


@pytest.fixture(scope="module")
def imap() -> Iterator[int]:
    """Return the port of an IMAP server with an empty mailbox."""
    port = free_port()
    command = [str(Path(sys.executable).parent / "pymap"), "--no-tls", "--host", "127.0.0.1", "--port", str(port)]
    command += ["dict", "--demo-user", USER, "--demo-password", PASSWORD]
    with started(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        assert eventually(lambda: _listens(port))
        yield port


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=patient(1)).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
def client(imap: int) -> Iterator[IMAPClient]:
    """Return a client of the mailbox; the tests share it because the server's login is slow."""
    imap_client = IMAPClient("127.0.0.1", port=imap, ssl=False)
    imap_client.login(USER, PASSWORD)
    yield imap_client
    imap_client.logout()


def leave(client: IMAPClient, *raws: bytes) -> None:
    for raw in raws:
        client.append("INBOX", raw)


def flags(client: IMAPClient) -> list[set[bytes]]:
    client.select_folder("INBOX")
    uids = client.search(["ALL"])
    messages = client.fetch(uids, ["FLAGS"]) if uids else {}
    client.close_folder()
    return [set(message[b"FLAGS"]) - {b"\\Recent"} for _, message in sorted(messages.items())]


@pytest.fixture
async def polled(database: Database, database_url: str, imap: int, client: IMAPClient) -> Mailbox:
    """Return the only mailbox, empty, which is polled."""
    await administer(database_url, "delete from inbound_mail; delete from mailbox")
    client.select_folder("INBOX")
    if uids := client.search(["ALL"]):
        client.delete_messages(uids)
        client.expunge()
    client.close_folder()
    async with database.transaction() as tx:
        values = {
            "address": f"{uuid4().hex[:8]}@example.net", "imap_host": "127.0.0.1", "imap_port": imap,
            "imap_tls": False, "imap_user": USER, "imap_password": PASSWORD,
        }  # fmt: skip
        box = await mailboxes.secret_box(tx, KEY)
        return await mailboxes.add_mailbox(tx, OPERATOR, values, secret_box=box, now=NOW)


async def waiting_senders(database: Database) -> list[str]:
    async with database.statement() as tx:
        return sorted(
            mail.sender
            for mail in await inbound_mail_store.page(tx, state=InboundState.WAITING, before=None, limit=100)
        )


async def error_of(database: Database, mailbox: Mailbox) -> str | None:
    async with database.statement() as tx:
        return (await mailboxes.get_mailbox(tx, OPERATOR, mailbox.id)).last_error


async def poll(
    database: Database,
    settings: Settings = SETTINGS,
    connect: Callable[[ImapAccess], OpenMailbox] = open_mailbox,
) -> int:
    return await inbound_worker.poll(database, settings, lambda: NOW, connect)


async def test_new_mail_is_fetched_once_and_marked(database: Database, client: IMAPClient, polled: Mailbox) -> None:
    raw = a_mail("b@example.com", polled.address)
    leave(client, a_mail("a@example.com", polled.address), raw)
    assert [await poll(database), await poll(database)] == [2, 0]
    assert await waiting_senders(database) == ["a@example.com", "b@example.com"]
    assert flags(client) == [{b"\\Seen"}, {b"\\Seen"}]
    async with database.statement() as tx:
        [mail, _] = sorted(
            await inbound_mail_store.page(tx, state=None, before=None, limit=5),
            key=lambda mail: mail.sender,
            reverse=True,
        )
        assert await inbound_mail_store.raw(tx, mail.id) == raw
    assert (mail.envelope_from, mail.envelope_to) == ("b@example.com", polled.address)
    assert await error_of(database, polled) is None


async def test_a_process_that_dies_between_storing_and_marking_neither_loses_nor_duplicates_mail(
    database: Database, client: IMAPClient, polled: Mailbox
) -> None:
    leave(client, a_mail("a@example.com", polled.address))

    def die(uid: int, *, too_large: bool = False) -> None:
        raise ImapFailed(f"cut off at {uid} {too_large}")

    def open_and_die(access: ImapAccess) -> OpenMailbox:
        mailbox = open_mailbox(access)
        mailbox.mark = die  # type: ignore[method-assign]
        return mailbox

    await poll(database, connect=open_and_die)
    assert (await waiting_senders(database), flags(client)) == (["a@example.com"], [set()])
    assert re.fullmatch(r"cut off at \d+ False", await error_of(database, polled) or "")
    assert await poll(database) == 0
    assert (await waiting_senders(database), flags(client)) == (["a@example.com"], [{b"\\Seen"}])
    assert await error_of(database, polled) is None


async def test_a_mail_that_is_too_large_is_flagged_and_reported(
    database: Database, client: IMAPClient, polled: Mailbox
) -> None:
    leave(client, a_mail("a@example.com", polled.address, "x" * 20_000), a_mail("b@example.com", polled.address))
    assert await poll(database) == 1
    assert await waiting_senders(database) == ["b@example.com"]
    assert flags(client) == [{b"\\Seen", b"\\Flagged"}, {b"\\Seen"}]
    async with database.statement() as tx:
        [quarantined] = await inbound_mail_store.page(tx, state=InboundState.QUARANTINED, before=None, limit=5)
        assert (quarantined.sender, quarantined.reason, quarantined.has_raw) == ("a@example.com", TOO_LARGE, False)
    assert "larger than CLEARLINE_MAIL_MAX" in (await error_of(database, polled) or "")


async def test_malformed_mail_does_not_block_other_mail(
    database: Database, client: IMAPClient, polled: Mailbox
) -> None:
    deep = a_mail("(" * 5_000 + "a@example.com", polled.address)
    header = b"Message-ID: <"
    long_id = a_mail("c@example.com", polled.address).replace(header, header + "\u96fb".encode() * 990)
    leave(client, deep, long_id, a_mail("b@example.com", polled.address))
    assert await poll(database) == 3
    assert await waiting_senders(database) == ["", "b@example.com", "c@example.com"]
    assert await error_of(database, polled) is None


async def test_a_password_is_never_sent_in_clear_text(database: Database, client: IMAPClient, polled: Mailbox) -> None:
    leave(client, a_mail("a@example.com", polled.address))
    async with database.transaction() as tx:
        await tx.write("update mailbox set imap_host = '0.0.0.0' where id = $1", polled.id)
    assert await poll(database) == 0
    assert "TLS" in (await error_of(database, polled) or "")


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"imap_password": "wrong"}, "the server refused the user or the password"),
        ({"imap_port": 1, "imap_password": PASSWORD}, "cannot reach the server: Connection refused"),
        ({"imap_folder": "Nowhere"}, "the server answered: "),
        ({"imap_tls": True, "imap_password": PASSWORD}, "no secure connection: "),
    ],
)
async def test_a_mailbox_that_cannot_be_read_has_an_error(
    database: Database, polled: Mailbox, values: dict[str, object], error: str
) -> None:
    async with database.transaction() as tx:
        box = await mailboxes.secret_box(tx, KEY)
        await mailboxes.change_mailbox(tx, OPERATOR, polled.id, values, secret_box=box, now=NOW)
    assert await poll(database) == 0
    last_error = await error_of(database, polled) or ""
    assert last_error.startswith(error)
    assert PASSWORD not in last_error


async def test_a_password_encrypted_with_another_key_has_to_be_set_again(database: Database, polled: Mailbox) -> None:
    assert await poll(database, Settings(secret_key="another", imap_networks=NETWORKS)) == 0
    assert "set the password again" in (await error_of(database, polled) or "")


@pytest.fixture
def lookups(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let ``imap.example.net`` be this machine when it is looked up first, and another afterwards; return the names."""
    names: list[str] = []

    def look_up(host: str, port: int, *rest: Any, **named: Any) -> Any:
        if host == "imap.example.net":
            names.append(host)
            host = "127.0.0.1" if len(names) == 1 else "198.51.100.1"
        return resolve(host, port, *rest, **named)

    resolve = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return names


async def point_to(database: Database, polled: Mailbox, host: str) -> None:
    async with database.transaction() as tx:
        await tx.write("update mailbox set imap_host = $2 where id = $1", polled.id, host)


@pytest.mark.parametrize("host", ["imap.example.net", "127.0.0.1", "::ffff:127.0.0.1", "localhost", "10.0.0.1"])
@pytest.mark.usefixtures("lookups")
async def test_a_private_server_is_not_reached_unless_it_is_allowed(
    database: Database, client: IMAPClient, polled: Mailbox, host: str
) -> None:
    leave(client, a_mail("a@example.com", polled.address))
    await point_to(database, polled, host)
    assert await poll(database, replace(SETTINGS, imap_networks=("192.168.0.0/16",))) == 0
    last_error = await error_of(database, polled) or ""
    assert last_error.endswith("not a public address: add its network to CLEARLINE_IMAP_NETWORKS")
    assert flags(client) == [set()]


async def test_a_server_is_reached_at_the_address_that_was_checked(
    database: Database, client: IMAPClient, polled: Mailbox, lookups: list[str]
) -> None:
    leave(client, a_mail("a@example.com", polled.address))
    await point_to(database, polled, "imap.example.net")
    assert (await poll(database), await error_of(database, polled)) == (1, None)
    assert lookups == ["imap.example.net"]


async def test_a_long_mail_is_fetched_in_pieces_and_stored_whole(
    database: Database, client: IMAPClient, polled: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap_module, "PIECE", 1000)
    raws = [a_mail("a@example.com", polled.address, "x" * 70 + "\r\n" + "y" * size) for size in (0, 2000, 3333)]
    raws.append(raws[0] + b"z" * (2000 - len(raws[0])))  # its end is that of a piece
    leave(client, *raws)
    assert await poll(database) == len(raws)
    async with database.statement() as tx:
        mails = await inbound_mail_store.page(tx, state=None, before=None, limit=9)
        assert sorted([await inbound_mail_store.raw(tx, mail.id) or b"" for mail in mails]) == sorted(raws)


async def test_a_server_that_sends_too_much_is_left(
    database: Database, client: IMAPClient, polled: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap_client, "ANSWER_MAX", 5000)
    leave(client, a_mail("a@example.com", polled.address, "x" * 9000))
    assert await poll(database) == 0
    assert "more than 5000 bytes in answer to one command" in (await error_of(database, polled) or "")


async def test_an_inactive_mailbox_is_not_polled(database: Database, client: IMAPClient, polled: Mailbox) -> None:
    leave(client, a_mail("a@example.com", polled.address))
    async with database.transaction() as tx:
        box = await mailboxes.secret_box(tx, KEY)
        await mailboxes.change_mailbox(tx, OPERATOR, polled.id, {"is_active": False}, secret_box=box, now=NOW)
    assert (await poll(database), flags(client)) == (0, [set()])


async def test_mailboxes_are_polled_every_half_minute_also_after_the_clock_was_set_back(
    database: Database, client: IMAPClient, polled: Mailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = clock.monotonic()
    monkeypatch.setattr(inbound_worker, "monotonic", lambda: seconds)
    settings = replace(SETTINGS, data_dir=tmp_path)
    _processing, polling = inbound_worker.jobs(database, open_blobs(settings), settings, clock.now, render)
    assert await polling.run() == 0
    leave(client, a_mail("a@example.com", polled.address))
    assert await polling.run() == 0, "too early"
    set_clock(monkeypatch, timedelta(hours=-1))
    seconds += inbound_worker.POLL_SECONDS
    assert await polling.run() == 1


async def test_one_process_polls_at_a_time(database: Database, client: IMAPClient, polled: Mailbox) -> None:
    leave(client, *[a_mail(f"a{number}@example.com", polled.address) for number in range(5)])
    assert sorted(await asyncio.gather(poll(database), poll(database))) == [0, 5]


def test_checking_a_mailbox_marks_nothing(imap: int, client: IMAPClient) -> None:
    leave(client, a_mail("a@example.com", "b@example.net"))
    opened = open_mailbox(ImapAccess("127.0.0.1", imap, False, USER, PASSWORD, "INBOX", NETWORKS))
    unseen = opened.unseen(100)
    opened.close()
    assert len(unseen) >= 1
    assert set() in flags(client)
