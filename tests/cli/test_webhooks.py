import re
from uuid import uuid4

import pytest

from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.webhooks import delivery_store
from clearline.webhooks import delivery_usecases as deliveries
from clearline.webhooks import subscription_usecases as subscriptions
from tests.builders.application import run_command, run_json
from tests.builders.people import NOW, Tenant

URL = "https://hooks.example.com/desk"


@pytest.fixture
async def dead(database: Database, tenant: Tenant) -> tuple[str, str]:
    """Add a webhook of a customer with a dead delivery; return the ids of both."""
    async with database.transaction() as tx:
        subscription, _ = await subscriptions.add_subscription(
            tx, OPERATOR, {"url": URL}, of=tenant.company, networks=(), now=NOW
        )
        delivery = delivery_store.NewDelivery(
            tenant.company.id, subscription.id, uuid4(), 7, "ticket.created", 42, b'{"type":"ping"}'
        )
        await delivery_store.insert(tx, [delivery], now=NOW)
        await tx.write("update delivery set state = 'dead', finished_at = $2 where id = $1", delivery.id, NOW)
    return str(subscription.id), str(delivery.id)


def test_a_webhook_is_added_listed_changed_rotated_and_deleted(database_url: str) -> None:
    shown = run_command(database_url, "webhook", "add", URL, "--type", "ticket.", "--type", "note.added")
    assert shown.exit_code == 0, shown.output
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=\n", shown.stdout)
    [listed] = run_json(database_url, "webhook", "list")
    assert shown.stderr == f"Webhook {listed['id']} added. Store its secret: it is not shown again.\n"
    assert (listed["url"], listed["types"], listed["is_active"]) == (URL, ["ticket.", "note.added"], True)
    key = listed["id"]
    changed = run_json(database_url, "webhook", "change", key, "--all-types", "--off", "--description", "The NOC's")
    expected = {
        **listed,
        "types": [],
        "is_active": False,
        "description": "The NOC's",
        "updated_at": changed["updated_at"],
    }
    assert changed == expected
    first = run_json(database_url, "webhook", "rotate", key)
    second = run_json(database_url, "webhook", "rotate", key)
    assert first["secret"] != second["secret"]
    assert first["old_secret_until"] is not None
    refused = run_command(database_url, "webhook", "ping", key)
    assert (refused.exit_code, "not active" in refused.stderr) == (1, True)
    assert run_json(database_url, "webhook", "change", key, "--on")["is_active"]
    ping = run_json(database_url, "webhook", "ping", key)
    assert (ping["type"], ping["state"]) == ("ping", "waiting")
    table = run_command(database_url, "webhook", "list")
    assert URL in table.stdout
    assert run_json(database_url, "webhook", "delete", key) is None
    assert run_json(database_url, "webhook", "list") == []


@pytest.mark.parametrize("url", ["http://hooks.example.com/", "https://10.0.0.1/", "nonsense"])
def test_a_url_that_is_not_allowed_is_refused(database_url: str, url: str) -> None:
    refused = run_command(database_url, "webhook", "add", url)
    assert (refused.exit_code, refused.stderr.startswith("refused: url must")) == (1, True)


def test_another_companys_webhook_does_not_exist(
    database_url: str, other_tenant: Tenant, dead: tuple[str, str]
) -> None:
    for command in ("rotate", "ping", "delete", "deliveries"):
        refused = run_command(database_url, "webhook", command, dead[0], "--company", other_tenant.company.code)
        assert (refused.exit_code, refused.stderr) == (1, f"refused: subscription {dead[0]} does not exist\n")


def test_a_delivery_is_shown_and_replayed(database_url: str, tenant: Tenant, dead: tuple[str, str]) -> None:
    webhook, delivery = dead
    of = ("--company", tenant.company.code)
    [listed] = run_json(database_url, "webhook", "deliveries", webhook, "--state", "dead", *of)
    assert (listed["id"], listed["ticket"], listed["event"]) == (delivery, "INC000000000042", "7")
    shown = run_json(database_url, "webhook", "delivery", webhook, delivery, *of)
    assert (shown["body"], shown["attempts"]) == ({"type": "ping"}, [])
    assert run_command(database_url, "webhook", "delivery", webhook, delivery, *of).exit_code == 0
    assert "INC000000000042" in run_command(database_url, "webhook", "deliveries", webhook, *of).stdout
    replayed = run_json(database_url, "webhook", "replay", webhook, "--delivery", delivery, *of)
    assert (replayed["id"], replayed["state"]) == (delivery, "waiting")
    again = run_command(database_url, "webhook", "replay", webhook, "--delivery", delivery, *of)
    assert (again.exit_code, again.stderr) == (1, "refused: the delivery waits to be sent already\n")


@pytest.mark.parametrize(("since", "count"), [("2026-03-01", 1), ("2026-03-02T00:00", 0)])
def test_deliveries_since_a_time_are_replayed(
    database_url: str, tenant: Tenant, dead: tuple[str, str], since: str, count: int
) -> None:
    of = ("--company", tenant.company.code)
    replayed = run_json(database_url, "webhook", "replay", dead[0], "--since", since, *of)
    assert replayed == {"count": count, "has_more": False}
    assert deliveries.REPLAY_LIMIT == 10_000


def test_a_replay_without_a_selection_is_a_usage_error(database_url: str, dead: tuple[str, str]) -> None:
    assert run_command(database_url, "webhook", "replay", dead[0]).exit_code == 2
