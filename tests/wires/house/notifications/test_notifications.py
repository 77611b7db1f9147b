import httpx
import pytest

from clearline.accounts import key_usecases as keys
from clearline.accounts import usecases as accounts
from clearline.events.event_types import NotificationKind
from clearline.identity import OPERATOR, PROVIDER_ID, Role
from clearline.platform.database.transactions import Database
from clearline.wires.house.notifications import wire
from tests.builders.house import ANY, Json, pointers, problem
from tests.builders.people import NOW, Tenant, staff_key

ME = "/api/v1/me/notifications"
CUSTOMER: Json = {
    "time_zone": "UTC",
    "quiet_from": None,
    "quiet_to": None,
    "quiet_days": [],
    "critical_breaks_quiet": False,
    "digest": "daily",
    "digest_at": "08:00",
    "replies_by_mail": False,
    "rules": {
        "ticket_raised": "email",
        "customer_note": "email",
        "provider_note": "email",
        "status_changed": "email",
        "resolved": "email",
        "reopened": "email",
        "priority_changed": "email",
        "watched_change": "digest",
        "company_ticket": "off",
    },
}
STAFF = {"ticket_raised": "off", "internal_note": "email"}
WORKS = {"assigned_to_me": "email", "routed_to_my_team": "email"}


def of(company: object, user: object) -> str:
    return f"/api/v1/companies/{company}/users/{user}/notifications"


async def admin_of(database: Database, tenant: Tenant) -> dict[str, str]:
    """Return the headers of a new admin of a customer."""
    async with database.transaction() as tx:
        user = await accounts.add_user(
            tx, OPERATOR, tenant.company.id, name="Boss", email=f"boss@{tenant.company.code}.example.com", phone="",
            role=Role.CUSTOMER_ADMIN, now=NOW,
        )  # fmt: skip
        _key, secret = await keys.create_key(tx, OPERATOR, tenant.company.code, user_id=user.id, name="boss", now=NOW)
    return {"Authorization": f"Bearer {secret}"}


def test_a_body_has_a_member_for_each_kind_of_notification() -> None:
    for body in (wire.RulesOut, wire.RulesPatch):
        assert list(body.__struct_fields__) == list(NotificationKind)


async def test_a_user_reads_and_changes_their_preferences(client: httpx.AsyncClient, fresh: Tenant) -> None:
    first = await client.get(ME, headers=fresh.headers)
    assert first.json() == {"user_id": str(fresh.user.id), **CUSTOMER}
    change: Json = {
        "time_zone": "Europe/Amsterdam", "quiet_from": "22:00", "quiet_to": "07:00",
        "quiet_days": ["sunday", "saturday"], "critical_breaks_quiet": True, "digest": "hourly", "digest_at": "17:30",
        "rules": {"resolved": "digest", "company_ticket": "email"},
    }  # fmt: skip
    changed = await client.patch(ME, headers={**fresh.headers, "If-Match": first.headers["etag"]}, json=change)
    expected: Json = {
        "user_id": str(fresh.user.id), **change, "replies_by_mail": False, "quiet_days": ["saturday", "sunday"],
        "rules": {**CUSTOMER["rules"], "resolved": "digest", "company_ticket": "email"},
    }  # fmt: skip
    assert changed.json() == expected
    again = await client.get(ME, headers=fresh.headers)
    assert (again.json(), again.headers["etag"]) == (expected, changed.headers["etag"])
    less: Json = {"quiet_from": None, "quiet_to": None, "quiet_days": [], "rules": {"resolved": None}}
    reset = await client.patch(ME, headers={**fresh.headers, **ANY}, json=less)
    rules = {**expected["rules"], "resolved": "email"}
    assert reset.json() == {**expected, **less, "rules": rules}


async def test_a_change_requires_the_current_etag(client: httpx.AsyncClient, fresh: Tenant) -> None:
    problem(await client.patch(ME, headers=fresh.headers, json={"digest": "hourly"}), "precondition-required")
    stale = {**fresh.headers, "If-Match": '"old"'}
    problem(await client.patch(ME, headers=stale, json={"digest": "hourly"}), "precondition-failed")
    assert (await client.get(ME, headers=fresh.headers)).json()["digest"] == "daily"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"time_zone": "Europe/Nowhere"}, "/time_zone"),
        ({"quiet_from": "22:00"}, "/quiet_to"),
        ({"quiet_from": "24:00", "quiet_to": "07:00"}, "/quiet_from"),
        ({"quiet_from": "7:00", "quiet_to": "08:00"}, "/quiet_from"),
        ({"quiet_days": ["caturday"]}, "/quiet_days/0"),
        ({"quiet_days": ["sunday", "sunday"]}, "/quiet_days"),
        ({"digest": "weekly"}, "/digest"),
        ({"digest_at": None}, "/digest_at"),
        ({"rules": {"resolved": "loud"}}, "/rules/resolved"),
        ({"rules": {"nonsense": "email"}}, "/rules/nonsense"),
        ({"rules": {"internal_note": "email"}}, "/rules/internal_note"),
        ({"other": 1}, "/other"),
    ],
)
async def test_an_invalid_value_is_named_and_changes_nothing(
    client: httpx.AsyncClient, fresh: Tenant, body: Json, pointer: str
) -> None:
    assert pointers(await client.patch(ME, headers={**fresh.headers, **ANY}, json=body)) == [pointer]
    assert (await client.get(ME, headers=fresh.headers)).json() == {"user_id": str(fresh.user.id), **CUSTOMER}


@pytest.mark.parametrize(("role", "staff_rules"), [(Role.VIEWER, {}), (Role.AGENT, WORKS), (Role.ADMIN, WORKS)])
async def test_staff_have_different_rules(
    client: httpx.AsyncClient, database: Database, role: Role, staff_rules: dict[str, str]
) -> None:
    headers = await staff_key(database, role)
    rules = (await client.get(ME, headers=headers)).json()["rules"]
    assert rules.items() >= {**STAFF, **staff_rules}.items()
    assert ("assigned_to_me" in rules, "company_ticket" in rules) == (bool(staff_rules), False)
    changed = await client.patch(ME, headers={**headers, **ANY}, json={"rules": {"internal_note": "off"}})
    if role is Role.VIEWER:
        problem(changed, "scope-missing")
    else:
        assert changed.json()["rules"] == {**rules, "internal_note": "off"}


async def test_admins_change_the_preferences_of_users_that_they_manage_only(
    client: httpx.AsyncClient, database: Database, fresh: Tenant, other_tenant: Tenant
) -> None:
    boss = await admin_of(database, fresh)
    admin, agent = await staff_key(database, Role.ADMIN), await staff_key(database, Role.AGENT)
    own = of(fresh.company.id, fresh.user.id)
    first = await client.get(own, headers=boss)
    assert first.json() == {"user_id": str(fresh.user.id), **CUSTOMER}
    tagged = {**boss, "If-Match": first.headers["etag"]}
    assert (await client.patch(own, headers=tagged, json={"digest": "hourly"})).json()["digest"] == "hourly"
    problem(await client.patch(own, headers=tagged, json={"digest": "daily"}), "precondition-failed")
    assert (await client.patch(own, headers={**admin, **ANY}, json={"digest": "daily"})).status_code == 200
    problem(await client.patch(own, headers={**agent, **ANY}, json={}), "scope-missing")
    problem(await client.get(own, headers=fresh.headers), "scope-missing")
    for path in (of(other_tenant.company.id, other_tenant.user.id), of(fresh.company.id, other_tenant.user.id)):
        problem(await client.get(path, headers=boss), "not-found")
        problem(await client.patch(path, headers={**boss, **ANY}, json={"digest": "hourly"}), "not-found")
    mara = (await client.get("/api/v1/me", headers=admin)).json()["id"]
    assert (await client.get(of(PROVIDER_ID, mara), headers=admin)).status_code == 200
    problem(await client.get(of(PROVIDER_ID, mara), headers=boss), "not-found")


async def test_a_change_is_in_the_audit_once_with_its_changes(
    client: httpx.AsyncClient, database: Database, fresh: Tenant
) -> None:
    body = {"quiet_from": "22:00", "quiet_to": "07:00", "rules": {"resolved": "off", "reopened": "email"}}
    for _ in range(2):
        assert (await client.patch(ME, headers={**fresh.headers, **ANY}, json=body)).status_code == 200
    async with database.statement() as tx:
        rows = await tx.fetch(
            """select data::jsonb -> 'changes', data ->> 'id', actor_id from event
                where company_id = $1 and type = 'user.changed'""",
            fresh.company.id,
        )
    assert [row[1:] for row in rows] == [(str(fresh.user.id), fresh.user.id)]
    data = rows[0][0]
    for words in ("notifications.quiet_from", "22:00", "notifications.rules.resolved", '"off"'):
        assert words in data
    assert "reopened" not in data


WORKING = ["raised", "answers", "status", "resolved"]
DEFAULTS = {
    "mails_contacts": True,
    "contact_rules": {
        "reporter": WORKING, "technical": WORKING, "on_duty": WORKING,
        "escalation": ["raised", "resolved", "priority"], "site_access": [],
        "cc": ["answers", "customer_notes", "resolved"],
    },
    "inbound_cc": "suggest",
}  # fmt: skip


async def test_the_rules_of_contacts_are_set_by_the_admin_of_the_company_and_audited(
    client: httpx.AsyncClient, database: Database, fresh: Tenant
) -> None:
    boss = await admin_of(database, fresh)
    at = f"/api/v1/companies/{fresh.company.id}/notifications"
    body = {"contact_rules": {"cc": ["resolved", "raised"], "technical": []}, "inbound_cc": "add"}
    changed = await client.patch(at, headers={**boss, **ANY}, json=body)
    rules: Json = changed.json()["contact_rules"]
    assert (rules["cc"], rules["technical"], rules["reporter"]) == (["raised", "resolved"], [], WORKING)
    assert changed.json()["inbound_cc"] == "add"
    problem(await client.patch(at, headers={**fresh.headers, **ANY}, json=body), "scope-missing")
    for wrong, where in (
        ({"contact_rules": {"cc": ["gossip"]}}, "/contact_rules/cc/0"),
        ({"contact_rules": {"boss": []}}, "/contact_rules/boss"),
        ({"inbound_cc": "all"}, "/inbound_cc"),
    ):
        assert pointers(await client.patch(at, headers={**boss, **ANY}, json=wrong)) == [where]
    restored = await client.patch(at, headers={**boss, **ANY}, json={"contact_rules": {"cc": None, "technical": None}})
    assert restored.json()["contact_rules"] == DEFAULTS["contact_rules"]
    async with database.statement() as tx:
        rows = await tx.fetch(
            "select data ->> 'changes' from event where company_id = $1 and type = 'company.changed' order by id",
            fresh.company.id,
        )
    assert '"contact_rules.cc"' in rows[0][0]
    assert '"inbound_cc"' in rows[0][0]


async def test_mail_to_contacts_is_read_and_changed(
    client: httpx.AsyncClient, database: Database, fresh: Tenant, other_tenant: Tenant
) -> None:
    boss, agent = await admin_of(database, fresh), await staff_key(database, Role.AGENT)
    at = f"/api/v1/companies/{fresh.company.id}/notifications"
    first = await client.get(at, headers=agent)
    assert first.json() == DEFAULTS | {"company_id": str(fresh.company.id)}
    problem(await client.patch(at, headers={**agent, **ANY}, json={"mails_contacts": False}), "scope-missing")
    tagged = {**boss, "If-Match": first.headers["etag"]}
    off = DEFAULTS | {"company_id": str(fresh.company.id), "mails_contacts": False}
    assert (await client.patch(at, headers=tagged, json={"mails_contacts": False})).json() == off
    problem(await client.patch(at, headers=tagged, json={"mails_contacts": True}), "precondition-failed")
    assert (await client.patch(at, headers={**boss, **ANY}, json={})).json() == off
    assert (await client.get(at, headers=boss)).json() == off
    foreign = f"/api/v1/companies/{other_tenant.company.id}/notifications"
    problem(await client.get(foreign, headers=boss), "not-found")
    problem(await client.patch(foreign, headers={**boss, **ANY}, json={"mails_contacts": False}), "not-found")
