"""What mail the contacts of a ticket get by their roles, and who gets copies."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import uuid4

import pytest

from clearline.accounts import usecases as accounts
from clearline.catalogue.assessment import Priority
from clearline.identity import OPERATOR, Actor, Role
from clearline.mail.outbound import opt_out_usecases as opt_outs
from clearline.mail.outbound.domain import RateLimits
from clearline.mail.outbound.opt_out_domain import OptOut, ticket_topic
from clearline.mail.people import usecases as ticket_people
from clearline.mail.people.domain import LEAVE_PATH
from clearline.mail.people.sender_usecases import contact_actor
from clearline.notifications import preference_usecases as preferences
from clearline.notifications.contact_rules import DEFAULT_RULES, Notice, RuleRole, own_rules, rules_of
from clearline.notifications.recipients import GROUPING_WINDOW
from clearline.platform.database.transactions import Tx
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import note_usecases as notes
from clearline.tickets.contact import ContactRole, Person, PersonKind
from clearline.tickets.contacts import usecases as people
from clearline.tickets.domain import Channel, Status
from clearline.tickets.links import watcher_usecases as watchers
from clearline.tickets.note_domain import Visibility
from tests.builders.mail.notification_rig import CONTACT as REPORTER
from tests.builders.mail.notification_rig import NotificationRig, note
from tests.builders.notifications import CONTACT, Scene
from tests.builders.notifications import note as noted
from tests.builders.people import NOW, new_tenant
from tests.builders.tickets import raised

ADDRESSES: dict[RuleRole, str] = {
    role: f"{role}@people.example.org" for role in RuleRole if role is not RuleRole.REPORTER
}
CC = ADDRESSES[RuleRole.CC]
Do = Callable[[Scene], Awaitable[object]]


def person(role: RuleRole, email: str | None = None) -> Person:
    address = email or ADDRESSES[role]
    if role is RuleRole.CC:
        return Person(PersonKind.CC, address, "Cleo")
    return Person(PersonKind.CONTACT, address, role.title(), roles=(ContactRole(role),))


async def with_everybody(at: Scene) -> None:
    """Give the ticket of a scene a person of each role."""
    contacts = [person(role) for role in ADDRESSES if role is not RuleRole.CC]
    await people.set_people(at.tx, OPERATOR, at.number, contacts=contacts, cc=[person(RuleRole.CC)], now=NOW)
    await at.new_events()


def moved(*to: Status) -> Do:
    async def do(at: Scene) -> None:
        for status in to:
            await at.new_events()
            await ticket_changes.move_ticket(at.tx, at.people["mate"], at.number, status, reason="so", now=NOW)

    return do


def prioritized(at: Scene) -> Awaitable[object]:
    return ticket_changes.change_ticket(at.tx, at.people["mate"], at.number, {"priority": Priority.LOW}, now=NOW)


def retitled(at: Scene) -> Awaitable[object]:
    return ticket_changes.change_ticket(at.tx, at.people["mate"], at.number, {"title": "Port flaps"}, now=NOW)


EVENTS: dict[Notice, Do] = {
    Notice.ANSWERS: noted("mate"),
    Notice.CUSTOMER_NOTES: noted("colleague"),
    Notice.STATUS: moved(Status.PENDING),
    Notice.RESOLVED: moved(Status.IN_PROGRESS, Status.RESOLVED),
    Notice.PRIORITY: prioritized,
}


async def told(at: Scene) -> set[str]:
    """Return which roles are notified of the new events by mail."""
    by_address = {address: role for role, address in ADDRESSES.items()} | {CONTACT: RuleRole.REPORTER}
    notified = await at.notified()
    return {by_address[name] for name in notified if name in by_address} | (
        {RuleRole.REPORTER} if "contact" in notified else set()
    )


@pytest.mark.parametrize("notice", EVENTS)
async def test_each_role_gets_what_its_rule_says(scene: Scene, notice: Notice) -> None:
    await with_everybody(scene)
    await EVENTS[notice](scene)
    assert await told(scene) == {role for role, notices in DEFAULT_RULES.items() if notice in notices}


async def test_a_new_ticket_tells_the_roles_that_are_told_so(scene: Scene) -> None:
    await scene.new_events()
    await scene.raise_ticket()
    contacts = [person(role) for role in ADDRESSES if role is not RuleRole.CC]
    await people.set_people(scene.tx, OPERATOR, scene.number, contacts=contacts, cc=[person(RuleRole.CC)], now=NOW)
    scene.rewind()
    assert await told(scene) == {role for role, notices in DEFAULT_RULES.items() if Notice.RAISED in notices}


@pytest.mark.parametrize("do", [noted("mate", Visibility.INTERNAL), retitled], ids=["an internal note", "a new title"])
async def test_nobody_is_told_what_no_rule_names(scene: Scene, do: Do) -> None:
    await with_everybody(scene)
    await do(scene)
    assert await told(scene) == set()


async def test_a_company_sets_the_rules_of_its_roles_and_restores_the_defaults(scene: Scene) -> None:
    await with_everybody(scene)
    company_id = scene.tenant.company.id
    rules = {RuleRole.SITE_ACCESS: {Notice.ANSWERS}, RuleRole.TECHNICAL: set(), RuleRole.REPORTER: {Notice.STATUS}}
    boss = scene.people["boss"]
    await preferences.change_contact_mail(scene.tx, boss, company_id, rules=rules, now=NOW)
    await noted("mate")(scene)
    assert await told(scene) == {RuleRole.ON_DUTY, RuleRole.SITE_ACCESS, RuleRole.CC}
    restored = dict.fromkeys(rules)
    after = await preferences.change_contact_mail(scene.tx, boss, company_id, rules=restored, now=NOW)
    assert after.settings.rules == DEFAULT_RULES
    assert await scene.tx.fetchval("select contact_rules from company where id = $1", company_id) is None


def test_stored_rules_keep_what_differs_and_unknown_words_are_ignored() -> None:
    rules = {**DEFAULT_RULES, RuleRole.CC: frozenset({Notice.RESOLVED})}
    assert own_rules(rules) == {"cc": ["resolved"]}
    assert rules_of({"cc": ["resolved", "moon"], "astronaut": ["answers"]}) == rules


async def test_contact_watcher_and_copy_with_one_address_get_one_mail(scene: Scene) -> None:
    colleague = scene.address("colleague")
    await watchers.watch(scene.tx, OPERATOR, scene.number, scene.id("colleague"), now=NOW)
    contacts = [person(RuleRole.TECHNICAL, colleague.upper()), person(RuleRole.ON_DUTY, CONTACT.upper())]
    await people.set_people(scene.tx, OPERATOR, scene.number, contacts=contacts, now=NOW)
    await scene.new_events()
    await noted("mate")(scene)
    await scene.record()
    recipients = [stored.recipient.lower() for stored in await scene.stored()]
    assert recipients.count(colleague.lower()) == 1
    assert recipients.count(CONTACT) == 1


async def test_a_user_among_the_people_has_the_preferences_of_the_user(scene: Scene) -> None:
    await people.add_person(
        scene.tx, OPERATOR, scene.number, person(RuleRole.TECHNICAL, scene.address("colleague")), now=NOW
    )
    await scene.set_preferences("colleague", rules={"provider_note": "digest"})
    await scene.new_events()
    await noted("mate")(scene)
    assert (await scene.notified())["colleague"] == "digest"


async def test_an_agents_address_among_the_people_gets_what_customers_may_see(scene: Scene) -> None:
    await people.add_person(scene.tx, OPERATOR, scene.number, person(RuleRole.CC, scene.address("agent")), now=NOW)
    await scene.new_events()
    await noted("mate", Visibility.INTERNAL)(scene)
    assert "agent" not in await scene.notified()


async def test_nobody_is_told_what_they_wrote_by_mail_and_the_others_are(scene: Scene) -> None:
    """An absence notice of a copy that hides what it is ends there: it is not sent what it wrote."""
    second = person(RuleRole.CC, "second@people.example.org")
    await people.set_people(scene.tx, OPERATOR, scene.number, cc=[person(RuleRole.CC), second], now=NOW)
    author = await contact_actor(scene.tx, scene.tenant.company.id, person(RuleRole.CC).author)
    assert author is not None
    await scene.new_events()
    await notes.append_note(
        scene.tx, author, scene.number, "I am away", channel=Channel.EMAIL, visibility=Visibility.PUBLIC, now=NOW
    )
    notified = await scene.notified()
    assert "second@people.example.org" in notified
    assert CC not in notified


async def ticket_with_copy(rig: NotificationRig, *others: str) -> int:
    async def work(tx: Tx) -> int:
        number = await raised(tx, rig.tenant)
        cc = [Person(PersonKind.CC, address, "") for address in (CC, *others)]
        await people.set_people(tx, OPERATOR, number, cc=cc, now=NOW)
        return number

    number: int = await rig.transact(work)
    await rig.advance(GROUPING_WINDOW)
    await rig.take_sent()
    return number


async def test_the_mail_to_a_copy_says_why_it_comes_and_has_the_link_that_leaves_the_ticket(
    rig: NotificationRig,
) -> None:
    number = await ticket_with_copy(rig)
    await rig.transact(note(number, "We found it", OPERATOR))
    await rig.advance(GROUPING_WINDOW)
    message = next(each for each in await rig.take_messages() if CC in str(each["To"]))
    link = str(message["List-Unsubscribe"]).strip("<>")
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    body = message.get_body(("plain",))
    assert body is not None
    text = str(body.get_content())
    assert "somebody had you copied on a ticket" in " ".join(text.split())
    assert f"Leave this ticket: {link}" in text
    assert "/portal/" not in text, "who cannot sign in gets no link to a page that asks for it"

    async def left(tx: Tx) -> None:
        membership = await ticket_people.membership_of(tx, link.partition(LEAVE_PATH)[2])
        assert membership is not None
        await ticket_people.leave(tx, membership, now=rig.now)

    await rig.transact(note(number, "And mended it", OPERATOR))
    await rig.record()
    await rig.transact(left)
    rig.now += GROUPING_WINDOW
    await rig.compose()
    assert [sent.to for sent in await rig.take_sent()] == [REPORTER], "what waited is not sent any more"


async def test_who_stopped_mail_about_the_ticket_or_is_suppressed_gets_none(rig: NotificationRig) -> None:
    number = await ticket_with_copy(rig, "bad@people.example.org")
    company_id = rig.tenant.company.id
    await rig.transact(lambda tx: opt_outs.stop(tx, OptOut(company_id, CC, ticket_topic(number)), now=NOW))
    await rig.transact(
        lambda tx: tx.write(
            "insert into mail_suppression (address, reason, created_at) values ($1, 'manual', $2)",
            "bad@people.example.org",
            NOW,
        )
    )
    await rig.transact(note(number, "We found it", OPERATOR))
    await rig.advance(GROUPING_WINDOW)
    async with rig.database.transaction() as tx:
        rows = await tx.fetch("select recipient, state from outbound_mail order by recipient")
    assert [tuple(row) for row in rows] == [(REPORTER, "waiting"), ("bad@people.example.org", "dead")]


async def test_copies_count_against_the_limit_of_mail_to_contacts_of_the_company(rig: NotificationRig) -> None:
    many = [f"c{place}@people.example.org" for place in range(19)]
    number = await ticket_with_copy(rig, *many)
    rig.now += timedelta(hours=2)
    rig.limit(RateLimits(per_company_contacts=5))
    await rig.transact(note(number, "We found it", OPERATOR, at=rig.now))
    await rig.advance(GROUPING_WINDOW)
    assert len(await rig.take_sent()) == 5
    assert await rig.pending_count() == 0


async def test_the_address_of_another_companys_user_gets_mail_as_a_mere_address(rig: NotificationRig) -> None:
    other = await new_tenant(rig.database)
    number = await ticket_with_copy(rig, other.user.email)
    await rig.transact(note(number, "We found it", OPERATOR))
    await rig.advance(GROUPING_WINDOW)
    mail = next(sent for sent in await rig.take_sent() if sent.to == other.user.email)
    assert "/portal/" not in mail.text
    assert other.user.name not in mail.text
    assert other.company.name not in mail.text


async def test_an_unconfirmed_user_among_the_people_gets_nothing(rig: NotificationRig) -> None:
    async def work(tx: Tx) -> tuple[int, str]:
        number, email = await raised(tx, rig.tenant), f"{uuid4().hex[:8]}@example.com"
        boss = await accounts.add_user(
            tx, OPERATOR, rig.tenant.company.code, name="Boss", email=f"b{email}", phone="", role=Role.CUSTOMER_ADMIN,
            now=NOW,
        )  # fmt: skip
        admin = Actor(Role.CUSTOMER_ADMIN, "Boss", rig.tenant.company, boss, scopes=rig.tenant.actor.scopes)
        await tx.write(
            """insert into app_user (company_id, id, name, email, phone, role, is_confirmed, created_at)
               values ($1, gen_random_uuid(), 'Una', $2, '', 'customer', false, $3)""",
            rig.tenant.company.id,
            email,
            NOW,
        )
        await people.set_people(tx, admin, number, cc=[Person(PersonKind.CC, email)], now=NOW)
        return number, email

    number, email = await rig.transact(work)
    await rig.transact(note(number, "We found it", OPERATOR))
    await rig.advance(GROUPING_WINDOW)
    assert email not in [sent.to for sent in await rig.take_sent()]
