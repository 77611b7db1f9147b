"""The metrics of a desk, as the parser of the library reads them."""

import re
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.mail.inbound import mailbox_store
from clearline.mail.inbound import mailbox_usecases as mailboxes
from clearline.mail.inbound.secret_box import SecretBox
from clearline.metrics import exposition, folders, store
from clearline.metrics.domain import MAIL, SERVER, RequestCounts, Route, Snapshot
from clearline.metrics.exposition import Exposition
from clearline.metrics.families import FAMILIES, PREFIX, Kind
from clearline.metrics.usecases import MAILBOXES_MAX
from clearline.platform.database.transactions import Database
from clearline.webhooks import subscription_usecases as subscriptions
from tests.builders.application import run_json
from tests.builders.databases import new_database
from tests.builders.mail.outbox import write
from tests.builders.metrics.answers import OPENMETRICS, parsed, total, values
from tests.builders.people import new_tenant
from tests.builders.webhooks.sending import PROVIDER, insert_deliveries


@pytest.fixture
async def url(postgres: str) -> AsyncIterator[str]:
    async with new_database(postgres) as url:
        yield url


@pytest.fixture
async def desk(url: str) -> AsyncIterator[Database]:
    database = await Database.open(url, size=4)
    yield database
    await database.close()


async def text_of(url: str, folder: Path, accept: str = OPENMETRICS) -> str:
    """Return the metrics as a new server reads them."""
    exposed = Exposition(url, folder, folder)
    try:
        body, media_type = await exposed.text(accept)
    finally:
        await exposed.close()
    assert media_type.startswith("application/openmetrics-text" if accept == OPENMETRICS else "text/plain")
    return body.decode()


def leave_requests(folder: Path) -> None:
    counts = RequestCounts()
    for seconds in (0.0005, 0.02, 0.02, 60.0):
        counts.add(Route("house", "/api/v1/tickets"), "GET", 200, seconds)
    counts.add(Route("house", "/api/v1/tickets"), "GET", 400, 0.02)
    own = folders.OwnFile(folder)
    own.write(Snapshot(SERVER, 1, counts.series(), {"key": 3}, pool_in_use=2, pool_size=20, pool_waiting=1))
    folders.OwnFile(folder).write(Snapshot(MAIL, 1, pool_size=20))


async def test_every_documented_metric_is_exposed_and_no_other(desk: Database, url: str, tmp_path: Path) -> None:
    await add_mailbox(desk, "noc@example.net")
    run_json(url, "backup", str(tmp_path / "backups"), CLEARLINE_ATTACHMENTS=str(tmp_path / "store"))
    (tmp_path / "counts").mkdir()
    leave_requests(tmp_path / "counts")
    families = parsed(await text_of(url, tmp_path / "counts"))
    assert {name: (family.type, family.unit) for name, family in families.items()} == {
        family.name: (str(family.kind), family.unit) for family in FAMILIES
    }
    for family in FAMILIES:
        labels = {name for sample in families[family.name].samples for name in sample.labels} - {"le"}
        assert labels == set(family.labels), family.name


def test_names_follow_the_conventions_of_prometheus() -> None:
    names = [family.name for family in FAMILIES]
    assert len(names) == len(set(names))
    for family in FAMILIES:
        assert re.fullmatch(rf"{PREFIX}[a-z]+(_[a-z]+)*", family.name)
        assert not re.search(r"_(total|count|sum|bucket|info|milliseconds|ms|kb|minutes|hours)$", family.name)
        assert family.exposed.endswith("_total") == (family.kind is Kind.COUNTER)
        assert family.about.endswith(".")
        assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", label) for label in family.labels)
        if re.search("duration|_age|_lag|size|memory|timestamp|free|cpu", family.name):
            assert family.unit or family.name == "clearline_consumer_lag_events"


async def test_requests_have_counters_and_histograms_that_agree(url: str, tmp_path: Path) -> None:
    leave_requests(tmp_path)
    text = await text_of(url, tmp_path)
    assert values(text, "clearline_http_requests_total") == {
        ("GET", "/api/v1/tickets", "200", "house"): 4, ("GET", "/api/v1/tickets", "400", "house"): 1,
    }  # fmt: skip
    buckets = values(text, "clearline_http_request_duration_seconds_bucket")
    by_bound = {labels[0]: count for labels, count in buckets.items()}
    assert (by_bound["0.001"], by_bound["0.01"], by_bound["0.025"], by_bound["10.0"], by_bound["+Inf"]) == (
        1,
        1,
        4,
        4,
        5,
    )
    assert total(text, "clearline_http_request_duration_seconds_count") == 5
    assert total(text, "clearline_http_request_duration_seconds_sum") == pytest.approx(60.0605)
    assert values(text, "clearline_pool_connections_max") == {("mail",): 20, ("server",): 20}


async def test_the_older_format_of_prometheus_has_the_same(url: str, tmp_path: Path) -> None:
    leave_requests(tmp_path)
    old = {family.name for family in text_string_to_metric_families(await text_of(url, tmp_path, "*/*"))}
    new = parsed(await text_of(url, tmp_path))
    assert {name.removesuffix("_info") for name in old} == {name.removesuffix("_info") for name in new}


async def add_mailbox(desk: Database, address: str) -> Any:
    async with desk.transaction() as tx:
        values = {
            "address": address,
            "imap_host": "imap.example.net",
            "imap_user": "noc",
            "imap_password": "a password",
        }
        return await mailboxes.add_mailbox(tx, OPERATOR, values, secret_box=SecretBox(b"k" * 32), now=now())


async def test_the_state_of_the_desk_is_read_from_the_database(desk: Database, url: str, tmp_path: Path) -> None:
    tenant = await new_tenant(desk)
    await write(desk, tenant, count=3)
    async with desk.transaction() as tx:
        hook = {"url": "https://hooks.example.com/desk"}
        webhook, _secret = await subscriptions.add_subscription(tx, OPERATOR, hook, of=PROVIDER, networks=(), now=now())
    await insert_deliveries(desk, webhook, count=5)
    async with desk.transaction() as tx:
        await tx.write(
            """update delivery set state = 'dead', finished_at = now()
                where number in (select number from delivery limit 2)"""
        )
        await tx.write("update subscription set failing_since = now()")
        await tx.write("update outbound_mail set due_at = now() - interval '90 seconds'")
        await tx.write(
            "insert into ticket_count (company_id, shard, open, finished) values ($1, 1, 7, 2)", tenant.company.id
        )
    text = await text_of(url, tmp_path)
    assert values(text, "clearline_webhook_deliveries") == {("waiting",): 3, ("dead",): 2}
    assert values(text, "clearline_webhook_failing_subscriptions") == {(): 1}
    assert values(text, "clearline_outbound_mails") == {("waiting",): 3, ("dead",): 0, ("bounced",): 0}
    assert values(text, "clearline_backlog_items")["outbound_mail",] == 3
    assert 90 <= values(text, "clearline_backlog_age_seconds")["outbound_mail",] < 400
    assert values(text, "clearline_tickets") == {("open",): 7, ("finished",): 2}
    assert values(text, "clearline_consumer_lag_events")["routing",] > 0
    assert values(text, "clearline_consumer_lag_seconds")["routing",] >= 0
    assert values(text, "clearline_database_up") == {(): 1}
    assert total(text, "clearline_database_size_bytes") > 1_000_000


async def test_a_mailbox_says_when_it_was_last_polled_without_an_error(
    desk: Database, url: str, tmp_path: Path
) -> None:
    good, bad = await add_mailbox(desk, "good@example.net"), await add_mailbox(desk, "bad@example.net")
    at = now().replace(microsecond=0)
    for mailbox, error, ago in ((good, None, 60), (bad, "refused", 600), (bad, "refused", 60)):
        async with desk.transaction() as tx:
            await mailbox_store.note_poll(tx, mailbox.id, error, now=at - timedelta(seconds=ago))
    assert values(await text_of(url, tmp_path), "clearline_mailbox_last_success_timestamp_seconds") == {
        ("good@example.net",): (at - timedelta(seconds=60)).timestamp(),
        ("bad@example.net",): (at - timedelta(seconds=600)).timestamp(),
    }


async def test_however_many_mailboxes_there_are_those_that_wait_longest_have_series(
    desk: Database, url: str, tmp_path: Path
) -> None:
    waiting = await add_mailbox(desk, "waiting@example.net")
    async with desk.transaction() as tx:
        await tx.write(
            """insert into mailbox (id, address, created_at, name, imap_host, imap_port, imap_tls, imap_user,
                                    imap_secret, imap_folder, form_addresses, polled_at)
               select gen_random_uuid(), 'box' || n || '@example.net', created_at, name, imap_host, imap_port,
                      imap_tls, imap_user, imap_secret, imap_folder, form_addresses, now()
                 from mailbox, generate_series(1, 150) n where id = $1""",
            waiting.id,
        )
    found = values(await text_of(url, tmp_path), "clearline_mailbox_last_success_timestamp_seconds")
    assert len(found) == MAILBOXES_MAX
    assert ("waiting@example.net",) in found


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.name != "manifest.json")


async def test_a_backup_says_when_it_was_made(url: str, tmp_path: Path) -> None:
    assert "clearline_last_backup_timestamp_seconds" not in parsed(await text_of(url, tmp_path))
    began = time.time()
    made = run_json(url, "backup", str(tmp_path / "backups"), CLEARLINE_ATTACHMENTS=str(tmp_path / "store"))
    text = await text_of(url, tmp_path)
    assert began - 1 <= total(text, "clearline_last_backup_timestamp_seconds") <= time.time()
    assert total(text, "clearline_last_backup_duration_seconds") == pytest.approx(made["seconds"], abs=0.1)
    assert total(text, "clearline_last_backup_size_bytes") == size_of(Path(made["backup"]))


async def test_the_age_of_the_oldest_transaction_grows(desk: Database, url: str, tmp_path: Path) -> None:
    async with desk.transaction() as tx:
        await tx.fetchval("select pg_current_xact_id()::text")
        await tx.fetchval("select pg_sleep(1.1)")
        assert 1 <= total(await text_of(url, tmp_path), "clearline_horizon_age_seconds") < 60
    assert total(await text_of(url, tmp_path), "clearline_horizon_age_seconds") == 0


async def test_while_the_database_is_away_the_counts_of_the_processes_are_exposed(tmp_path: Path) -> None:
    leave_requests(tmp_path)
    text = await text_of("postgresql://nobody@127.0.0.1:1/none", tmp_path)
    assert values(text, "clearline_database_up") == {(): 0}
    assert total(text, "clearline_http_requests_total") == 5
    assert {*parsed(text)} == {family.name for family in FAMILIES if not family.of_desk}


async def test_the_state_is_not_read_again_for_some_seconds(
    desk: Database, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exposed = Exposition(url, tmp_path, tmp_path)
    tenant = await new_tenant(desk)

    async def waiting() -> float:
        return values((await exposed.text(OPENMETRICS))[0].decode(), "clearline_outbound_mails")["waiting",]

    assert await waiting() == 0
    await write(desk, tenant, count=3)
    assert await waiting() == 0
    monkeypatch.setattr(exposition, "KEPT_SECONDS", 0)
    assert await waiting() == 3
    await exposed.close()


async def test_the_counts_are_served_by_indexes_of_their_states(desk: Database) -> None:
    async with desk.transaction() as tx:
        await tx.write("set local enable_seqscan = off")
        plan = "\n".join(row[0] for row in await tx.fetch("explain " + store.COUNTS.replace("$1", "10000")))
    used = {*re.findall(r"Scan using (\w+)|Scan on (\w+_\w+_?\w*)", plan)}
    indexes = {name for pair in used for name in pair}
    assert indexes >= {"delivery_dead", "outbound_mail_by_state", "inbound_mail_by_state", "job_unfinished"}
    assert indexes & {"delivery_due", "delivery_of_ticket"}  # both have all that wait, and nothing else
    assert {*re.findall(r"Seq Scan on (\w+)", plan)} <= {"ticket_count", "subscription"}
