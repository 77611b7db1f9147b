"""Tickets are found by the values of their own fields."""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest

from clearline.errors import InvalidInput
from clearline.fields import usecases as fields
from clearline.fields.domain import FieldAudience, FieldType, Option, RecordKind, RefersTo
from clearline.fields.usecases import definitions
from clearline.identity import OPERATOR
from clearline.inventory import usecases as inventory
from clearline.platform.database.transactions import Database, Tx
from clearline.search import usecases as search
from clearline.search.filters import suggestions
from clearline.search.list_usecases import count_queries, matching_numbers
from clearline.search.usecases import read_query
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import usecases as tickets
from tests.builders.catalogue.entries import published_catalogue
from tests.builders.house import no_fields
from tests.builders.people import NOW, Tenant
from tests.builders.search.index import follow, numbers_found
from tests.builders.tickets import raised

SEEN = {"visible_to": FieldAudience.CUSTOMER}
FIELDS: dict[str, dict[str, Any]] = {
    "po": {"type": FieldType.TEXT, **SEEN},
    "story": {"type": FieldType.LONG_TEXT},
    "latency": {"type": FieldType.INTEGER},
    "loss": {"type": FieldType.DECIMAL, **SEEN},
    "urgent": {"type": FieldType.BOOLEAN},
    "due": {"type": FieldType.DATE},
    "window": {"type": FieldType.DATETIME},
    "region": {"type": FieldType.CHOICE, "options": (Option("emea", "Europe"), Option("none", "Nowhere"))},
    "parts": {"type": FieldType.CHOICES, "options": (Option("optics", "Optics"), Option("fibre", "Fibre"))},
    "peer": {"type": FieldType.IP},
    "maker": {"type": FieldType.REFERENCE, "refers_to": RefersTo.COMPANY},
    "owner": {"type": FieldType.REFERENCE, "refers_to": RefersTo.USER, **SEEN},
}


class Desk(NamedTuple):
    database: Database
    tenant: Tenant
    full: int
    other: int
    empty: int


@pytest.fixture(scope="module")
async def desk(database: Database, tenant: Tenant) -> AsyncIterator[Desk]:
    await no_fields(database)
    user = tenant.actor.user
    assert user is not None
    first = {
        "po": "PO 4711", "story": "The optics were dirty", "latency": 25, "loss": 0.5, "urgent": True,
        "due": "2026-01-31", "window": "2026-01-31T23:59:59Z", "region": "emea", "parts": ["optics", "fibre"],
        "peer": "192.0.2.1", "maker": str(tenant.company.id), "owner": str(user.id),
    }  # fmt: skip
    second = {
        "po": "PO 4712", "latency": 20, "loss": -1.25, "urgent": False, "due": "2026-02-01",
        "window": "2026-02-01T00:00:00Z", "region": "none", "parts": ["fibre"],
    }  # fmt: skip
    async with database.transaction() as tx:
        for key, values in FIELDS.items():
            await fields.add_field(
                tx, OPERATOR, {"record": RecordKind.TICKET, "key": key, "label": key, **values}, now=NOW
            )
    async with database.transaction() as tx:
        numbers = [await raised(tx, tenant) for _ in range(3)]
        for number, given in zip(numbers, (first, second), strict=False):
            await ticket_changes.change_ticket(tx, OPERATOR, number, {"fields": given}, now=NOW)
    await follow(database)
    yield Desk(database, tenant, *numbers)
    await no_fields(database)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ('field.po:"PO 4711"', "full"),
        ("field.po:po", "full other"),
        ("field.po:4712", "other"),
        ("FIELD.po:PO", "full other"),
        ("4711", "full"),
        ("dirty", "full"),
        ("field.story:optics", "full"),
        ("field.story:any", "full"),
        ("field.story:none", "other empty"),
        ("-field.story:none", "full"),
        ("-field.po:4711", "other empty"),
        ("field.latency:25", "full"),
        ("field.latency:>20", "full"),
        ("field.latency:>=20", "full other"),
        ("field.latency:<25", "other"),
        ("field.latency:<=25", "full other"),
        ("field.latency:20..24", "other"),
        ("field.latency:..20", "other"),
        ("field.latency:21..", "full"),
        ("field.latency:20,25", "full other"),
        ("-field.latency:>20", "other empty"),
        ("field.latency:>20 field.latency:<30", "full"),
        ("field.latency:>20 slow", "full"),
        ("field.loss:>0", "full"),
        ("field.loss:<0", "other"),
        ("field.loss:<-1.25", ""),
        ("field.loss:-1.25", "other"),
        ("field.urgent:yes", "full"),
        ("field.urgent:false", "other"),
        ("field.due:>=2026-02-01", "other"),
        ("field.due:2026-01-31", "full"),
        ("field.window:2026-01-31", "full"),
        ("field.window:>2026-01-31", "other"),
        ("field.window:<2026-02-01", "full"),
        ("field.window:>=2026-02-01T00:00:00Z", "other"),
        ("field.window:<=2026-01-31T23:59:59Z", "full"),
        ("field.region:emea", "full"),
        ("field.region:none", "other"),
        ("field.region:emea,none", "full other"),
        ("field.region:any", "full other"),
        ("field.parts:optics", "full"),
        ("field.parts:fibre", "full other"),
        ("field.peer:192.0.2.1", "full"),
        ("field.maker:{code}", "full"),
        ("field.maker:{company}", "full"),
        ("field.owner:{email}", "full"),
        ("field.owner:{user}", "full"),
        ("field.po:any field.urgent:no", "other"),
    ],
)
async def test_tickets_are_found_by_a_value(desk: Desk, query: str, found: str) -> None:
    company, user = desk.tenant.company, desk.tenant.actor.user
    assert user is not None
    query = query.format(code=company.code, company=company.id, email=user.email, user=user.id)
    numbers = sorted(await numbers_found(desk.database, f"company:{company.code} {query}"))
    assert numbers == [getattr(desk, name) for name in found.split()]


@pytest.mark.parametrize(
    ("query", "rule"),
    [
        ("field.nope:1", r"has no filter field.nope: it must be one of field\.po, field\.story, field\.latency"),
        ("field.latency:fast", "has an unknown field.latency: it must be a whole number, or a span such as >20"),
        ("field.latency:>", "it must be a whole number"),
        ("field.due:2026-02-30", "it must be a date such as .*, or a span such as >=2026-01-01, or any or none"),
        ("field.window:2026-02-30", "it must be a day that there is"),
        ("field.region:apac", "has an unknown field.region: it must be the key of an option"),
        ("field.urgent:maybe", "it must be true or false"),
        ('field.po:""', "it must have a value"),
        ("field.owner:nobody@example.com", "it must be the id of a user"),
    ],
)
async def test_an_unknown_field_or_value_is_refused_with_what_is_right(desk: Desk, query: str, rule: str) -> None:
    with pytest.raises(InvalidInput, match=rule):
        await numbers_found(desk.database, query)


async def found_by_customer(desk: Desk, query: str) -> list[int]:
    async with desk.database.transaction() as tx:
        result = await search.find_tickets(tx, desk.tenant.actor, query, limit=50)
    return sorted(view.ticket.number for view in result.tickets)


async def test_a_customer_searches_by_the_fields_that_it_sees(desk: Desk) -> None:
    assert await found_by_customer(desk, "field.po:4711") == [desk.full]
    assert await found_by_customer(desk, "field.loss:>=0.5") == [desk.full]
    assert desk.tenant.actor.user is not None
    assert await found_by_customer(desk, f"field.owner:{desk.tenant.actor.user.email}") == [desk.full]
    refusals = []
    for name in ("latency", "nope"):
        with pytest.raises(InvalidInput) as refused:
            await found_by_customer(desk, f"field.{name}:20")
        refusals.append(str(refused.value).replace(name, "X"))
    assert refusals[0] == refusals[1]
    assert refusals[0].endswith("must be one of field.po, field.loss, field.owner")


async def test_a_search_by_values_alone_is_a_list_without_delay(desk: Desk) -> None:
    numbers = [desk.full, desk.other, desk.empty]
    async with desk.database.transaction() as tx:
        for query, found in {
            "field.latency:>20": {desk.full}, "field.loss:..0": {desk.other}, "field.region:emea": {desk.full},
            "field.parts:fibre": {desk.full, desk.other}, "field.urgent:true": {desk.full},
        }.items():  # fmt: skip
            assert await matching_numbers(tx, OPERATOR, query, numbers) == found, query
        for query in (
            "field.po:4711",
            "field.region:emea,none",
            "-field.latency:20",
            "field.latency:1 field.latency:2",
        ):
            assert await matching_numbers(tx, OPERATOR, query, numbers) is None, query
    mine = f"company:{desk.tenant.company.code}"
    queries = [f"{mine} field.latency:>20", f"{mine} field.po:po", f"{mine} status:open field.region:any"]
    counts = await count_queries(desk.database, OPERATOR, queries, seconds=5)
    assert [count and count.count for count in counts] == [1, 2, 2]


async def test_each_suggestion_is_the_start_of_a_filter(desk: Desk) -> None:
    async with desk.database.transaction() as tx:
        known = await definitions(tx)
        catalogue = published_catalogue()
        offered = suggestions(catalogue, known.shown(RecordKind.TICKET, for_staff=True), staff=True)
        assert {"field.region:emea", "field.urgent:true", "field.po:", "field.latency:"} <= {*offered}
        for text in offered:
            if text.startswith("field.") and not text.endswith(":"):
                assert await read_query(tx, OPERATOR, text)
        offered = suggestions(catalogue, known.shown(RecordKind.TICKET, for_staff=False), staff=False)
        assert [text for text in offered if "field." in text] == ["field.po:", "field.loss:", "field.owner:"]


async def test_the_key_of_a_purged_field_finds_nothing_of_it(database: Database, desk: Desk) -> None:
    async with database.transaction() as tx:
        gone = await _field(tx, "gone")
        await ticket_changes.change_ticket(tx, OPERATOR, desk.empty, {"fields": {"gone": "secret"}}, now=NOW)
    await follow(database)
    assert await numbers_found(database, "field.gone:secret") == [desk.empty]
    async with database.transaction() as tx:
        await fields.delete_field(tx, OPERATOR, gone, confirmed=1, now=NOW)
        with pytest.raises(InvalidInput, match=r"has no filter field\.gone"):
            await read_query(tx, OPERATOR, "field.gone:secret")
        await tx.write("delete from field where id = $1", gone)
        tx.changes_memory = True
    async with database.transaction() as tx:
        await _field(tx, "gone")
        assert (await tickets.get_ticket(tx, OPERATOR, desk.empty)).ticket.number == desk.empty
    assert await numbers_found(database, "field.gone:secret") == []


async def _field(tx: Tx, key: str) -> Any:
    values = {"record": RecordKind.TICKET, "key": key, "label": key, "type": FieldType.TEXT}
    return (await fields.add_field(tx, OPERATOR, values, now=NOW)).id


async def test_a_customer_finds_the_words_of_the_fields_that_it_sees_and_no_others(
    database: Database, desk: Desk
) -> None:
    assert await found_by_customer(desk, "4711") == [desk.full]
    assert await found_by_customer(desk, "47") == [desk.full, desk.other]
    assert await found_by_customer(desk, '"PO 4711"') == [desk.full]
    assert await found_by_customer(desk, '"4711 PO"') == []
    assert await found_by_customer(desk, "slow -4711") == [desk.other, desk.empty]
    hidden = ("dirty", "optics", "dirt", '"optics were"', "192.0.2.1")
    assert [await found_by_customer(desk, query) for query in hidden] == [[]] * len(hidden)
    everything = [desk.full, desk.other, desk.empty]
    assert [await found_by_customer(desk, f"slow -{query}") for query in hidden] == [everything] * len(hidden)
    mine = f"company:{desk.tenant.company.code}"
    assert [await numbers_found(database, f"{mine} {query}") for query in ("dirty", "4711")] == [[desk.full]] * 2


async def test_what_a_customer_finds_changes_at_once_with_what_it_sees(database: Database, desk: Desk) -> None:
    async with database.transaction() as tx:
        known = (await definitions(tx)).of(RecordKind.TICKET)
    for key, word, audience, found in (
        ("po", "4711", FieldAudience.STAFF, []),
        ("story", "dirty", FieldAudience.CUSTOMER, [desk.full]),
    ):
        before = known[key].visible_to
        async with database.transaction() as tx:
            await fields.change_field(tx, OPERATOR, known[key].id, {"visible_to": audience}, now=NOW)
        assert await found_by_customer(desk, word) == found
        async with database.transaction() as tx:
            await fields.change_field(tx, OPERATOR, known[key].id, {"visible_to": before}, now=NOW)


async def test_tickets_are_found_by_the_own_fields_of_their_service(database: Database, desk: Desk) -> None:
    values: dict[str, dict[str, Any]] = {"cross": SEEN, "rack": {}}
    async with database.transaction() as tx:
        for key, more in values.items():
            new = {"record": RecordKind.SERVICE, "key": key, "label": key, "type": FieldType.TEXT, **more}
            await fields.add_field(tx, OPERATOR, new, now=NOW)
    async with database.transaction() as tx:
        given = {"fields": {"cross": "XC-20417", "rack": "Zebrawood"}}
        await inventory.change_service(tx, OPERATOR, desk.tenant.company.id, "SVC-1", given, now=NOW)
    await follow(database)
    everything = [desk.full, desk.other, desk.empty]
    mine = f"company:{desk.tenant.company.code}"
    for word, for_customer in (("XC-20417", everything), ("zebrawood", [])):
        assert sorted(await numbers_found(database, f"{mine} {word}")) == everything
        assert await found_by_customer(desk, word) == for_customer
    async with database.transaction() as tx:
        cleared = {"fields": {"cross": None, "rack": None}}
        await inventory.change_service(tx, OPERATOR, desk.tenant.company.id, "SVC-1", cleared, now=NOW)
    await follow(database)
    assert await found_by_customer(desk, "XC-20417") == []
