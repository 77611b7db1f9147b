"""A parent sees and raises the tickets of the children that share with it, and nobody sees more by that."""

import httpx
import pytest

from clearline.accounts import key_usecases as keys
from clearline.accounts import usecases as accounts
from clearline.clock import now
from clearline.deactivation import usecases as deactivation
from clearline.identity import OPERATOR, PROVIDER_ID, Role, Scope
from clearline.platform.database.transactions import Database
from clearline.wires.http.table import Operation
from tests.builders.databases import everything
from tests.builders.house import API, MARKER, QUERIES, TICKETS, Owned, done, order, own, pointers
from tests.builders.house_api.families import Family, family_of, numbers, reaches, set_parent, tickets_of
from tests.builders.house_api.operations import FOREIGN_BODIES, NO_TICKET, ask, named, with_id, without, without_id
from tests.builders.people import NOW, new_tenant, staff_key
from tests.builders.search.index import follow


@pytest.fixture(scope="module")
async def family(client: httpx.AsyncClient, database: Database) -> Family:
    return await family_of(client, database, MARKER)


OF_TICKETS = [operation for operation in with_id() if "{number}" in operation.path]
KNOCKS = [("child", "parent"), ("sibling", "child"), ("top", "child"), ("child", "top"), ("parent", "private")]


def nothing_of(owner: Owned) -> Owned:
    return owner._replace(ids={**owner.ids, "tickets": NO_TICKET, "other": "INC999999999998"})


@pytest.mark.parametrize(("viewer", "owner"), KNOCKS)
@pytest.mark.parametrize("operation", OF_TICKETS, ids=named)
async def test_a_ticket_of_no_own_child_is_answered_like_a_missing_one(
    client: httpx.AsyncClient, database: Database, family: Family, operation: Operation, viewer: str, owner: str
) -> None:
    asking, owned = getattr(family, viewer), getattr(family, owner)
    before = await everything(database, owned.tenant)
    foreign = await ask(client, operation, owned.path(operation), owned._replace(headers=asking.headers))
    unknown = nothing_of(owned)
    missing = await ask(client, operation, unknown.path(operation), unknown._replace(headers=asking.headers))
    assert foreign.status_code in {403, 404}, foreign.text
    assert without(foreign, owned) == without(missing, unknown)
    assert await everything(database, owned.tenant) == before


READS = [operation for operation in OF_TICKETS if operation.method == "GET" and "watchers" not in operation.path]


@pytest.mark.parametrize("operation", READS, ids=named)
async def test_a_parent_reads_what_its_child_reads_of_a_ticket(
    client: httpx.AsyncClient, family: Family, operation: Operation
) -> None:
    path = family.child.path(operation)
    colleague = family.child._replace(headers=family.child.tenant.headers)
    own_answer = await ask(client, operation, path, colleague)
    answer = await ask(client, operation, path, family.child._replace(headers=family.parent.headers))
    assert (answer.status_code, answer.text) == (own_answer.status_code, own_answer.text)


WRITES = [operation for operation in OF_TICKETS if operation.method != "GET" and "atcher" not in operation.name]


@pytest.mark.parametrize("operation", WRITES, ids=named)
async def test_a_parent_does_to_a_ticket_what_its_child_may_do(
    client: httpx.AsyncClient, database: Database, operation: Operation
) -> None:
    parent, ours, theirs = [
        await own(client, database, f"{name}{operation.name[:12].lower()}") for name in ("p", "a", "b")
    ]
    await set_parent(database, ours, parent)
    await reaches(client, parent, ours)
    answer = await ask(client, operation, ours.path(operation), ours._replace(headers=parent.headers))
    expected = await ask(client, operation, theirs.path(operation), theirs)
    if operation.name == "deleteAttachment":
        assert answer.status_code == 403, "somebody else attached it"
        return
    assert answer.status_code == expected.status_code, answer.text


@pytest.mark.parametrize("operation", without_id(), ids=named)
@pytest.mark.parametrize("viewer", ["child", "sibling", "top", "private"])
async def test_no_answer_has_data_of_a_company_that_does_not_share(
    client: httpx.AsyncClient, family: Family, operation: Operation, viewer: str
) -> None:
    asking: Owned = getattr(family, viewer)
    query = QUERIES.get(operation.name, "")
    answer = await ask(client, operation, operation.path + query, asking)
    assert answer.status_code < 500, answer.text
    if operation.name == "bulkTickets":
        await done(client, asking.headers, answer.json())
    seen = {viewer, "parent"} if viewer == "top" else {viewer}
    for name in Family._fields:
        hidden: Owned = getattr(family, name)
        if name not in seen:
            assert hidden.ids["tickets"] not in answer.text, name
            assert hidden.ids["other"] not in answer.text, name


@pytest.mark.parametrize(
    "path",
    [
        "tickets?limit=200", "tickets?state=all&limit=200", "tickets?sort=-updated_at&limit=200",
        "tickets?sort=priority&limit=200", f"search?q={MARKER}&limit=200", f"search?q={MARKER}&sort=-created_at",
        "search?q=status:open&sort=priority&limit=200",
    ],
)  # fmt: skip
async def test_lists_and_searches_have_the_tickets_of_the_children(
    client: httpx.AsyncClient, family: Family, path: str
) -> None:
    assert await numbers(client, family.parent, path) >= tickets_of(family.parent, family.child, family.sibling)
    assert await numbers(client, family.top, path) >= tickets_of(family.top, family.parent)
    for viewer, others in (
        (family.parent, (family.top, family.private)),
        (family.top, (family.child, family.sibling, family.private)),
        (family.child, (family.parent, family.sibling)),
    ):
        assert not await numbers(client, viewer, path) & tickets_of(*others)


async def test_a_list_is_filtered_by_one_of_the_companies(client: httpx.AsyncClient, family: Family) -> None:
    child = family.child.tenant.company
    own = await numbers(client, family.child, "tickets?state=all")  # other tests raise some
    assert own >= tickets_of(family.child)
    for name in (child.code, child.name, str(child.id)):
        assert tickets_of(family.child) <= await numbers(client, family.parent, f"tickets?company={name}") <= own
        assert await numbers(client, family.parent, f"tickets?company={name}&state=all") == own
    own_code = family.parent.tenant.company.code
    assert await numbers(client, family.parent, f"tickets?company={own_code}") >= tickets_of(family.parent)
    for viewer, owner in ((family.top, child), (family.child, family.parent.tenant.company)):
        answer = await client.get(f"{TICKETS}?company={owner.code}", headers=viewer.headers)
        assert pointers(answer, "invalid-parameter") == ["company"]


async def test_an_export_has_the_tickets_of_the_children(client: httpx.AsyncClient, family: Family) -> None:
    async def exported(viewer: Owned, query: str = "") -> set[str]:
        answer = await client.get(f"{API}/exports/tickets?format=csv{query}", headers=viewer.headers)
        assert answer.status_code == 200, answer.text
        return {line.split(",")[0] for line in answer.text.splitlines()[1:] if line.startswith("INC")}

    assert await exported(family.parent) >= tickets_of(family.parent, family.child, family.sibling)
    assert not await exported(family.parent) & tickets_of(family.top, family.private)
    assert await exported(family.top) & tickets_of(family.child, family.sibling, family.private) == set()
    code = family.child.tenant.company.code
    assert await exported(family.parent, f"&company={code}") == await exported(family.child) >= tickets_of(family.child)
    assert not await exported(family.child) & tickets_of(family.parent, family.sibling)


async def test_a_ticket_is_raised_for_a_child_about_its_services(client: httpx.AsyncClient, family: Family) -> None:
    child, headers = family.child, family.parent.headers
    code = child.tenant.company.code
    body = order(company=code, service={"id": child.ids["services"], "type": "Port"})
    raised = await client.post(TICKETS, headers=headers, json=body)
    assert raised.status_code == 201, raised.text
    ticket = raised.json()
    assert ticket["company"]["code"] == code
    assert ticket["contact"]["email"] == f"{MARKER}mid@example.com"
    seen = await client.get(f"{TICKETS}/{ticket['number']}", headers=child.headers)
    assert seen.status_code == 200, seen.text
    note = await client.post(f"{TICKETS}/{ticket['number']}/notes", headers=headers, json={"text": "On site at 10."})
    assert (note.status_code, note.json()["source"]) == (201, "buyer")
    services = await client.get(f"{API}/companies/{child.ids['companies']}/services", headers=headers)
    assert child.ids["services"] in services.text
    assert "carrier" not in services.text
    foreign = await client.post(TICKETS, headers=headers, json={**body, "company": family.private.tenant.company.code})
    assert pointers(foreign) == ["/company"]
    not_its = order(company=code, service={"id": family.parent.ids["services"], "type": "Port"})
    assert pointers(await client.post(TICKETS, headers=headers, json=not_its)) == ["/service/id"]
    above = await client.post(TICKETS, headers=family.top.headers, json=body)
    assert pointers(above) == ["/company"]


async def test_a_key_says_whose_tickets_it_sees(client: httpx.AsyncClient, family: Family) -> None:
    me = (await client.get(f"{API}/me", headers=family.parent.headers)).json()
    assert {child["id"] for child in me["children"]} == {family.child.ids["companies"], family.sibling.ids["companies"]}
    assert (await client.get(f"{API}/me", headers=family.child.headers)).json()["children"] == []


PRIVATE = ("", "/users", "/keys", "/mail-domains", "/notification-settings")


@pytest.mark.parametrize("path", PRIVATE)
async def test_a_parent_sees_nothing_else_of_its_child(client: httpx.AsyncClient, family: Family, path: str) -> None:
    answer = await client.get(f"{API}/companies/{family.child.ids['companies']}{path}", headers=family.parent.headers)
    assert answer.status_code == 404, answer.text


async def test_a_key_that_only_reads_changes_nothing_of_a_child(
    client: httpx.AsyncClient, database: Database, family: Family
) -> None:
    async with database.transaction() as tx:
        _key, secret = await keys.create_key(
            tx, OPERATOR, family.parent.tenant.company.code, user_id=family.parent.tenant.user.id, name="Reads",
            scopes=frozenset({Scope.TICKETS_READ}), now=NOW,
        )  # fmt: skip
    reader = {"authorization": f"Bearer {secret}"}
    at = f"{TICKETS}/{family.child.ids['tickets']}"
    assert (await client.get(at, headers=reader)).status_code == 200
    assert (await client.post(f"{at}/notes", headers=reader, json={"text": "No"})).status_code == 403
    raise_for = order(company=family.child.tenant.company.code)
    assert (await client.post(TICKETS, headers=reader, json=raise_for)).status_code == 403


async def test_a_customer_links_no_tickets_of_two_companies(client: httpx.AsyncClient, family: Family) -> None:
    body = {"type": "related", "ticket": family.child.ids["tickets"]}
    at = f"{TICKETS}/{family.parent.ids['tickets']}/links"
    assert pointers(await client.post(at, headers=family.parent.headers, json=body)) == ["/ticket"]


@pytest.mark.parametrize(("name", "body"), [entry for entry in FOREIGN_BODIES if "{foreign}" in str(entry[1])], ids=str)
async def test_a_body_with_a_ticket_of_a_grandchild_is_refused(
    client: httpx.AsyncClient, family: Family, name: str, body: dict[str, str]
) -> None:
    [operation] = [operation for operation in OF_TICKETS if operation.name == name]
    sent = {key: value.replace("{foreign}", family.child.ids["tickets"]) for key, value in body.items()}
    answer = await ask(client, operation, family.top.path(operation), family.top, sent)
    assert answer.status_code in {403, 404, 422}, answer.text


async def test_the_events_of_a_child_are_read_by_naming_its_ticket(client: httpx.AsyncClient, family: Family) -> None:
    number = family.child.ids["tickets"]

    async def events(query: str, viewer: Owned) -> httpx.Response:
        return await client.get(f"{API}/events?limit=200{query}", headers=viewer.headers)

    named_ticket = (await events(f"&ticket={number}", family.parent)).json()["data"]
    assert named_ticket == (await events(f"&ticket={number}", family.child)).json()["data"] != []
    for query in ("", f"&company={family.child.ids['companies']}"):
        assert number not in (await events(query, family.parent)).text
    assert (await events(f"&ticket={number}", family.top)).status_code in {400, 404}


async def test_console_connect_shows_the_company_of_the_key_alone(client: httpx.AsyncClient, family: Family) -> None:
    listed = await client.get("/v2/support-tickets?status=open&pageSize=100", headers=family.parent.headers)
    assert listed.status_code == 200, listed.text
    assert family.parent.ids["tickets"] in listed.text
    assert family.child.ids["tickets"] not in listed.text
    one = await client.get(f"/v2/support-tickets/{family.child.ids['tickets']}", headers=family.parent.headers)
    missing = await client.get(f"/v2/support-tickets/{NO_TICKET}", headers=family.parent.headers)
    assert (one.status_code, missing.status_code) == (404, 404)
    noted = await client.post(
        f"/v2/support-tickets/{family.child.ids['tickets']}/addNote",
        headers=family.parent.headers, json={"noteText": "No"},
    )  # fmt: skip
    assert noted.status_code == 404, noted.text


async def ended(client: httpx.AsyncClient, parent: Owned, child: Owned) -> None:
    """Check that a parent reaches nothing of a child, by any operation on its tickets, list or search."""
    await reaches(client, parent, child, 404)
    for operation in OF_TICKETS:
        answer = await ask(client, operation, child.path(operation), child._replace(headers=parent.headers))
        assert answer.status_code in {403, 404}, operation.name
    for path in ("tickets?state=all&limit=200", "search?q=title&limit=50", "tickets?limit=200"):
        assert not await numbers(client, parent, path) & tickets_of(child)
    export = await client.get(f"{API}/exports/tickets?format=csv", headers=parent.headers)
    assert child.ids["tickets"] not in export.text
    raised = await client.post(TICKETS, headers=parent.headers, json=order(company=child.tenant.company.code))
    assert pointers(raised) == ["/company"]
    services = await client.get(f"{API}/companies/{child.ids['companies']}/services", headers=parent.headers)
    assert services.status_code == 404


@pytest.mark.parametrize("end", ["removed", "kept", "child"])
async def test_access_ends_with_the_parent_at_once(client: httpx.AsyncClient, database: Database, end: str) -> None:
    parent, child = [await own(client, database, f"{name}{end}") for name in ("p", "c")]
    await set_parent(database, child, parent)
    await reaches(client, parent, child)
    await follow(database)
    if end == "child":
        async with database.transaction() as tx:
            await deactivation.deactivate_company(tx, OPERATOR, child.tenant.company.id, now=now())
    else:
        await set_parent(database, child, parent if end == "kept" else None, shares=False)
    await ended(client, parent, child)


async def test_a_deactivated_parent_does_nothing(client: httpx.AsyncClient, database: Database) -> None:
    parent, child = [await own(client, database, f"deactivated{name}") for name in ("p", "c")]
    await set_parent(database, child, parent)
    await reaches(client, parent, child)
    async with database.transaction() as tx:
        await deactivation.deactivate_company(tx, OPERATOR, parent.tenant.company.id, now=now())
    await reaches(client, parent, child, 401)


async def test_a_job_of_a_parent_does_nothing_to_a_child_that_shares_no_more(
    client: httpx.AsyncClient, database: Database
) -> None:
    parent, child = [await own(client, database, f"job{name}") for name in ("p", "c")]
    body = {"tickets": [child.ids["tickets"]], "action": {"type": "note", "text": "By a job"}}
    answer = await client.post(f"{API}/bulk", headers=parent.headers, json=body)
    await done(client, parent.headers, answer.json())
    [item] = (await client.get(f"{API}/jobs/{answer.json()['id']}/items", headers=parent.headers)).json()["data"]
    assert (item["outcome"], item["code"]) == ("refused", "not-found")
    await set_parent(database, child, parent)
    answer = await client.post(f"{API}/bulk", headers=parent.headers, json=body)
    await done(client, parent.headers, answer.json())
    [item] = (await client.get(f"{API}/jobs/{answer.json()['id']}/items", headers=parent.headers)).json()["data"]
    assert item["outcome"] == "done"


async def test_parents_are_set_by_admins_and_refused_where_they_make_no_sense(
    client: httpx.AsyncClient, database: Database
) -> None:
    admin = {**await staff_key(database, Role.ADMIN), "If-Match": "*"}
    chain = [await new_tenant(database) for _ in range(8)]
    ids = [str(tenant.company.id) for tenant in chain]

    async def patch(company: str, **values: object) -> httpx.Response:
        return await client.patch(f"{API}/companies/{company}", headers=admin, json=values)

    answer = await patch(ids[1], parent_id=ids[0], shares_with_parent=True)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["parent_id"], answer.json()["shares_with_parent"]) == (ids[0], True)
    for level in (2, 3, 4):
        assert (await patch(ids[level], parent_id=ids[level - 1])).status_code == 200
    assert pointers(await patch(ids[5], parent_id=ids[4])) == ["/parent_id"], "a sixth level"
    assert (await patch(ids[6], parent_id=ids[5])).status_code == 200
    assert pointers(await patch(ids[5], parent_id=ids[3])) == ["/parent_id"], "a sixth level, with the child of it"
    assert pointers(await patch(ids[0], parent_id=ids[4])) == ["/parent_id"], "a cycle"
    assert pointers(await patch(ids[0], parent_id=ids[0])) == ["/parent_id"], "itself"
    assert pointers(await patch(ids[0], parent_id=str(PROVIDER_ID))) == ["/parent_id"]
    assert pointers(await patch(str(PROVIDER_ID), parent_id=ids[0])) == ["/parent_id"]
    assert pointers(await patch(ids[0], shares_with_parent=True)) == ["/shares_with_parent"]
    answer = await patch(ids[1], parent_id=ids[7])
    assert answer.json()["shares_with_parent"] is False, "with the new parent it does not share"
    answer = await patch(ids[1], parent_id=None)
    assert (answer.json()["parent_id"], answer.json()["shares_with_parent"]) == (None, False)
    async with database.transaction() as tx:
        user = await accounts.add_user(
            tx, OPERATOR, chain[1].company.code, name="Eva Lund", email="eva@example.com", phone="",
            role=Role.CUSTOMER_ADMIN, now=NOW,
        )  # fmt: skip
        _key, secret = await keys.create_key(tx, OPERATOR, chain[1].company.code, user_id=user.id, name="Own", now=NOW)
    own_admin = {"authorization": f"Bearer {secret}", "If-Match": "*"}
    for values in ({"parent_id": ids[0]}, {"shares_with_parent": False}):
        answer = await client.patch(f"{API}/companies/{ids[1]}", headers=own_admin, json=values)
        assert answer.status_code == 403, answer.text
