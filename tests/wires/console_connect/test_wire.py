"""The operations of the Console Connect wire, with complete bodies."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from clearline.platform.database.transactions import Database
from clearline.tickets.domain import Status
from clearline.wires.console_connect import errors
from tests.builders.console_connect import (
    PREFIXES,
    TICKETS,
    assert_fault,
    close_ticket,
    fault,
    list_all,
    move,
    order,
    raise_ticket,
    symptoms,
    ticket_body,
    worklog,
)
from tests.builders.people import Tenant, new_tenant

UNKNOWN_SERVICE = "service.id must be one of your company's services, or service.type Non-Console Service"


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_a_new_ticket_is_returned_completely(client: httpx.AsyncClient, tenant: Tenant, prefix: str) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    answer = await client.post(f"{prefix}/support-tickets", headers=tenant.headers, json=order())
    assert answer.status_code == 200
    body = answer.json()
    assert body["id"].startswith("INC")
    assert len(body["id"]) == 15
    created = datetime.strptime(body["creationDate"], "%Y-%m-%dT%H:%M:%S.%f%z")
    assert body["creationDate"].endswith("+0000")
    assert before <= created <= datetime.now(UTC)
    assert body == ticket_body(tenant, body["id"], body["creationDate"])
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers


async def test_the_members_of_a_ticket_have_the_documented_order(client: httpx.AsyncClient, tenant: Tenant) -> None:
    body = await raise_ticket(client, tenant)
    assert list(body) == list(ticket_body(tenant, "", ""))


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_a_ticket_contains_its_notes_oldest_first(client: httpx.AsyncClient, tenant: Tenant, prefix: str) -> None:
    raised = await raise_ticket(client, tenant)
    path = f"{prefix}/support-tickets/{raised['id']}"
    for text in ("first", "second"):
        await client.post(f"{path}/addNote", headers=tenant.headers, json={"noteText": text})
    answer = await client.get(path, headers=tenant.headers)
    assert answer.status_code == 200
    notes = answer.json()["notes"]
    numbers = [int(note["worklogId"][3:]) for note in notes[3:]]
    assert numbers == sorted(numbers)
    expected = [*symptoms("Circuit Down", "Port"), worklog(numbers[0], "first"), worklog(numbers[1], "second")]
    assert answer.json() == ticket_body(tenant, raised["id"], raised["creationDate"], notes=expected)
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["vary"] == "Authorization"


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_the_services_are_listed_by_type_and_label(
    client: httpx.AsyncClient, tenant: Tenant, prefix: str
) -> None:
    answer = await client.get(f"{prefix}/support-tickets/services", headers=tenant.headers)
    assert answer.status_code == 200
    assert sorted(answer.json(), key=lambda service: str(service["value"])) == [
        {"type": "Port", "value": "SVC-1", "label": "Service 1"},
        {"type": "CloudRouter", "value": "SVC-2", "label": "Service 2"},
        {"type": "Internet on Demand", "value": "SVC-3", "label": "Service 3"},
        {"type": "Connection (L2)", "value": "SVC-4", "label": "Service 4"},
    ]


@pytest.mark.parametrize("path", ["/auth/token", "/api/auth/token"])
async def test_the_token_describes_the_user_and_company_of_the_key(
    client: httpx.AsyncClient, tenant: Tenant, path: str
) -> None:
    answer = await client.get(path, headers=tenant.headers)
    assert answer.status_code == 200
    assert answer.json() == {
        "id": str(tenant.user.id),
        "name": tenant.user.name,
        "email": tenant.user.email,
        "companies": [
            {"id": str(tenant.company.id), "name": tenant.company.name, "username": tenant.company.code},
        ],
    }
    assert answer.headers["cache-control"] == "no-store"


async def test_the_token_needs_no_scope_beyond_a_valid_key(client: httpx.AsyncClient, database: Database) -> None:
    reader = await new_tenant(database, scopes=frozenset({"tickets:read"}))
    assert (await client.get("/auth/token", headers=reader.headers)).status_code == 200


async def test_all_invalid_members_are_named_in_one_message(client: httpx.AsyncClient, tenant: Tenant) -> None:
    body = {
        "name": "",
        "description": 7,
        "issueType": "Fire",
        "service": {"id": "SVC-404", "type": "Port"},
        "customerContact": {"name": "Ada", "email": "nowhere"},
    }
    message = assert_fault(await client.post(TICKETS, headers=tenant.headers, json=body), 400)
    assert message == (
        "Support Ticket is invalid: name must have 1 to 255 characters; description must be a string; issueType must "
        "be one of Application, Circuit Down, Circuit Flapping, Circuit taking errors, High Latency, Operational "
        "Request, Others, Packet Loss/Drops, Request Reason of Outage, Slow Response, Unstable; "
        "customerContact.phone is required; customerContact.email must be an e-mail address of at most 254 "
        f"characters; {UNKNOWN_SERVICE}."
    )


async def test_the_refusal_of_an_empty_object_lists_the_required_members(
    client: httpx.AsyncClient, tenant: Tenant
) -> None:
    answer = await client.post(TICKETS, headers=tenant.headers, json={})
    assert answer.json() == fault(
        400,
        "Support Ticket is invalid: name is required; description is required; issueType is required; "
        "service is required.",
    )


async def test_an_unknown_service_is_refused(client: httpx.AsyncClient, tenant: Tenant) -> None:
    body = order(service={"id": "SVC-404", "type": "Port"})
    answer = await client.post(TICKETS, headers=tenant.headers, json=body)
    assert answer.status_code == 400
    assert answer.json() == fault(400, f"Support Ticket is invalid: {UNKNOWN_SERVICE}.")


async def test_a_service_of_another_type_is_refused(client: httpx.AsyncClient, tenant: Tenant) -> None:
    body = order(service={"id": "SVC-2", "type": "Port"})
    answer = await client.post(TICKETS, headers=tenant.headers, json=body)
    assert answer.status_code == 400
    assert answer.json() == fault(
        400, "Support Ticket is invalid: service.type must be CloudRouter, the type of service SVC-2."
    )


@pytest.mark.parametrize("service_id", ["anything at all", "SVC-1", "x" * 64, "機器 #9"])
async def test_a_non_console_service_may_have_any_id(
    client: httpx.AsyncClient, tenant: Tenant, service_id: str
) -> None:
    body = await raise_ticket(client, tenant, service={"id": service_id, "type": "Non-Console Service"})
    notes = symptoms("Circuit Down", "Non-Console Service", "Non-Console")
    assert body == ticket_body(tenant, body["id"], body["creationDate"], notes=notes)


async def test_the_contact_of_the_body_is_stored(client: httpx.AsyncClient, tenant: Tenant) -> None:
    contact = {"name": "Grace", "phone": "", "email": "grace@example.com"}
    body = await raise_ticket(client, tenant, customerContact=contact)
    assert body == ticket_body(tenant, body["id"], body["creationDate"], relatedParty=[contact])


async def test_without_a_contact_the_user_is_the_contact(client: httpx.AsyncClient, tenant: Tenant) -> None:
    body = await raise_ticket(client, tenant, customerContact=None)
    assert body == ticket_body(tenant, body["id"], body["creationDate"])


async def test_unknown_members_are_ignored(client: httpx.AsyncClient, tenant: Tenant) -> None:
    body = await raise_ticket(
        client, tenant, status="Closed", id="INC000000000001", service={"id": "SVC-1", "type": "Port", "label": "x"}
    )
    assert body == ticket_body(tenant, body["id"], body["creationDate"])


@pytest.mark.parametrize("member", ["name", "description"])
async def test_the_nul_character_is_refused(client: httpx.AsyncClient, tenant: Tenant, member: str) -> None:
    answer = await client.post(TICKETS, headers=tenant.headers, json=order(**{member: "a\x00b"}))
    assert answer.status_code == 400
    assert answer.json() == fault(
        400, f"Support Ticket is invalid: {member} must not contain the NUL character or lone surrogates."
    )


@pytest.mark.parametrize(("member", "most"), [("name", 255), ("description", 32_000)])
async def test_text_may_have_the_documented_length(
    client: httpx.AsyncClient, tenant: Tenant, member: str, most: int
) -> None:
    longest = "\N{GRINNING FACE}" * most
    assert (await raise_ticket(client, tenant, **{member: longest}))[member] == longest
    answer = await client.post(TICKETS, headers=tenant.headers, json=order(**{member: longest + "x"}))
    assert answer.json() == fault(400, f"Support Ticket is invalid: {member} must have 1 to {most} characters.")


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_adding_a_note_returns_the_complete_ticket(
    client: httpx.AsyncClient, tenant: Tenant, prefix: str
) -> None:
    raised = await raise_ticket(client, tenant)
    path = f"{prefix}/support-tickets/{raised['id']}/addNote"
    answer = await client.post(path, headers=tenant.headers, json={"noteText": "Still down", "extra": 1})
    assert answer.status_code == 200
    number = int(answer.json()["notes"][-1]["worklogId"][3:])
    notes = [*symptoms("Circuit Down", "Port"), worklog(number, "Still down")]
    assert answer.json() == ticket_body(tenant, raised["id"], raised["creationDate"], notes=notes)
    assert answer.headers["cache-control"] == "no-store"


async def test_a_note_of_4000_characters_is_stored(client: httpx.AsyncClient, tenant: Tenant) -> None:
    raised = await raise_ticket(client, tenant)
    text = "\N{SNOWMAN}" * 4000
    answer = await client.post(f"{TICKETS}/{raised['id']}/addNote", headers=tenant.headers, json={"noteText": text})
    assert answer.status_code == 200
    assert answer.json()["notes"][-1]["text"] == text


@pytest.mark.parametrize(
    "body",
    [{"noteText": text} for text in ("x" * 4001, "", " ", "\x1b\x7f", "\t\r\n \u3000", "a\x00", 7, None, ["x"])]
    + [{}, {"text": "x"}],
    ids=lambda body: str(body)[:24].encode("unicode_escape").decode(),
)
async def test_a_note_without_valid_text_gets_the_documented_error(
    client: httpx.AsyncClient, tenant: Tenant, body: dict[str, object]
) -> None:
    raised = await raise_ticket(client, tenant)
    path = f"{TICKETS}/{raised['id']}"
    answer = await client.post(f"{path}/addNote", headers=tenant.headers, json=body)
    assert answer.status_code == 400
    assert answer.json() == fault(400, errors.NOTE_INVALID)
    assert (await client.get(path, headers=tenant.headers)).json() == raised


@pytest.mark.parametrize(
    ("moves", "shown"),
    [
        ((Status.IN_PROGRESS, Status.RESOLVED, Status.CLOSED), "Closed"),
        ((Status.CANCELLED,), "Cancelled"),
        ((Status.REJECTED,), "Rejected"),
    ],
)
async def test_a_finished_ticket_accepts_no_notes(
    client: httpx.AsyncClient, tenant: Tenant, database: Database, moves: tuple[Status, ...], shown: str
) -> None:
    raised = await raise_ticket(client, tenant)
    path = f"{TICKETS}/{raised['id']}"
    await move(database, raised["id"], *moves)
    answer = await client.post(f"{path}/addNote", headers=tenant.headers, json={"noteText": "too late"})
    assert answer.status_code == 400
    assert answer.json() == fault(400, f"Support Ticket: a ticket that is {shown.lower()} takes nothing more.")
    assert (await client.get(path, headers=tenant.headers)).json() == raised | {"status": shown}


async def test_a_closed_ticket_is_in_the_closed_list(
    client: httpx.AsyncClient, tenant: Tenant, database: Database
) -> None:
    raised = await raise_ticket(client, tenant)
    assert raised in await list_all(client, tenant)
    await close_ticket(database, raised["id"])
    assert raised["id"] not in [ticket["id"] for ticket in await list_all(client, tenant)]
    assert raised | {"status": "Closed"} in await list_all(client, tenant, "closed")


@pytest.mark.parametrize(
    "number",
    ["7", "INC1", "inc000000000001", "INC0000000000012", "INC00000000000x", "INC" + "\N{ARABIC-INDIC DIGIT ONE}" * 12],
)
async def test_a_malformed_id_is_invalid(client: httpx.AsyncClient, tenant: Tenant, number: str) -> None:
    expected = fault(400, f"Support Ticket: {number} is not valid.")
    read = await client.get(f"{TICKETS}/{number}", headers=tenant.headers)
    noted = await client.post(f"{TICKETS}/{number}/addNote", headers=tenant.headers, json={"noteText": "x"})
    assert (read.status_code, read.json()) == (400, expected)
    assert (noted.status_code, noted.json()) == (400, expected)


async def test_unknown_and_foreign_ids_get_the_same_response(
    client: httpx.AsyncClient, tenant: Tenant, other_tenant: Tenant
) -> None:
    foreign = (await raise_ticket(client, other_tenant))["id"]
    for number in ("INC999999999999", foreign):
        expected = fault(404, f"Support Ticket: {number} does not exist.")
        read = await client.get(f"{TICKETS}/{number}", headers=tenant.headers)
        noted = await client.post(f"{TICKETS}/{number}/addNote", headers=tenant.headers, json={"noteText": "x"})
        assert (read.status_code, read.json()) == (404, expected)
        assert (noted.status_code, noted.json()) == (404, expected)
