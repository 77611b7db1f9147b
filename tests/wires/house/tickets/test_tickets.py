from datetime import datetime
from uuid import uuid4

import httpx
import pytest

from clearline.identity import Role
from clearline.platform.database.transactions import Database
from tests.builders.house import ANY, TICKETS, UNKNOWN_ID, Json, new_ticket, order, patch_ticket, pointers, problem
from tests.builders.people import Tenant, id_of, new_person, staff_key
from tests.builders.queues import new_queue

UNKNOWN = "INC999999999999"


@pytest.fixture(scope="module")
async def viewer(database: Database) -> dict[str, str]:
    return await staff_key(database, Role.VIEWER)


def expected_ticket(tenant: Tenant, created: Json, **members: object) -> Json:
    """Return the ticket that ``order()`` creates, as its customer sees it; ``members`` replace the defaults."""
    usual: Json = {
        "number": created["number"],
        "company": {"id": str(tenant.company.id), "name": tenant.company.name, "code": tenant.company.code},
        "title": "Port down",
        "description": "No light since 08:00 UTC",
        "status": "acknowledged",
        "issue_type": "Circuit Down",
        "service": {"id": "SVC-1", "type": "Port", "label": "Service 1"},
        "severity": "extensive",
        "impact": "down",
        "priority": "critical",
        "asked": {"severity": None, "priority": None},
        "contact": {"name": "Ada Okoro", "phone": "+1-555-0199", "email": tenant.user.email},
        "channel": "API",
        "external_ids": {},
        "fields": {},
        "merged_into": None,
        "created_at": created["created_at"],
        "updated_at": created["created_at"],
        "status_changed_at": created["created_at"],
        "resolved_at": None,
        "sub_status": None,
        "waiting": None,
        "closure": None,
        **dict.fromkeys(("occurred_at", "detected_by", "intermittent", "observed_impact", "service_end", "path_state")),
        **dict.fromkeys(("testing_consent", "testing_hours", "dispatch_allowed", "site_access")),
        "version": 1,
        "contacts": [],
        "cc": [],
    }
    return usual | members


async def test_a_new_ticket_is_returned_completely_and_can_be_read_at_its_location(
    client: httpx.AsyncClient, tenant: Tenant, agent: dict[str, str]
) -> None:
    created = await client.post(TICKETS, headers=tenant.headers, json=order())
    body = created.json()
    assert created.status_code == 201
    assert body == expected_ticket(tenant, body)
    assert created.headers["location"] == f"{TICKETS}/{body['number']}"
    assert created.headers["cache-control"] == "no-store"
    read = await client.get(created.headers["location"], headers=tenant.headers)
    assert (read.status_code, read.content) == (200, created.content)
    assert read.headers["cache-control"] == "private, no-cache"
    assert read.headers["vary"] == "Authorization"
    assert datetime.fromisoformat(body["created_at"]).tzinfo is not None
    assert body["created_at"].endswith("Z")
    for_staff = (await client.get(created.headers["location"], headers=agent)).json()
    staffs: Json = {
        "queue": None,
        "assignee": None,
        "tags": [],
        "reminder": None,
        "is_chronic": False,
        "suggested_cc": [],
        "cases": [],
    }
    assert for_staff == expected_ticket(tenant, body, **staffs)


async def test_every_member_of_a_new_ticket_is_stored(client: httpx.AsyncClient, tenant: Tenant) -> None:
    members = {
        "title": " Title\u00e9 ",
        "contact": {"name": "Lena Brandt", "phone": "", "email": "lena@example.org"},
        "asked": {"severity": "minor", "priority": "low"},
        "external_ids": {"snow": "INC0042", "jira.cloud": "NET-7"},
        "channel": "Phone",
        "service": {"id": "their own router", "type": "Non-Console Service"},
    }
    created = await new_ticket(client, tenant, **members)
    service = {**members["service"], "label": None}  # type: ignore[dict-item]
    assert created == expected_ticket(tenant, created, **{**members, "service": service})


@pytest.mark.parametrize("named", ["code", "name", "id"])
async def test_the_staff_raise_tickets_for_a_customer_by_code_name_or_id(
    client: httpx.AsyncClient, tenant: Tenant, agent: dict[str, str], named: str
) -> None:
    answer = await client.post(
        TICKETS, headers=agent, json=order(company=str(getattr(tenant.company, named)), tags=["BGP", "a", "A"])
    )
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body["company"]["code"] == tenant.company.code
    assert body["contact"]["name"] == "Mara agent"
    assert body["tags"] == ["a", "bgp"]
    assert (await client.get(answer.headers["location"], headers=tenant.headers)).status_code == 200


@pytest.mark.parametrize("company", [None, "nobody", UNKNOWN_ID, "PROVIDER"])
async def test_the_staff_must_name_a_customer(
    client: httpx.AsyncClient, agent: dict[str, str], company: str | None
) -> None:
    body = order(service={"id": "x", "type": "Non-Console Service"}) | ({"company": company} if company else {})
    assert pointers(await client.post(TICKETS, headers=agent, json=body)) == ["/company"]


async def test_a_customer_raises_tickets_only_for_itself(
    client: httpx.AsyncClient, tenant: Tenant, other_tenant: Tenant
) -> None:
    for company in (other_tenant.company.code, str(other_tenant.company.id), "PROVIDER", "nobody"):
        answer = await client.post(TICKETS, headers=tenant.headers, json=order(company=company))
        assert pointers(answer) == ["/company"]
        assert answer.json()["detail"] == "company must be the code, name or id of a customer"
    assert (await new_ticket(client, tenant, company=tenant.company.code))["company"]["code"] == tenant.company.code


async def test_a_customer_sets_no_tags(client: httpx.AsyncClient, tenant: Tenant) -> None:
    problem(await client.post(TICKETS, headers=tenant.headers, json=order(tags=["mine"])), "forbidden")
    number = (await new_ticket(client, tenant))["number"]
    problem(await client.post(f"{TICKETS}/{number}/tags", headers=tenant.headers, json={"add": ["x"]}), "forbidden")


@pytest.mark.parametrize(
    ("members", "wrong"),
    [
        ({"title": ""}, ["/title"]),
        ({"title": "x" * 256}, ["/title"]),
        ({"title": None}, ["/title"]),
        ({"title": "\x00"}, ["/title"]),
        ({"issue_type": "Fire"}, ["/issue_type"]),
        ({"service": {"id": "SVC-1", "type": "Fax"}}, ["/service/type"]),
        ({"service": {"id": "SVC-1"}}, ["/service/type"]),
        ({"service": {"id": "SVC-404", "type": "Port"}}, ["/service/id"]),
        ({"service": {"id": "SVC-1", "type": "CloudRouter"}}, ["/service/type"]),
        ({"contact": {"name": "", "phone": "x" * 65, "email": "nobody"}}, ["/contact/name", "/contact/phone",
          "/contact/email"]),
        ({"asked": {"severity": "bad"}}, ["/asked/severity"]),
        ({"external_ids": {"a": ""}}, ["/external_ids/a"]),
        ({"external_ids": {"a.b/c~d": 7}}, ["/external_ids/a.b~1c~0d"]),
        ({"external_ids": {f"s{index}": "x" for index in range(21)}}, ["/external_ids"]),
        ({"tags": ["ok", "no blanks"]}, ["/tags/1"]),
        ({"tags": "a"}, ["/tags"]),
        ({"channel": "System"}, ["/channel"]),
        ({"queue": "x"}, ["/queue"]),
        ({"a.b": 1}, ["/a.b"]),
    ],
)  # fmt: skip
async def test_every_invalid_member_is_named_by_its_pointer(
    client: httpx.AsyncClient, tenant: Tenant, members: Json, wrong: list[str]
) -> None:
    assert pointers(await client.post(TICKETS, headers=tenant.headers, json=order(**members))) == wrong


PATCHES: dict[str, tuple[Json, Json]] = {
    "title": ({"title": "New"}, {"title": "New"}),
    "issue_type": ({"issue_type": "Others"}, {"issue_type": "Others"}),
    "assessment": (
        {"severity": "minor", "impact": "degraded", "priority": "low"},
        {"severity": "minor", "impact": "degraded", "priority": "low"},
    ),
    "contact": (
        {"contact": {"name": "Ana", "phone": "", "email": "ana@example.org"}},
        {"contact": {"name": "Ana", "phone": "", "email": "ana@example.org"}},
    ),
    "one voice": ({"asked": {"severity": "minor"}}, {"asked": {"severity": "minor", "priority": "high"}}),
    "both voices": (
        {"asked": {"severity": "minor", "priority": None}},
        {"asked": {"severity": "minor", "priority": None}},
    ),
    "no voice": ({"asked": {}}, {}),
    "voices taken back": ({"asked": None}, {"asked": {"severity": None, "priority": None}}),
    "a phone": (
        {"contact": {"phone": "+1-555-0142"}},
        {"contact": {"name": "Lena", "phone": "+1-555-0142", "email": "lena@example.org"}},
    ),
    "no member of the contact": ({"contact": {}}, {}),
    "no numbers": ({"external_ids": None}, {"external_ids": {}}),
    "numbers": (
        {"external_ids": {"snow": None, "jira": "NET-7", "none": None}},
        {"external_ids": {"jira": "NET-7", "old": "1"}},
    ),
    "tags": ({"tags": ["B", "a"]}, {"tags": ["a", "b"]}),
    "no tags": ({"tags": []}, {}),
    "nothing": ({}, {}),
    "the same": ({"title": "Port down", "queue": None, "assignee": None}, {}),
}
FOR_CUSTOMERS = {
    name for name, (members, _) in PATCHES.items() if members.keys() <= {"contact", "asked", "external_ids"}
}


@pytest.mark.parametrize("role", ["agent", "customer", "viewer"])
@pytest.mark.parametrize("name", PATCHES)
async def test_a_merge_patch_changes_only_the_given_members(
    client: httpx.AsyncClient, tenant: Tenant, agent: dict[str, str], viewer: dict[str, str], name: str, role: str
) -> None:
    members, changed = PATCHES[name]
    contact = {"name": "Lena", "phone": "+1-555-0100", "email": "lena@example.org"}
    created = await new_ticket(
        client, tenant, contact=contact, asked={"priority": "high"}, external_ids={"snow": "X", "old": "1"}
    )
    path = f"{TICKETS}/{created['number']}"
    before = (await client.get(path, headers=agent)).json()
    headers = {"agent": agent, "customer": tenant.headers, "viewer": viewer}[role]
    answer = await patch_ticket(client, headers, created["number"], members)
    after = (await client.get(path, headers=agent)).json()
    if role == "viewer":
        assert problem(answer, "scope-missing")["detail"] == "the API key lacks the scope tickets:write"
        assert after == before
    elif role == "customer" and name not in FOR_CUSTOMERS:
        problem(answer, "forbidden")
        assert after == before
    else:
        assert answer.status_code == 200, answer.text
        assert answer.content == (await client.get(path, headers=headers)).content
        assert after == before | changed | {
            "version": before["version"] + bool(changed),
            "updated_at": after["updated_at"],
        }
        assert (after["updated_at"] == before["updated_at"]) is not bool(changed)


@pytest.mark.parametrize(
    ("members", "wrong"),
    [
        ({"title": None}, ["/title"]),
        ({"contact": None}, ["/contact"]),
        ({"contact": {"name": "", "phone": None}}, ["/contact/name", "/contact/phone"]),
        ({"contact": {"address": "x"}}, ["/contact/address"]),
        ({"asked": {"severity": 1}}, ["/asked/severity"]),
        ({"tags": None}, ["/tags"]),
        ({"tags": ["a", "-"]}, ["/tags/1"]),
        ({"tags": ["a\n"]}, ["/tags/0"]),
        ({"external_ids": {"": "x"}}, ["/external_ids/"]),
        ({"external_ids": {"a.b": "x" * 256}}, ["/external_ids/a.b"]),
        ({"external_ids": {f"s{index}": "x" for index in range(21)}}, ["/external_ids"]),
        ({"queue": "x"}, ["/queue"]),
        ({"queue": str(uuid4())}, ["/queue"]),
        ({"assignee": "you"}, ["/assignee"]),
        ({"assignee": str(uuid4())}, ["/assignee"]),
        ({"status": "closed"}, ["/status"]),
        ({"description": "x"}, ["/description"]),
        ({"number": UNKNOWN, "version": 7}, ["/number", "/version"]),
    ],
)
async def test_every_invalid_member_of_a_patch_is_named_by_its_pointer(
    client: httpx.AsyncClient, tenant: Tenant, agent: dict[str, str], members: Json, wrong: list[str]
) -> None:
    created = await new_ticket(client, tenant)
    assert pointers(await patch_ticket(client, agent, created["number"], members)) == wrong
    assert (await client.get(f"{TICKETS}/{created['number']}", headers=tenant.headers)).json() == created


async def test_the_refusal_lists_the_members_that_a_customer_may_not_set(
    client: httpx.AsyncClient, tenant: Tenant
) -> None:
    created = await new_ticket(client, tenant)
    answer = await patch_ticket(
        client, tenant.headers, created["number"], {"title": "x", "queue": None, "assignee": None}
    )
    detail = problem(answer, "forbidden")["detail"]
    assert detail == "only the provider's people may set assignee, queue, title"


async def test_queue_and_assignee_are_set_and_removed(
    client: httpx.AsyncClient, tenant: Tenant, agent: dict[str, str], database: Database
) -> None:
    number = (await new_ticket(client, tenant))["number"]
    async with database.transaction() as tx:
        queue, assignee = (await new_queue(tx)).queue, await new_person(tx)
    assigned = (
        await patch_ticket(client, agent, number, {"queue": str(queue.id), "assignee": str(id_of(assignee))})
    ).json()
    assert assigned["queue"] == {"id": str(queue.id), "name": queue.name}
    assert assigned["assignee"] == {"id": str(id_of(assignee)), "name": "Ben Ito"}
    own = (await patch_ticket(client, agent, number, {"assignee": "me"})).json()
    assert own["assignee"]["name"] == "Mara agent"
    reset = (await patch_ticket(client, agent, number, {"assignee": None, "queue": None})).json()
    assert (reset["assignee"], reset["queue"]) == (None, None)


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, ["/status"]),
        ({"status": "gone"}, ["/status"]),
        ({"status": "held", "reason": "x" * 1001}, ["/reason"]),
        ({"status": "held", "why": "x"}, ["/why"]),
    ],
)
async def test_an_invalid_status_change_is_named_by_its_pointer(
    client: httpx.AsyncClient, tenant: Tenant, agent: dict[str, str], body: Json, wrong: list[str]
) -> None:
    path = f"{TICKETS}/{(await new_ticket(client, tenant))['number']}/status"
    assert pointers(await client.post(path, headers=agent, json=body)) == wrong


async def test_tags_are_added_and_removed(client: httpx.AsyncClient, tenant: Tenant, agent: dict[str, str]) -> None:
    path = f"{TICKETS}/{(await new_ticket(client, tenant))['number']}/tags"
    for body, tags in (
        ({"add": ["B", "a"]}, ["a", "b"]),
        ({"add": ["c"], "remove": ["A", "x"]}, ["b", "c"]),
        ({}, ["b", "c"]),
    ):
        answer = await client.post(path, headers=agent, json=body)
        assert (answer.status_code, answer.json()["tags"]) == (200, tags)
    assert pointers(await client.post(path, headers=agent, json={"add": ["ok", ""], "remove": 1})) == [
        "/add/1",
        "/remove",
    ]


REACHED = [
    ("GET", "", None),
    ("PATCH", "", {"title": "x"}),
    ("POST", "/status", {"status": "held"}),
    ("POST", "/tags", {"add": ["x"]}),
    ("GET", "/history", None),
    ("GET", "/notes", None),
    ("POST", "/notes", {"text": "x"}),
    ("GET", "/notes/WLG000000000001", None),
]


@pytest.mark.parametrize(("method", "suffix", "body"), REACHED)
async def test_another_companys_ticket_is_answered_like_a_missing_one(
    client: httpx.AsyncClient, tenant: Tenant, other_tenant: Tenant, method: str, suffix: str, body: Json | None
) -> None:
    number = (await new_ticket(client, tenant))["number"]
    headers = {**other_tenant.headers, **ANY, "X-Request-Id": "same"}
    before = (await client.get(f"{TICKETS}/{number}", headers=tenant.headers)).content
    for key in ({}, {"Idempotency-Key": "again"}):
        foreign, unknown = [
            await client.request(method, f"{TICKETS}/{target}{suffix}", headers=headers | key, json=body)
            for target in (number, UNKNOWN)
        ]
        problem(foreign, "not-found")
        assert foreign.content == unknown.content.replace(UNKNOWN.encode(), number.encode())
        assert foreign.headers.raw == unknown.headers.raw
    assert (await client.get(f"{TICKETS}/{number}", headers=tenant.headers)).content == before


@pytest.mark.parametrize("number", ["INC1", "inc000000000001", "x", "INC00000000000\u0661", "INC000000000001%C2%A0"])
@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "k"}], ids=["plain", "idempotent"])
async def test_a_malformed_ticket_number_is_not_found(
    client: httpx.AsyncClient, tenant: Tenant, number: str, key: dict[str, str]
) -> None:
    problem(await client.get(f"{TICKETS}/{number}", headers=tenant.headers), "not-found")
    answer = await client.post(f"{TICKETS}/{number}/notes", headers=tenant.headers | key, json={"text": "x"})
    problem(answer, "not-found")
