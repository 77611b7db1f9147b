"""The section of webhooks, and the log of their deliveries."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import httpx
import pytest
from msgspec.structs import replace

from clearline.clock import now
from clearline.identity import OPERATOR, PROVIDER_ID, Role
from clearline.platform.database.transactions import Database
from clearline.webhooks import subscription_usecases as subscriptions
from clearline.webhooks.delivery_actions.domain import Action, DeliveryAction
from clearline.webhooks.delivery_domain import DeliveryState
from clearline.webhooks.subscription_domain import Subscription
from tests.builders.web.pages import Page, Person, led_to, person
from tests.builders.webhooks.sending import PROVIDER, all_deliveries, in_progress, insert_deliveries
from tests.web.console.admin.forms import let_time_pass

WEBHOOKS = "/console/admin/webhooks"
URL = "https://hooks.example.com/desk?token=only-ours"
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


@pytest.fixture
async def admin(client: httpx.AsyncClient, database: Database) -> AsyncIterator[Person]:
    yield await person(client, database, Role.ADMIN, "Ada Admin")
    async with database.transaction() as tx:
        await tx.write("delete from subscription where company_id = $1", PROVIDER_ID)


def form_of(**values: str) -> dict[str, str]:
    return {"url": URL, "description": "Billing", "types": "ticket.", "once": uuid4().hex, **values}


async def added(admin: Person, **values: str) -> tuple[str, str]:
    """Add a webhook; return the address of its form and its secret."""
    answer = await admin.post(WEBHOOKS, **form_of(**values))
    assert answer.status_code == 200, answer.text
    [secret] = secrets_in(answer)
    return answer.headers["hx-push-url"], secret


def secrets_in(answer: httpx.Response) -> list[str]:
    return [field["value"] or "" for field in Page(answer.text).all("input") if "readonly" in field]


def hidden(page: Page, name: str) -> str:
    return next(field["value"] or "" for field in page.all("input") if field.get("name") == name)


async def webhook_at(database: Database, path: str) -> Subscription:
    async with database.statement() as tx:
        return await subscriptions.get_subscription(tx, OPERATOR, UUID(path.rsplit("/", 1)[-1]), of=PROVIDER)


async def fail_all(database: Database, webhook: Subscription) -> None:
    """Make dead letters of the waiting deliveries, each after an attempt that was refused."""
    # The application of the tests sends deliveries, too: what it did until now is forgotten.
    async with database.transaction() as tx:
        await tx.write("delete from delivery_attempt where subscription_id = $1", webhook.id)
        await tx.write(
            """
            with failed as (
                update delivery set state = 'dead', attempts = 1, due_at = null, claimed_until = null, finished_at = $2
                 where subscription_id = $1
                returning company_id, subscription_id, number
            )
            insert into delivery_attempt (company_id, subscription_id, delivery_number, number, at, milliseconds,
                                          status, answer)
            select company_id, subscription_id, number, 1, $2, 12, 500, $3 from failed
            """,
            webhook.id,
            now(),
            HOSTILE,
        )
    assert {delivery.state for delivery in await all_deliveries(database, webhook)} == {DeliveryState.DEAD}


async def test_a_webhook_is_added_once_and_its_secret_shown_once(database: Database, admin: Person) -> None:
    form = form_of()
    first, again = await admin.post(WEBHOOKS, **form), await admin.post(WEBHOOKS, **form)
    path = first.headers["hx-push-url"]
    assert (first.status_code, again.status_code, again.headers["location"]) == (200, 303, path)
    [secret] = secrets_in(first)
    assert secret.startswith("whsec_")
    page = await admin.get(path)
    assert secret not in page.text
    assert hidden(Page(page.text), "url") == URL
    webhook = await webhook_at(database, path)
    assert (webhook.url, webhook.description, webhook.types) == (URL, "Billing", ("ticket.",))
    listed = await admin.page(WEBHOOKS)
    assert "Billing" in listed.text
    assert "only-ours" not in listed.text


async def test_a_webhook_is_changed_unless_somebody_else_did(database: Database, admin: Person) -> None:
    path, _secret = await added(admin)
    version = hidden(await admin.page(path), "version")
    changed = await admin.post(path, **form_of(description="Invoices", version=version))
    assert changed.status_code == 303, changed.text
    assert "Saved." in (await admin.page(changed.headers["location"])).text
    late = await admin.post(path, **form_of(description="Mine", version=version))
    assert late.status_code == 409
    assert "Now stored: Invoices" in Page(late.text).text
    assert hidden(Page(late.text), "description") == "Mine"
    assert (await webhook_at(database, path)).description == "Invoices"


@pytest.mark.parametrize(
    ("name", "wrong", "shown"),
    [
        ("url", "", "Must be an https URL"),
        ("url", "http://hooks.example.com/", "Must begin with https://"),
        ("url", "https://127.0.0.1/", "Must lead to a public address."),
        ("url", HOSTILE, "Must be an https URL"),
        ("description", "x" * 256, "Must have at most 255 characters."),
        ("types", "nothing.", "Must be a type of event"),
        ("types", HOSTILE, "Must be a type of event"),
    ],
)
async def test_a_refused_form_names_the_field_and_keeps_the_rest(
    admin: Person, name: str, wrong: str, shown: str
) -> None:
    path, _secret = await added(admin)
    version = hidden(await admin.page(path), "version")
    for address in (WEBHOOKS, path):
        refused = await admin.post(address, **form_of(**{"description": "kept here", "version": version, name: wrong}))
        assert refused.status_code == 422, refused.text
        assert shown in Page(refused.text).text
        assert f'id="about-{name}"' in refused.text
        assert name == "description" or 'value="kept here"' in refused.text
        assert "<script>alert" not in refused.text


async def test_what_decides_where_events_go_needs_the_password_again(database: Database, admin: Person) -> None:
    path, _secret = await added(admin)
    version = hidden(await admin.page(path), "version")
    await let_time_pass(database, admin.user)
    before = await webhook_at(database, path)
    for address, form in (
        (WEBHOOKS, form_of()),
        (path, form_of(url="https://evil.example.com/", version=version)),
        (f"{path}/rotate", {"once": "rotate"}),
    ):
        asked = await admin.post(address, **form)
        assert (asked.status_code, "Confirm that it is you" in asked.text) == (403, True)
        assert secrets_in(asked) == []
    assert await webhook_at(database, path) == before
    assert (await admin.post(path, **form_of(description="Invoices", version=version))).status_code == 303


async def test_a_secret_is_rotated_once_and_the_new_one_shown_once(database: Database, admin: Person) -> None:
    path, old = await added(admin)
    first, again = [await admin.post(f"{path}/rotate", once="a rotation") for _time in range(2)]
    assert (first.status_code, again.status_code, again.headers["location"]) == (200, 303, path)
    [new] = secrets_in(first)
    assert new != old
    assert (await webhook_at(database, path)).generation == 2
    page = await admin.get(path)
    assert new not in page.text
    assert "The previous one signs until" in Page(page.text).text


async def test_a_webhook_is_paused_and_resumed(database: Database, admin: Person) -> None:
    path, _secret = await added(admin)
    assert (await admin.post(f"{path}/pause")).status_code == 303
    assert not (await webhook_at(database, path)).is_active
    page = await admin.page(path)
    assert "paused" in page.text
    assert "Send a test" not in page.text
    refused = await admin.post(f"{path}/test", once="a test")
    assert refused.status_code == 409
    assert "The subscription is not active" in Page(refused.text).text
    assert (await admin.post(f"{path}/resume")).status_code == 303
    assert (await webhook_at(database, path)).is_active


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (Action.GIVE_UP, "The deliveries that waited are being marked as failed."),
        (Action.RESUME, "The deliveries that wait for a retry are sent now, oldest first."),
    ],
)
async def test_the_page_says_how_far_something_is_with_all_deliveries(
    database: Database, admin: Person, action: Action, words: str
) -> None:
    path, _secret = await added(admin)
    webhook = await webhook_at(database, path)
    begun = DeliveryAction(action, after=1, through=9, done=4000, total=None, started_at=now())
    async with in_progress(database, webhook, begun):
        page = await admin.page(path)
        assert words in page.text
        assert "are done" not in page.text
    async with in_progress(database, webhook, replace(begun, total=1_000_000)):
        assert "4,000 of 1,000,000 are done." in (await admin.page(path)).text
    assert words not in (await admin.page(path)).text


async def test_a_test_is_sent_once_and_opens_its_delivery(database: Database, admin: Person) -> None:
    path, _secret = await added(admin)
    first, again = [await admin.post(f"{path}/test", once="a test") for _time in range(2)]
    [delivery] = await all_deliveries(database, await webhook_at(database, path))
    assert first.headers["location"] == again.headers["location"] == f"{path}/deliveries/{delivery.id}"
    page = await admin.page(first.headers["location"])
    for text in ("ping", "Waiting", str(delivery.id), '"type": "ping"'):
        assert text in page.text
    assert f"{path}/deliveries/{delivery.id}" in (await admin.page(path)).links(path)


async def test_the_log_has_each_delivery_with_its_attempts_and_payload(database: Database, admin: Person) -> None:
    path, _secret = await added(admin)
    webhook = await webhook_at(database, path)
    [delivery_id] = await insert_deliveries(database, webhook)
    await fail_all(database, webhook)
    log = f"{path}/deliveries"
    assert (await admin.page(f"{log}?state=delivered")).links(f"{log}/") == []
    [address] = (await admin.page(f"{log}?state=dead")).links(f"{log}/")
    assert address == f"{log}/{delivery_id}?state=dead"
    answer = await admin.get(address)
    page = Page(answer.text)
    for text in ("Failed", "1 attempt", "500", "12 ms", '"n": 0', "Replay"):
        assert text in page.text
    assert "<script>alert" not in answer.text


async def test_one_failed_delivery_is_replayed(database: Database, admin: Person) -> None:
    path, _secret = await added(admin)
    webhook = await webhook_at(database, path)
    [delivery_id, _other] = await insert_deliveries(database, webhook, count=2)
    await fail_all(database, webhook)
    address = f"{path}/deliveries/{delivery_id}"
    answer = await admin.post(f"{address}/replay")
    assert (answer.status_code, led_to(answer)) == (303, f"{address}?done=replay")
    assert "It is sent again now." in (await admin.page(answer.headers["location"])).text
    again = await admin.post(f"{address}/replay")
    assert again.status_code == 409
    assert "The delivery waits to be sent already." in Page(again.text).text
    states = {delivery.id: delivery.state for delivery in await all_deliveries(database, webhook)}
    assert states[delivery_id] is DeliveryState.WAITING
    assert list(states.values()).count(DeliveryState.DEAD) == 1


async def test_all_failed_deliveries_are_replayed(database: Database, admin: Person) -> None:
    path, _secret = await added(admin)
    webhook = await webhook_at(database, path)
    await insert_deliveries(database, webhook, count=3)
    await fail_all(database, webhook)
    answer = await admin.post(f"{path}/replay")
    assert "are sent again" in (await admin.page(answer.headers["location"])).text
    assert {delivery.state for delivery in await all_deliveries(database, webhook)} == {DeliveryState.WAITING}


async def test_the_log_goes_on_behind_its_first_page(database: Database, admin: Person) -> None:
    path, _secret = await added(admin)
    ids = await insert_deliveries(database, await webhook_at(database, path), count=53)
    log = f"{path}/deliveries"
    first = await admin.page(f"{log}?state=waiting")
    [older] = first.links(f"{log}?state=waiting&after=")
    second = await admin.page(older)
    shown = [*first.links(f"{log}/"), *second.links(f"{log}/")]
    assert shown == [f"{log}/{delivery_id}?state=waiting" for delivery_id in reversed(ids)]
    assert (await admin.get(f"{log}?after=nonsense")).status_code == 400
    assert (await admin.get(older.replace("waiting", "dead"))).status_code == 400


async def test_a_webhook_is_deleted_with_its_log(admin: Person) -> None:
    path, _secret = await added(admin)
    answer = await admin.post(f"{path}/delete")
    assert "Deleted." in (await admin.page(answer.headers["location"])).text
    assert (await admin.get(path)).status_code == 404
    assert (await admin.get(f"{path}/deliveries")).status_code == 404


async def test_names_and_types_are_shown_as_text(admin: Person) -> None:
    path, _secret = await added(admin, description=HOSTILE)
    for address in (WEBHOOKS, path, f"{path}/deliveries"):
        answer = await admin.get(address)
        assert "<script>alert" not in answer.text
        assert not [tag for tag, attributes in Page(answer.text).tags if "onerror" in attributes]
