"""How the person who is signed in is notified."""

from datetime import time
from typing import Any

import httpx
import pytest

from clearline.clock import now
from clearline.events.event_types import NotificationKind
from clearline.identity import OPERATOR, PROVIDER_ID, Role
from clearline.notifications import preference_usecases as preferences
from clearline.notifications.domain import DEFAULTS, DeliveryMode, DigestFrequency, NotificationPreferences
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from tests.builders.application import serving
from tests.builders.web.pages import Page, Person, person

NOTIFICATIONS = "/console/me/notifications"
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


@pytest.fixture
async def agent(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database, Role.AGENT)


async def stored(database: Database, who: Person) -> NotificationPreferences:
    async with database.statement() as tx:
        return (await preferences.get_preferences(tx, OPERATOR, PROVIDER_ID, who.user.id)).preferences


async def form_of(who: Person, **values: str) -> dict[str, Any]:
    """Return the form as the page has it, with other values in some fields."""
    page = await who.page(NOTIFICATIONS)
    version = next(field["value"] for field in page.all("input") if field.get("name") == "version")
    rules = {f"rules.{kind}": str(mode) for kind, mode in DEFAULTS[who.user.role].items()}
    fixed = {"digest": "daily", "digest_at": "08:00", "time_zone": "UTC", "quiet_from": "", "quiet_to": ""}
    return {**rules, **fixed, "version": version or "", **values}


async def test_the_page_has_every_rule_of_the_role(client: httpx.AsyncClient, database: Database) -> None:
    for role in (Role.AGENT, Role.ADMIN, Role.VIEWER):
        somebody = await person(client, database, role)
        names = [field.get("name") for field in (await somebody.page(NOTIFICATIONS)).all("select")]
        assert names == [*(f"rules.{kind}" for kind in DEFAULTS[role]), "digest"]


async def test_a_person_changes_its_rules_and_when_mail_waits(database: Database, agent: Person) -> None:
    form = await form_of(
        agent, **{"rules.customer_note": "digest"}, digest="hourly", digest_at="07:30", time_zone="Europe/Lisbon",
        quiet_from="22:00", quiet_to="06:00", critical_breaks_quiet="on", quiet_days="7",
    )  # fmt: skip
    answer = await agent.post(NOTIFICATIONS, **form)
    assert answer.status_code == 303, answer.text
    assert "Saved." in (await agent.page(answer.headers["location"])).text
    assert await stored(database, agent) == NotificationPreferences(
        "Europe/Lisbon", time(22), time(6), (7,), DigestFrequency.HOURLY, time(7, 30), critical_breaks_quiet=True,
        rules={NotificationKind.CUSTOMER_NOTE: DeliveryMode.DIGEST}, version=2,
    )  # fmt: skip


async def test_an_agent_turns_on_replies_by_mail(database: Database, database_url: str, agent: Person) -> None:
    assert "It has no effect now" in (await agent.page(NOTIFICATIONS)).text
    async with serving(Settings(database_url=database_url, staff_replies_by_mail="mx.example.net")) as opened:
        allowed = await person(opened, database, Role.AGENT)
        page = (await allowed.page(NOTIFICATIONS)).text
        assert "Only a mail that begins with #public on a line of its own goes to the customer." in page
        assert (await allowed.post(NOTIFICATIONS, **await form_of(allowed, replies_by_mail="on"))).status_code == 303
        assert (await stored(database, allowed)).replies_by_mail
        assert (await allowed.post(NOTIFICATIONS, **await form_of(allowed))).status_code == 303
        assert not (await stored(database, allowed)).replies_by_mail


async def test_a_form_that_changes_nothing_sets_nothing(database: Database, agent: Person) -> None:
    assert (await agent.post(NOTIFICATIONS, **await form_of(agent))).status_code == 303
    assert await stored(database, agent) == NotificationPreferences()


async def test_a_form_of_an_older_state_is_not_saved_but_kept(database: Database, agent: Person) -> None:
    form = await form_of(agent, time_zone="Europe/Lisbon")
    async with database.transaction() as tx:
        values = {"time_zone": "Europe/Amsterdam"}
        await preferences.change_preferences(tx, OPERATOR, PROVIDER_ID, agent.user.id, values, now=now())
    late = await agent.post(NOTIFICATIONS, **form)
    assert late.status_code == 409
    assert "Now stored: Europe/Amsterdam" in Page(late.text).text
    assert 'value="Europe/Lisbon"' in late.text
    assert (await stored(database, agent)).time_zone == "Europe/Amsterdam"


@pytest.mark.parametrize(
    ("name", "wrong", "field", "shown"),
    [
        ("time_zone", "Nowhere", "time_zone", "Must be the name of an IANA time zone"),
        ("time_zone", HOSTILE, "time_zone", "Must be the name of an IANA time zone"),
        ("quiet_from", "22:00", "quiet_to", "Is required with the other end of the quiet hours."),
        ("quiet_from", "25:00", "quiet_from", "Must be a time, such as 08:00."),
        ("quiet_to", "6", "quiet_to", "Must be a time, such as 08:00."),
        ("digest_at", "", "digest_at", "Must be a time, such as 08:00."),
        ("digest_at", "07:60", "digest_at", "Must be a time, such as 08:00."),
        ("digest", "never", "digest", "Must be one of"),
        ("quiet_days", "8", "quiet_days", "Must be at most six different days of the week."),
        ("quiet_days", "x", "quiet_days", "Must be days of the week."),
        ("rules.customer_note", "sms", "rules.customer_note", "Must be one of"),
    ],
)
async def test_a_refused_form_names_the_field_and_keeps_the_rest(
    database: Database, agent: Person, name: str, wrong: str, field: str, shown: str
) -> None:
    refused = await agent.post(NOTIFICATIONS, **{**await form_of(agent, digest_at="09:15"), name: wrong})
    assert refused.status_code == 422, refused.text
    assert shown in Page(refused.text).text
    assert f'id="about-{field}"' in refused.text
    assert name == "digest_at" or 'value="09:15"' in refused.text
    assert "<script>alert" not in refused.text
    assert await stored(database, agent) == NotificationPreferences()


async def test_a_viewer_sees_its_rules_and_changes_none(client: httpx.AsyncClient, database: Database) -> None:
    viewer = await person(client, database, Role.VIEWER)
    page = await viewer.page(NOTIFICATIONS)
    assert "An admin sets the notifications of viewers." in page.text
    assert "Save" not in [text.strip() for text in page.texts]
    assert (await viewer.post(NOTIFICATIONS, **await form_of(viewer, time_zone="Europe/Lisbon"))).status_code == 403
