"""The section of the provider's people."""

import re
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest

from clearline.accounts import usecases as accounts
from clearline.clock import now
from clearline.identity import OPERATOR, PROVIDER_ID, Role, User
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.domain import ticket_number
from tests.builders.application import serving
from tests.builders.people import new_staff, new_tenant
from tests.builders.sign_in.second_factors import enrol
from tests.builders.sign_in.sessions import PASSWORD, new_person_with_password, signed_in
from tests.builders.tickets import raised
from tests.builders.web.pages import Page, Person, person
from tests.web.console.admin.forms import let_time_pass

PEOPLE = "/console/admin/people"
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


@pytest.fixture
async def admin(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database, Role.ADMIN, "Ada Admin")


def hidden(page: Page, name: str) -> str:
    return next(field["value"] or "" for field in page.all("input") if field.get("name") == name)


def new_form(**values: str) -> dict[str, str]:
    email = f"{uuid4().hex}@example.net"
    return {"name": "Mara Lind", "email": email, "phone": "", "role": "agent", "once": uuid4().hex, **values}


def form_of(user: User, version: str, **values: str) -> dict[str, str]:
    return {
        "name": user.name, "email": user.email, "phone": user.phone, "role": user.role, "is_available": "on",
        "version": version, **values,
    }  # fmt: skip


async def stored(database: Database, user: User) -> User:
    async with database.statement() as tx:
        return await accounts.get_user(tx, OPERATOR, PROVIDER_ID, user.id)


async def colleague(database: Database, role: Role = Role.AGENT) -> User:
    return (await new_staff(database, role, "Ines Duarte")).user


async def test_a_person_is_added_once_and_shown(admin: Person) -> None:
    form = new_form(phone="+1-555-0142")
    first = await admin.post(PEOPLE, **form)
    again = await admin.post(PEOPLE, **form)
    assert (first.status_code, again.status_code) == (303, 303)
    assert first.headers["location"] == again.headers["location"]
    page = await admin.page(first.headers["location"])
    for text in ("Mara Lind", form["email"], "Added.", "Make a sign-in link", "No second factor is set up."):
        assert text in page.text
    assert (await admin.page(PEOPLE)).text.count(form["email"]) == 1


async def test_a_refused_form_keeps_what_was_typed_and_names_the_fields(admin: Person) -> None:
    refused = await admin.post(PEOPLE, **new_form(name="", email="nobody", phone="+1-555-0142", once="one"))
    assert refused.status_code == 422
    page = Page(refused.text)
    assert "Must have 1 to 255 characters." in page.text
    assert "Must be an e-mail address of at most 254 characters." in page.text
    fields = {field.get("name"): field for field in page.all("input")}
    assert (fields["email"]["value"], fields["phone"]["value"], fields["once"]["value"]) == (
        "nobody", "+1-555-0142", "one",
    )  # fmt: skip
    assert (fields["email"]["aria-invalid"], fields["email"]["aria-describedby"]) == ("true", "about-email")
    taken = await admin.post(PEOPLE, **new_form(email=admin.user.email))
    assert taken.status_code == 409
    assert f"User {admin.user.email} exists already." in Page(taken.text).text
    assert (await admin.post(PEOPLE, **new_form(role="customer"))).status_code == 422
    assert (await admin.post(PEOPLE, **new_form(role="king"))).status_code == 422


async def test_a_person_is_changed_unless_somebody_else_did_meanwhile(database: Database, admin: Person) -> None:
    user = await colleague(database)
    path = f"{PEOPLE}/{user.id}"
    version = hidden(await admin.page(path), "version")
    assert (await admin.post(path, **form_of(user, version, phone="+1-555-0100"))).headers["location"].startswith(path)
    late = await admin.post(path, **form_of(user, version, name="Ines D. Duarte"))
    assert late.status_code == 409
    page = Page(late.text)
    assert "Somebody changed this meanwhile." in page.text
    assert "Now stored: +1-555-0100" in page.text
    assert (await stored(database, user)).name == "Ines Duarte"
    assert any(field.get("value") == "Ines D. Duarte" for field in page.all("input"))
    saved = await admin.post(path, **form_of(user, hidden(page, "version"), name="Ines D. Duarte"))
    assert saved.status_code == 303
    assert (await stored(database, user)).name == "Ines D. Duarte"


async def test_the_last_admin_stays_one(client: httpx.AsyncClient, database: Database) -> None:
    async with database.transaction() as tx:
        await tx.write("update app_user set is_active = false where company_id = $1 and role = 'admin'", PROVIDER_ID)
    alone = await person(client, database, Role.ADMIN)
    path = f"{PEOPLE}/{alone.user.id}"
    refused = await alone.post(path, **form_of(alone.user, hidden(await alone.page(path), "version"), role="agent"))
    assert refused.status_code == 409
    assert "The last active admin must stay an admin: make another admin first." in Page(refused.text).text
    assert (await alone.post(f"{path}/deactivate", hand_over_to="")).status_code == 409
    assert (await stored(database, alone.user)).role is Role.ADMIN


@pytest.fixture
async def with_password(client: httpx.AsyncClient, database: Database) -> Person:
    """Return an admin with a password, who signed in too long ago to change roles."""
    user = await new_person_with_password(database, Role.ADMIN)
    token = (await signed_in(database, user, now=now())).token
    await let_time_pass(database, user)
    return Person(client, token, user)


async def test_another_role_needs_the_password_again_and_then_is_saved(
    database: Database, with_password: Person
) -> None:
    admin, user = with_password, await colleague(database)
    path = f"{PEOPLE}/{user.id}"
    form = form_of(user, hidden(await admin.page(path), "version"), role="viewer", name="Line one\nline <two>")
    asked = await admin.post(path, **form)
    assert asked.status_code == 403
    page = Page(asked.text)
    assert "Confirm that it is you" in page.text
    assert {name: hidden(page, name) for name in form} == form
    assert (await stored(database, user)).role is Role.AGENT
    wrong = await admin.post(path, **form, confirm_password="wrong")
    assert wrong.status_code == 422
    assert "This is not your password." in Page(wrong.text).text
    assert {name: hidden(Page(wrong.text), name) for name in form} == form
    done = await admin.post(path, **form, confirm_password=PASSWORD)
    assert done.status_code == 303, done.text
    assert (await stored(database, user)).role is Role.VIEWER
    renewed = re.search(r"clearline-session=([^;]+)", done.headers["set-cookie"])
    assert renewed is not None
    assert (await admin.get(path)).status_code == 303  # the old token has ended
    assert (await Person(admin.client, renewed[1], admin.user).get(path)).status_code == 200


@pytest.mark.parametrize("action", ["link", "activate", "second-factor"])
async def test_what_gives_or_takes_access_needs_the_password_again(
    database: Database, with_password: Person, action: str
) -> None:
    user = await colleague(database)
    answer = await with_password.post(f"{PEOPLE}/{user.id}/{action}")
    assert (answer.status_code, "Confirm that it is you" in answer.text) == (403, True)
    assert (await with_password.post(PEOPLE, **new_form())).status_code == 403


async def test_a_form_that_is_refused_after_the_password_works_with_the_new_token(with_password: Person) -> None:
    refused = await with_password.post(PEOPLE, **new_form(name=""), confirm_password=PASSWORD)
    assert refused.status_code == 422
    renewed = re.search(r"clearline-session=([^;]+)", refused.headers["set-cookie"])
    assert renewed is not None
    token = hidden(Page(refused.text), "csrf")
    person_now = Person(with_password.client, renewed[1], with_password.user)
    sent = await person_now.client.post(PEOPLE, headers=person_now.headers, data={**new_form(), "csrf": token})
    assert sent.status_code == 303, sent.text


async def test_a_person_is_deactivated_and_its_tickets_are_handed_over(database: Database, admin: Person) -> None:
    leaving, heir, tenant = await colleague(database), await colleague(database), await new_tenant(database)
    async with database.transaction() as tx:
        number = await raised(tx, tenant, "A slow port")
        await ticket_changes.assign(tx, OPERATOR, number, leaving.id, now=now())
    path = f"{PEOPLE}/{leaving.id}"
    for wrong, status in (("nobody", 422), (str(leaving.id), 422)):
        refused = await admin.post(f"{path}/deactivate", hand_over_to=wrong)
        assert refused.status_code == status, refused.text
    done = await admin.post(f"{path}/deactivate", hand_over_to=str(heir.id))
    assert done.status_code == 303, done.text
    page = await admin.page(done.headers["location"])
    assert "Deactivated. The open tickets were handed over." in page.text
    assert not (await stored(database, leaving)).is_active
    ticket = await admin.page(f"/console/tickets/{ticket_number(number)}")
    assert heir.name in ticket.text
    assert (await admin.post(f"{path}/activate")).status_code == 303
    assert (await stored(database, leaving)).is_active


async def test_sessions_end_and_a_second_factor_is_reset(
    client: httpx.AsyncClient, database: Database, admin: Person
) -> None:
    user = await new_person_with_password(database)
    path = f"{PEOPLE}/{user.id}"
    there = Person(client, (await signed_in(database, user, now=now())).token, user)
    assert (await there.get("/console/open")).status_code == 200
    assert (await admin.post(f"{path}/sign-out")).status_code == 303
    assert (await there.get("/console/open")).status_code == 303
    assert (await admin.post(f"{path}/second-factor")).status_code == 409
    await enrol(database, user, secret_key=None, now=now())
    assert "A second factor is set up." in (await admin.page(path)).text
    assert (await admin.post(f"{path}/second-factor")).status_code == 303
    assert "No second factor is set up." in (await admin.page(path)).text


async def test_a_link_is_shown_once_where_no_mail_goes_out(
    client: httpx.AsyncClient, database: Database, admin: Person
) -> None:
    user = await colleague(database)
    path = f"{PEOPLE}/{user.id}"
    answer = await admin.post(f"{path}/link")
    assert answer.status_code == 200
    assert answer.headers["hx-push-url"] == path
    [link] = [field["value"] or "" for field in Page(answer.text).all("input") if "readonly" in field]
    assert link.startswith("http")
    assert link.partition("token=")[2] not in (await admin.get(path)).text
    opened = await client.get("/sign-in/link?" + link.partition("?")[2])
    assert opened.status_code == 200
    async with database.transaction() as tx:
        await accounts.change_user(tx, OPERATOR, PROVIDER_ID, user.id, {"is_active": False}, now=now())
    assert (await admin.post(f"{path}/link")).status_code == 409


@pytest.fixture
async def mailing(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(
        database_url=database_url, rate_limit=0, access_log=False, workers=False,
        smtp="smtp://mail.example.com:25", mail_from="desk@example.com",
    )  # fmt: skip
    async with serving(settings) as opened:
        yield opened


async def test_an_invitation_goes_out_by_mail(mailing: httpx.AsyncClient, database: Database) -> None:
    admin = await person(mailing, database, Role.ADMIN)
    form = new_form()
    added = await admin.post(PEOPLE, **form)
    assert added.status_code == 303, added.text
    page = await admin.page(added.headers["location"])
    assert "The invitation is on its way by mail." in page.text
    again = await admin.post(added.headers["location"].partition("?")[0] + "/link")
    assert "The link is on its way by mail." in (await admin.page(again.headers["location"])).text
    async with database.statement() as tx:
        assert await tx.fetchval("select count(*) from outbound_mail where recipient = $1", form["email"]) == 2


async def test_text_of_people_is_shown_as_text(database: Database, admin: Person) -> None:
    added = await admin.post(PEOPLE, **new_form(name=HOSTILE, phone=HOSTILE[:60]))
    path = added.headers["location"].partition("?")[0]
    answers = [await admin.get(path), await admin.get(PEOPLE)]
    answers.append(await admin.post(path, **new_form(name=HOSTILE, phone=HOSTILE, version="old")))
    answers.append(await admin.post(PEOPLE, **new_form(name=HOSTILE, phone=HOSTILE, role=HOSTILE)))
    await let_time_pass(database, admin.user)
    answers.append(await admin.post(PEOPLE, **new_form(name=HOSTILE, phone=HOSTILE)))
    for answer in answers:
        assert "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text
        assert not [tag for tag, attributes in Page(answer.text).tags if "onerror" in attributes]


async def test_a_long_list_has_pages(admin: Person, database: Database) -> None:
    async with database.transaction() as tx:
        for at in range(101):
            await accounts.add_user(
                tx, OPERATOR, PROVIDER_ID, name=f"Person {at}", email=f"p{at:03}-{uuid4().hex}@example.net", phone="",
                now=now(),
            )  # fmt: skip
    page = await admin.page(PEOPLE)
    [following] = page.links(f"{PEOPLE}?after=")
    second = await admin.page(following)
    first_ids, second_ids = set(page.links(f"{PEOPLE}/")), set(second.links(f"{PEOPLE}/"))
    assert len(first_ids) == 101  # and the form of a new one
    assert first_ids & second_ids == {f"{PEOPLE}/new"}
    assert (await admin.get(f"{PEOPLE}?after=forged")).status_code == 400
