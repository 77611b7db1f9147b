"""An erased person is nowhere any more: not in a plain dump of the database, and not in the store of files."""

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest

from clearline import clock
from clearline.accounts import usecases as accounts
from clearline.errors import Conflict, Forbidden, InvalidInput, ScopeMissing
from clearline.identity import ALL_SCOPES, OPERATOR, PROVIDER_ID, Actor, Role, Scope
from clearline.platform.database.transactions import Database
from clearline.privacy import erasure_usecases as erasures
from clearline.privacy.erasure_domain import Erasure
from clearline.privacy.worker import work_on
from tests.builders.people import new_person, new_tenant
from tests.builders.privacy.scene import ADDRESS, NAME, TRACES, Scene
from tests.builders.redaction.dumps import dump, files_with, tables_with

HELD_BY = {
    "api_key", "app_user", "attachment", "company", "delivery", "draft", "event", "feedback", "handover",
    "idempotency_key", "inbound_mail", "job", "job_item", "macro", "mail_opt_out", "mail_suppression", "note",
    "outbound_mail", "pending_message", "saved_view", "subscription", "ticket", "ticket_case", "ticket_contact",
    "ticket_search", "ticket_template",
}  # fmt: skip
"""The tables that hold the person before: without them, the test would prove nothing."""


async def erase(scene: Scene, *, is_dry_run: bool = False, address: str = ADDRESS) -> Erasure:
    async with scene.desk.database.transaction() as tx:
        return await erasures.erase(
            tx, scene.admin, address, reason="Asked by letter", is_dry_run=is_dry_run, secret_key=None,
            now=clock.now(),
        )  # fmt: skip


async def work(scene: Scene, most: int = 1000) -> int:
    """Do the work of all erasures, or so many pages of it; return how many pages it had."""
    pages = 0
    while pages < most and await work_on(
        scene.desk.database, scene.desk.blobs, clock.now, secret_key=None, settle=timedelta()
    ):
        pages += 1
    return pages


async def finished(scene: Scene, erasure: Erasure) -> Erasure:
    async with scene.desk.database.transaction() as tx:
        return await erasures.get_erasure(tx, scene.admin, erasure.id)


def holding(dumped: str) -> set[str]:
    lowered = "\n".join(line if line.startswith("COPY ") else line.lower() for line in dumped.splitlines())
    held = [tables_with(lowered, trace) for trace in TRACES]
    return set[str]().union(*held, tables_with(dumped, "Marevski"), tables_with(dumped, "MAREVSKI"))


async def test_an_erased_person_is_nowhere(scene: Scene) -> None:
    desk = scene.desk
    before = holding(await dump(desk.url))
    assert before >= HELD_BY, HELD_BY - before
    erasure = await erase(scene)
    assert await work(scene)
    done = await finished(scene, erasure)
    assert done.finished_at is not None
    assert holding(await dump(desk.url)) == set()
    assert not any(files_with(desk.files, trace.encode()) for trace in TRACES)
    assert HELD_BY - set(done.rows) == {"ticket_search"}  # which is made anew from the others
    assert sum(done.rows.values()) > len(HELD_BY)


async def test_what_it_did_stays_with_a_pseudonym(scene: Scene) -> None:
    count = "select (select count(*) from ticket), (select count(*) from note), (select count(*) from event)"
    async with scene.desk.database.statement() as tx:
        before = tuple(await tx.fetchrow(count) or ())
    erasure = await erase(scene)
    await work(scene)
    async with scene.desk.database.statement() as tx:
        after = tuple(await tx.fetchrow(count) or ())
    assert after[:2] == before[:2]
    assert after[2] >= before[2]
    name, address = erasure.pseudonym.name, erasure.pseudonym.address
    ticket = (await scene.desk.client.get(f"/api/v1/tickets/{scene.number}", headers=scene.headers)).json()
    assert ticket["contact"] == {"name": name, "phone": erasure.pseudonym.phone, "email": address}
    assert ticket["title"] == f"Port of {name} is down again"
    assert ticket["external_ids"] == {"crm": address}
    found = await notes_of(scene)
    assert f"It is {name} <{address}>, {erasure.pseudonym.phone}" in {note["text"] for note in found}
    assert {note["author"] for note in found if note["author"] != "Mara Lind"} == {name}
    hits = (await scene.desk.client.get("/api/v1/search", headers=scene.headers, params={"q": NAME})).json()
    assert hits["data"] == []


async def notes_of(scene: Scene) -> list[dict[str, Any]]:
    answer = await scene.desk.client.get(f"/api/v1/tickets/{scene.number}/notes?limit=200", headers=scene.headers)
    notes: list[dict[str, Any]] = answer.json()["data"]
    return notes


async def test_its_accounts_end_at_once(scene: Scene) -> None:
    erasure = await erase(scene)
    assert (await scene.desk.client.get("/api/v1/me", headers=scene.person)).status_code == 401
    async with scene.desk.database.transaction() as tx:
        user = await accounts.get_user(tx, OPERATOR, scene.company.id, scene.user.id)
        assert (user.name, user.email, user.phone) == (erasure.pseudonym.name, erasure.pseudonym.address, "")
        assert (user.is_active, user.is_confirmed) == (False, False)
        assert await tx.fetchval("select count(*) from api_key where user_id = $1 and revoked_at is null", user.id) == 0
    await work(scene)
    async with scene.desk.database.transaction() as tx:
        assert await tx.fetchval("select count(*) from sign_in_session where user_id = $1", scene.user.id) == 0


async def test_a_dry_run_counts_the_same_and_changes_nothing(scene: Scene) -> None:
    before = await dump(scene.desk.url)
    dry = await erase(scene, is_dry_run=True)
    await work(scene)
    assert holding(await dump(scene.desk.url)) == holding(before)
    assert (await scene.desk.client.get("/api/v1/me", headers=scene.person)).status_code == 200
    counted = await finished(scene, dry)
    assert counted.finished_at is not None
    erasure = await erase(scene)
    await work(scene)
    done = await finished(scene, erasure)
    differing = {table for table in {*counted.rows, *done.rows} if counted.rows.get(table) != done.rows.get(table)}
    assert differing <= {"event"}  # the erasure itself stores some
    with pytest.raises(Conflict):
        async with scene.desk.database.transaction() as tx:
            await erasures.get_certificate(tx, scene.admin, dry.id)


async def test_it_goes_on_where_it_was_stopped(scene: Scene) -> None:
    erasure = await erase(scene)
    while not (await finished(scene, erasure)).finished_at:
        assert await work(scene, most=3) > 0  # a process that dies loses a page at most: the rest is another's
    assert holding(await dump(scene.desk.url)) == set()


async def test_what_was_on_its_way_is_found_in_the_second_round(scene: Scene) -> None:
    erasure = await erase(scene)
    while (await finished(scene, erasure)).round == 1:
        assert await work(scene, most=1)
    await scene.desk.post(f"tickets/{scene.number}/notes", scene.headers, {"text": f"From {NAME}, late"})
    await work(scene)
    assert holding(await dump(scene.desk.url)) == set()


async def test_the_certificate_says_what_was_done_and_not_of_whom(scene: Scene) -> None:
    erasure = await erase(scene)
    async with scene.desk.database.transaction() as tx:
        with pytest.raises(Conflict):
            await erasures.get_certificate(tx, scene.admin, erasure.id)
    await work(scene)
    async with scene.desk.database.transaction() as tx:
        text = await erasures.get_certificate(tx, scene.admin, erasure.id)
    assert not any(trace in text.lower() for trace in TRACES)
    sealed = json.loads(text)
    certificate = sealed["certificate"]
    compact = json.dumps(certificate, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(compact.encode()).hexdigest() == sealed["sha256"]
    done = await finished(scene, erasure)
    assert certificate["rows"] == done.rows
    assert certificate["accounts"] == [str(scene.user.id)]
    assert certificate["asked_by"] == str(scene.admin.user.id if scene.admin.user else "")
    (file,) = certificate["files"]
    assert (file["ticket"], file["is_own"], file["holds_words"]) == (scene.number, True, False)
    assert any("Backups" in place for place in certificate["not_reached"])


async def test_the_words_are_sealed_until_the_work_is_done(scene: Scene) -> None:
    erasure = await erase(scene)
    stored = str(await rows_of(scene)).lower()
    assert not any(trace in stored for trace in TRACES)
    await work(scene)
    (row,) = await rows_of(scene)
    assert (row["id"], row["sealed"]) == (erasure.id, None)


async def rows_of(scene: Scene) -> list[Any]:
    async with scene.desk.database.transaction() as tx:
        return await tx.fetch("select * from erasure")


async def test_a_contact_without_an_account_is_erased_too(scene: Scene) -> None:
    async with scene.desk.database.transaction() as tx:
        await tx.write(
            "update ticket_contact set email = 'cleo@contact.example.org', name = 'Cleo Marsh', phone = '+1-555-0142'"
        )
    erasure = await erase(scene, address="Cleo@contact.example.org")
    await work(scene)
    dumped = await dump(scene.desk.url)
    assert tables_with(dumped, "cleo@contact") == tables_with(dumped, "Cleo Marsh") == set()
    assert tables_with(dumped, NAME)
    assert (await finished(scene, erasure)).accounts == ()


async def test_others_with_the_same_name_keep_their_accounts_and_what_they_wrote(scene: Scene) -> None:
    async with scene.desk.database.transaction() as tx:
        other = await new_person(tx, NAME, Role.AGENT)
        await tx.write(
            "update note set author = $1, created_by = $2 where author = 'Mara Lind'",
            NAME,
            other.user and other.user.id,
        )
    erasure = await erase(scene)
    await work(scene)
    assert erasures.HINT_NAMESAKE in erasure.hints
    async with scene.desk.database.transaction() as tx:
        assert other.user is not None
        assert (await accounts.get_user(tx, OPERATOR, PROVIDER_ID, other.user.id)).name == NAME
        authors = {row[0] for row in await tx.fetch("select author from note where created_by = $1", other.user.id)}
    assert authors == {NAME}


async def test_a_reason_with_the_words_is_refused(scene: Scene) -> None:
    async with scene.desk.database.transaction() as tx:
        with pytest.raises(InvalidInput):
            await erasures.erase(
                tx, scene.admin, ADDRESS, reason=f"Asked by {NAME}", is_dry_run=False, secret_key=None, now=clock.now()
            )


async def test_only_admins_of_the_provider_erase_people_and_never_themselves(database: Database) -> None:
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        admin, agent = await new_person(tx, role=Role.ADMIN), await new_person(tx)
        customer = await new_person(tx, role=Role.CUSTOMER_ADMIN, company=tenant.company.code)
        without = await new_person(tx, role=Role.ADMIN, scopes=ALL_SCOPES - {Scope.PEOPLE_ERASE})

    async def ask(actor: Actor, address: str) -> Erasure:
        async with database.transaction() as tx:
            return await erasures.erase(
                tx, actor, address, reason="Asked", is_dry_run=False, secret_key=None, now=clock.now()
            )

    for actor, error in ((agent, ScopeMissing), (customer, Forbidden), (without, ScopeMissing), (admin, Conflict)):
        assert admin.user is not None
        with pytest.raises(error):
            await ask(actor, tenant.user.email if actor is not admin else admin.user.email)
    async with database.transaction() as tx:
        assert (await accounts.get_user(tx, OPERATOR, tenant.company.id, tenant.user.id)).is_active
