"""Agents add, change, close and remove the cases of a ticket at third parties, without scripts."""

from datetime import UTC, datetime, timedelta

from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.tickets.cases import usecases as cases
from clearline.tickets.third_parties.domain import Case, CaseState
from clearline.web.once import new_key
from tests.builders.web.opened import HOSTILE, Opened

TYPED = {
    "party": "Fernhill Access", "number": "FH-77", "kind": "vendor", "state": "waiting",
    "opened_at": "2026-02-27T08:00", "expected_at": "2026-02-28T08:00",
    "contact_name": "Fernhill NOC", "contact_phone": "+1-555-0171",
    "contact_email": "noc@example.org", "notes": "Splicing\nfrom 22:00",
}  # fmt: skip


async def stored(opened: Opened) -> list[Case]:
    async with opened.database.statement() as tx:
        return await cases.list_cases(tx, OPERATOR, opened.number)


async def added(opened: Opened, database: Database, **values: object) -> Case:
    async with database.transaction() as tx:
        return await cases.add_case(tx, OPERATOR, opened.number, {"party": "Fernhill Access", **values}, now=now())


async def test_a_case_is_added_once_and_shown_on_the_page(opened: Opened) -> None:
    assert "No cases at carriers or vendors" in (await opened.page()).text
    form = TYPED | {"once": new_key()}
    for _ in range(2):
        await opened.send("cases", **form)
    [case] = await stored(opened)
    assert (case.party, case.number, case.kind, case.state) == ("Fernhill Access", "FH-77", "vendor", "waiting")
    assert case.opened_at == datetime(2026, 2, 27, 8, tzinfo=UTC)
    assert (case.contact_email, case.notes, case.created_by) == (
        "noc@example.org",
        "Splicing\nfrom 22:00",
        "Ines Duarte",
    )
    page = await opened.page()
    for words in ("Fernhill Access", "FH-77", "overdue", "+1-555-0171", "Splicing"):
        assert words in page.text, words
    assert "Ines Duarte added the case Fernhill Access FH-77" in page.text
    suggested = await opened.agent.get(f"{opened.path}/cases")
    assert '<option value="Fernhill Access">' in suggested.text


async def test_a_case_is_changed_closed_and_removed(opened: Opened, database: Database) -> None:
    case = await added(opened, database, expected_at=now() + timedelta(hours=3), notes="Wait")
    at = f"cases/{case.id}"
    page = await opened.agent.page(f"{opened.path}/{at}")
    fields = {field["name"] or "": field.get("value") or "" for field in page.all("input") if field.get("name")}
    assert fields["party"] == "Fernhill Access"
    same = {name: fields[name] for name in ("party", "number", "opened_at", "expected_at", "shown")}
    await opened.send(at, **same, kind="carrier", state="resolved", notes="Spliced")
    [changed] = await stored(opened)
    assert (changed.state, changed.notes, changed.expected_at) == ("resolved", "Spliced", case.expected_at)
    assert "Ines Duarte changed the case Fernhill Access: state, notes" in (await opened.page()).text
    refused = await opened.send(at, 409, **same, kind="carrier", state="open", notes="Mine")
    assert "changed this case meanwhile" in refused.text
    assert "Mine" in refused.text, "what was typed is kept"
    await opened.send(f"{at}/close")
    assert [each.state for each in await stored(opened)] == [CaseState.CLOSED]
    assert "Ines Duarte set the case Fernhill Access to closed" in (await opened.page()).text
    await opened.send(f"{at}/remove")
    assert await stored(opened) == []
    assert (await opened.agent.get(f"{opened.path}/{at}")).status_code == 404


async def test_what_breaks_a_rule_is_said_where_it_stands(opened: Opened, database: Database) -> None:
    await added(opened, database, number="FH-77")
    wrong = TYPED | {"contact_email": "nobody", "expected_at": "2026-02-01T08:00", "number": "FH-78"}
    refused = await opened.send("cases", 422, **wrong)
    for words in ("#contact_email", "#expected_at", "FH-78", "Splicing"):
        assert words in refused.text
    assert "#opened_at" in (await opened.send("cases", 422, **TYPED | {"opened_at": "soon"})).text
    assert "that of another case" in (await opened.send("cases", 409, **TYPED)).text
    assert len(await stored(opened)) == 1


async def test_a_held_ticket_names_its_case(opened: Opened, database: Database) -> None:
    case = await added(opened, database, number="FH-77")
    await added(opened, database, number="FH-1", state=CaseState.CLOSED)
    asked = (await opened.agent.get(f"{opened.path}/status?status=held")).text
    assert (f'value="{case.id}"' in asked, "FH-1<" in asked) == (True, False)
    held = {"status": "held", "shown": "in_progress", "waiting_reason": "third_party", "waiting_case": str(case.id)}
    await opened.send("status/facts", **held)
    waiting = (await opened.ticket()).waiting
    assert waiting is not None
    assert waiting.case is not None
    assert waiting.case.name == "Fernhill Access FH-77"
    page = await opened.page()
    assert "The ticket waits for it." in page.text
    assert "Third party, Fernhill Access FH-77" in page.text
    await opened.send(f"cases/{case.id}/remove")
    asked = (await opened.agent.get(f"{opened.path}/status")).text
    assert f'<option value="{case.id}" selected>Fernhill Access FH-77' in asked, "it stays readable"
    await opened.send("status/facts", status="held", shown="held", waiting_reason="third_party", waiting_case="")
    waiting = (await opened.ticket()).waiting
    assert waiting is not None
    assert waiting.case is None


async def test_a_finished_ticket_shows_its_cases_and_takes_no_new_one(opened: Opened, database: Database) -> None:
    case = await added(opened, database)
    await opened.send("status/facts", status="resolved", shown="in_progress")
    await opened.send("status", status="closed", shown="resolved")
    page = await opened.page()
    assert ("Fernhill Access" in page.text, "Add a case at a third party" in page.text) == (True, False)
    await opened.send(f"cases/{case.id}/close")
    assert (await opened.send("cases", 409, **TYPED)).text.count("Fernhill Access") > 0


async def test_nothing_that_was_typed_becomes_markup(opened: Opened) -> None:
    texts = dict.fromkeys(("party", "number", "contact_name", "notes"), HOSTILE)
    await opened.send("cases", **texts, contact_phone=HOSTILE[:60])
    [case] = await stored(opened)
    for path in (opened.path, f"{opened.path}/cases/{case.id}", f"{opened.path}/cases"):
        assert "<script>alert" not in (await opened.agent.get(path)).text
