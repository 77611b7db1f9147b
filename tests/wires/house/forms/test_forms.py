"""Forms over HTTP: an admin defines them, and the schema accepts what the API accepts."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import jsonschema_rs
import pytest

from clearline.platform.database.transactions import Database
from clearline.wires.house.tickets.wire import TicketIn
from tests.builders.console_connect import raise_ticket
from tests.builders.house import (
    ANY,
    TICKETS,
    Headers,
    Json,
    add_field,
    no_fields,
    no_forms,
    order,
    problem,
)
from tests.builders.people import Tenant

FORM = "/api/v1/forms/Circuit Down"
DEFINITION = "/api/v1/form-definitions/Circuit Down"
CUSTOMER = {"visible_to": "customer", "edited_by": "customer"}
REGIONS = [{"key": "emea", "label": "Europe", "label_de": "Europa"}, {"key": "apac", "label": "Asia"}]
FIELDS: list[Json] = [
    {"name": "title"},
    {"name": "description"},
    {"name": "occurred_at", "required": True},
    {"name": "dispatch_allowed"},
    {"name": "site_access", "required": True, "when": {"field": "dispatch_allowed", "values": [True]}},
    {"name": "testing_consent"},
    {"name": "fields.region"},
    {"name": "fields.circuit", "when": {"field": "fields.region", "values": ["emea"]}},
    {"name": "fields.sides", "required": True, "when": {"field": "fields.circuit", "values": []}},
    {"name": "asked.priority", "when": {"field": "fields.sides", "values": ["a"]}},
    {"name": "contacts", "required": True, "when": {"field": "asked.priority", "values": ["critical"]}},
    {"name": "cc", "when": {"field": "contacts", "values": []}},
]
BEGAN = {"occurred_at": "2026-03-01T02:00:00Z"}
CONTACT = {"roles": ["on_duty"], "name": "Ada", "phone": "+1-555-0100"}
ASIA = {"fields": {"region": "apac"}}


@pytest.fixture(autouse=True)
async def without_others(database: Database) -> AsyncIterator[None]:
    """Leave no form and no field behind."""
    await no_fields(database)
    await no_forms(database)
    yield
    await no_forms(database)
    await no_fields(database)


@pytest.fixture
async def defined(client: httpx.AsyncClient, admin: Headers) -> Json:
    """Return the definition of a form with many conditions."""
    await add_field(client, admin, "region", type="choice", options=REGIONS, default="emea", **CUSTOMER)
    await add_field(client, admin, "circuit", minimum=3, maximum=8, label_de="Leitung", help="As billed", **CUSTOMER)
    await add_field(client, admin, "sides", type="choices", options=[
        {"key": "a", "label": "A"}, {"key": "z", "label": "Z"},
    ], **CUSTOMER)  # fmt: skip
    answer = await client.put(DEFINITION, headers={**admin, **ANY}, json={"fields": FIELDS})
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    return body


def details(answer: httpx.Response) -> dict[str, str]:
    """Return what is wrong with each member."""
    return {error["pointer"]: error["detail"] for error in problem(answer, "invalid-input")["errors"]}


def full(field: Json) -> Json:
    """Return a field as the API answers it."""
    name = field["name"]
    required = field.get("required", False) or name in {"title", "description"}
    return {"name": name, "required": required, "when": field.get("when")}


async def test_an_admin_defines_reads_replaces_and_deletes_a_form(
    client: httpx.AsyncClient, admin: Headers, agent: Headers, defined: Json
) -> None:
    assert defined == {
        "issue_type": "Circuit Down", "audience": "customer", "is_default": False, "fields": list(map(full, FIELDS)),
    }  # fmt: skip
    read = await client.get(DEFINITION, headers=agent)
    assert read.json() == defined
    assert (await client.get("/api/v1/form-definitions", headers=agent)).json() == {
        "data": [defined],
        "has_more": False,
        "next_cursor": None,
    }
    short = {"fields": FIELDS[:3]}
    tag = {"If-Match": read.headers["etag"]}
    changed = await client.put(DEFINITION, headers={**admin, **tag}, json=short)
    assert (changed.status_code, changed.json()["fields"]) == (200, list(map(full, FIELDS[:3])))
    assert (await client.put(DEFINITION, headers={**admin, **tag}, json=short)).status_code == 412
    assert (await client.put(DEFINITION, headers=admin, json=short)).status_code == 428
    assert (await client.put(DEFINITION, headers={**agent, **ANY}, json=short)).status_code == 403
    assert (await client.delete(DEFINITION, headers={**admin, **ANY})).status_code == 204
    default = (await client.get(DEFINITION, headers=agent)).json()
    assert default["is_default"]
    assert [field["name"] for field in default["fields"]][:4] == [
        "title",
        "occurred_at",
        "description",
        "fields.region",
    ]
    assert (await client.delete(DEFINITION, headers={**admin, **ANY})).status_code == 404
    events = (await client.get("/api/v1/audit?limit=3", headers=admin)).json()["data"]
    assert [event["type"] for event in events] == ["form.deleted", "form.changed", "form.created"]
    [change] = events[1]["data"]["changes"]
    assert (change["field"], len(change["before"]), len(change["after"])) == ("fields", len(FIELDS), 3)


async def test_a_definition_that_cannot_be_met_is_refused(
    client: httpx.AsyncClient, admin: Headers, defined: Json
) -> None:
    await add_field(client, admin, "margin", type="decimal")

    async def wrong(*fields: Json) -> dict[str, str]:
        both = [{"name": "title"}, {"name": "description"}]
        answer = await client.put(DEFINITION, headers={**admin, **ANY}, json={"fields": [*both, *fields]})
        return details(answer)

    assert list(await wrong({"name": "nothing"}, {"name": "fields.margin"}, {"name": "title"})) == [
        "/fields/2/name", "/fields/3/name", "/fields/4/name",
    ]  # fmt: skip
    later = {"name": "cc", "when": {"field": "contacts", "values": []}}
    assert await wrong(later, {"name": "contacts"}) == {"/fields/2/when/field": "must be a field that stands before it"}
    assert await wrong({"name": "cc", "when": {"field": "title", "values": ["x"]}}) == {
        "/fields/2/when/values": "must be empty: title has no list of values, only a value or none"
    }
    assert await wrong({"name": "service_end"}, {"name": "cc", "when": {"field": "service_end", "values": ["q"]}}) == {
        "/fields/3/when/values/0": "must be one of a, z, both"
    }
    told = {"name": "cc", "when": {"field": "dispatch_allowed", "values": ["true"]}}
    assert await wrong({"name": "dispatch_allowed"}, told) == {"/fields/3/when/values/0": "must be one of true, false"}
    answer = await client.put(DEFINITION, headers={**admin, **ANY}, json={"fields": [{"name": "cc"}]})
    assert details(answer) == {"/fields": "must have description, without which there is no ticket"}
    always = {"name": "description", "when": {"field": "title", "values": []}}
    answer = await client.put(DEFINITION, headers={**admin, **ANY}, json={"fields": [{"name": "title"}, always]})
    assert details(answer) == {"/fields/1/when": "must be null: there is no ticket without description"}
    assert (await client.get(DEFINITION, headers=admin)).json() == defined


ACCEPTED: dict[str, Json] = {
    "least": {**BEGAN, **ASIA},
    "nulls": {**BEGAN, "cc": None, "contacts": [], "site_access": None, "fields": {"region": None, "circuit": None}},
    "default meets a condition": {**BEGAN, "fields": {"circuit": "BIR-1", "sides": ["z"]}},
    "no access without a technician": {**BEGAN, "dispatch_allowed": False},
    "access with a technician": {**BEGAN, "dispatch_allowed": True, "site_access": {"hours": "08:00 to 18:00"}},
    "tests within hours": {**BEGAN, "testing_consent": "within_hours", "testing_hours": "22:00 to 04:00"},
    "tests at any time": {**BEGAN, "testing_consent": "yes"},
    "a chain": {
        **BEGAN, "fields": {"region": "emea", "circuit": "BIR-1", "sides": ["z", "a"]},
        "asked": {"priority": "critical"},
        "contacts": [CONTACT], "cc": [{"email": "noc@example.com"}],
    },
    "the others of every ticket": {**BEGAN, "channel": "Phone", "external_ids": {"Jira": "NOC-1"}, "contact": {
        "name": "Ada", "email": "ada@example.com", "phone": "",
    }},
}  # fmt: skip
REFUSED: dict[str, tuple[Json, dict[str, str]]] = {
    "required": ({}, {"/occurred_at": "is required"}),
    "required, null": ({"occurred_at": None}, {"/occurred_at": "is required"}),
    "not of the form": (
        {**BEGAN, "service_end": "a"}, {"/service_end": "is not asked for with the issue type Circuit Down"},
    ),
    "hidden": (
        {**BEGAN, "site_access": {"hours": "08:00"}},
        {"/site_access": "is asked for only when dispatch_allowed is true"},
    ),
    "hidden by false": (
        {**BEGAN, "dispatch_allowed": False, "site_access": {"hours": "08:00"}},
        {"/site_access": "is asked for only when dispatch_allowed is true"},
    ),
    "shown and required": ({**BEGAN, "dispatch_allowed": True}, {"/site_access": "is required"}),
    "shown and empty": ({**BEGAN, "dispatch_allowed": True, "site_access": {}}, {"/site_access": "is required"}),
    "hidden own field": (
        {**BEGAN, "fields": {"region": "apac", "circuit": "BIR-1"}},
        {"/fields/circuit": "is asked for only when fields.region is emea"},
    ),
    "a value shows the next": ({**BEGAN, "fields": {"circuit": "BIR-1"}}, {"/fields/sides": "is required"}),
    "a limit of an own field": (
        {**BEGAN, "fields": {"circuit": "B", "sides": ["a"]}}, {"/fields/circuit": "must have 3 to 8 characters"},
    ),
    "a null takes the default away": (
        {**BEGAN, "fields": {"region": None, "circuit": "BIR-1", "sides": ["a"]}},
        {
            "/fields/circuit": "is asked for only when fields.region is emea",
            "/fields/sides": "is asked for only when fields.circuit has a value",
        },
    ),
    "several options": (
        {**BEGAN, "fields": {"circuit": "BIR-1", "sides": ["z"]}, "asked": {"priority": "low"}},
        {"/asked/priority": "is asked for only when fields.sides is a"},
    ),
    "people": (
        {**BEGAN, "fields": {"circuit": "BIR-1", "sides": ["a"]}, "asked": {"priority": "critical"}},
        {"/contacts": "is required"},
    ),
    "copies": (
        {**BEGAN, "cc": [{"email": "noc@example.com"}]}, {"/cc": "is asked for only when contacts has a value"},
    ),
}  # fmt: skip


async def schema(client: httpx.AsyncClient, headers: Headers, query: str = "") -> Any:
    """Return the validator of the form."""
    answer = await client.get(FORM + query, headers=headers)
    assert answer.status_code == 200, answer.text
    jsonschema_rs.meta.validate(answer.json())
    return jsonschema_rs.validator_for(answer.json(), validate_formats=True)


@pytest.mark.usefixtures("defined")
@pytest.mark.parametrize("name", ACCEPTED)
async def test_what_the_schema_accepts_raises_a_ticket(client: httpx.AsyncClient, tenant: Tenant, name: str) -> None:
    body = order(**ACCEPTED[name])
    (await schema(client, tenant.headers)).validate(body)
    answer = await client.post(TICKETS, headers=tenant.headers, json=body)
    assert answer.status_code == 201, answer.text


@pytest.mark.usefixtures("defined")
@pytest.mark.parametrize("name", REFUSED)
async def test_what_the_api_refuses_the_schema_refuses(client: httpx.AsyncClient, tenant: Tenant, name: str) -> None:
    members, wrong = REFUSED[name]
    body = order(**members)
    answer = await client.post(TICKETS, headers=tenant.headers, json=body)
    assert details(answer) == wrong
    assert not (await schema(client, tenant.headers)).is_valid(body)


@pytest.mark.usefixtures("defined")
async def test_the_schema_says_labels_help_choices_defaults_and_order(
    client: httpx.AsyncClient, tenant: Tenant
) -> None:
    english = await client.get(FORM, headers=tenant.headers)
    german = await client.get(FORM, headers={**tenant.headers, "Accept-Language": "de-CH, en;q=0.5"})
    assert (english.headers["content-language"], german.headers["content-language"]) == ("en", "de")
    assert "Accept-Language" in german.headers["vary"]
    body = german.json()
    assert (body["$schema"], body["x-audience"]) == ("https://json-schema.org/draft/2020-12/schema", "customer")
    own = body["properties"]["fields"]["properties"]
    assert own["circuit"] == {
        "title": "Leitung", "description": "As billed", "type": ["string", "null"], "maxLength": 8, "minLength": 3,
        "pattern": "^[^\\r\\n]*\\S[^\\r\\n]*$", "x-type": "text", "x-order": 9,
    }  # fmt: skip
    assert own["region"]["oneOf"] == [
        {"const": "emea", "title": "Europa"}, {"const": "apac", "title": "Asia"}, {"type": "null"},
    ]  # fmt: skip
    assert own["region"]["default"] == "emea"
    assert body["properties"]["title"]["title"] != english.json()["properties"]["title"]["title"] == "Summary"
    assert body["required"] == ["issue_type", "service", "title", "description", "occurred_at"]
    places = [each["x-order"] for each in body["properties"].values() if "x-order" in each]
    assert places == sorted(places)
    same = await client.get(FORM, headers={**tenant.headers, "If-None-Match": english.headers["etag"]})
    assert same.status_code == 304


async def test_staff_and_customers_have_forms_of_their_own(
    client: httpx.AsyncClient, admin: Headers, agent: Headers, tenant: Tenant, defined: Json
) -> None:
    assert defined["audience"] == "customer"
    theirs = (await client.get(f"{FORM}?audience=customer", headers=agent)).json()
    assert theirs == (await client.get(FORM, headers=tenant.headers)).json()
    ours = (await client.get(FORM, headers=agent)).json()
    assert (ours["x-audience"], ours["allOf"][0]["then"]) == (
        "staff", {"properties": {"testing_hours": {"not": {"type": "null"}}}, "required": ["testing_hours"]},
    )  # fmt: skip
    assert ours["properties"].keys() - {"fields"} == {*TicketIn.__struct_fields__} - {"fields"}
    assert (await client.get(f"{FORM}?audience=staff", headers=tenant.headers)).status_code == 403
    body = order(company=str(tenant.company.id), service_end="a")
    jsonschema_rs.validate(ours, body)
    assert (await client.post(TICKETS, headers=agent, json=body)).status_code == 201
    staff = f"{DEFINITION}?audience=staff"
    needed = [{"name": "title"}, {"name": "description"}, {"name": "detected_by", "required": True}]
    assert (await client.put(staff, headers={**admin, **ANY}, json={"fields": needed})).status_code == 200
    refused = await client.post(TICKETS, headers=agent, json=body)
    assert list(details(refused)) == ["/service_end", "/detected_by"]
    assert not jsonschema_rs.is_valid((await client.get(FORM, headers=agent)).json(), body)


async def test_what_a_condition_hides_has_no_default(
    client: httpx.AsyncClient, admin: Headers, agent: Headers, tenant: Tenant
) -> None:
    for key, more in (("asked", CUSTOMER), ("left_out", CUSTOMER), ("ours", {})):
        await add_field(client, admin, key, default="x", **more)
    fields = [
        {"name": "title"}, {"name": "description"}, {"name": "intermittent"},
        {"name": "fields.asked", "required": True, "when": {"field": "intermittent", "values": []}},
    ]  # fmt: skip
    await client.put(DEFINITION, headers={**admin, **ANY}, json={"fields": fields})
    form = await schema(client, tenant.headers)

    async def stored(**members: object) -> Any:
        form.validate(order(**members))
        created = await client.post(TICKETS, headers=tenant.headers, json=order(**members))
        assert created.status_code == 201, created.text
        return (await client.get(created.headers["location"], headers=agent)).json()["fields"]

    assert await stored() == {"left_out": "x", "ours": "x"}
    assert await stored(intermittent="At night") == {"asked": "x", "left_out": "x", "ours": "x"}


async def test_a_field_that_is_gone_is_not_asked_for_nor_what_depends_on_it(
    client: httpx.AsyncClient, admin: Headers, tenant: Tenant, defined: Json
) -> None:
    assert defined["fields"]
    listed = (await client.get("/api/v1/fields", headers=admin)).json()["data"]
    [region] = [field["id"] for field in listed if field["key"] == "region"]
    await client.patch(f"/api/v1/fields/{region}", headers={**admin, **ANY}, json={"active": False})
    properties = (await client.get(FORM, headers=tenant.headers)).json()["properties"]
    assert not {"fields", "asked", "contacts", "cc"} & properties.keys()
    assert (await client.post(TICKETS, headers=tenant.headers, json=order(**BEGAN))).status_code == 201


async def test_other_issue_types_and_the_console_connect_api_are_asked_for_nothing_of_it(
    client: httpx.AsyncClient, tenant: Tenant, defined: Json
) -> None:
    assert defined["fields"]
    answer = await client.post(TICKETS, headers=tenant.headers, json=order(issue_type="Others", service_end="a"))
    assert answer.status_code == 201, answer.text
    await raise_ticket(client, tenant)
    assert (await client.get("/api/v1/forms/Nothing at all", headers=tenant.headers)).status_code == 404
