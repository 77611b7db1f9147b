"""Searches as users type them, and the tickets that they find."""

import pytest

from clearline.errors import InvalidInput, ScopeMissing
from clearline.identity import OPERATOR, Actor, Role
from clearline.tickets import note_usecases as notes
from clearline.tickets.domain import Channel
from clearline.tickets.note_domain import Visibility
from tests.builders.people import NOW
from tests.builders.search.desk import SearchDesk


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("flapping", {"port"}),
        ("FLAPP", {"port"}),
        ("lapping", set()),
        ("a", set()),
        ("NET-AMS-0012", {"held"}),
        ("net-ams", {"held"}),
        ("ams-00", {"held"}),
        ("0012", {"held"}),
        ("CHG0030001", {"port"}),
        ("203.0.113.7", {"port"}),
        ("203.0.113", {"port"}),
        ("203.0.113.70", set()),
        ("198.51.100.0/28", {"port"}),
        ("198.51.100.0", {"port"}),
        ("2001:db8:0::1", {"port"}),
        ("001b.21ab.cdef", {"port"}),
        ("as64496", {"closed"}),
        ("64496", {"closed"}),
        ("vlan100", {"closed"}),
        ("xe-0/0/1", {"cjk"}),
        ("0/0/1", {"cjk"}),
        ("munchen", {"held"}),
        ("MÜNCHEN", {"held"}),
        ("東京", {"cjk"}),
        ("วงจร", {"thai"}),
        ("ขัดข้อง", {"thai"}),
        ("กรุงเทพ", {"thai"}),
        ('"ขัดข้องที่กรุงเทพ"', {"thai"}),
        ("กรุงลอนดอน", set()),
        ("ไฟเบี", set()),
        ("ໄຟເບີ", {"thai"}),
        ("កាប", {"thai"}),
        ("ខ្សែកាប", {"thai"}),
        ("ကြိုး", {"burmese"}),
        ("ဘာကြိုးပြတ်", {"burmese"}),
        ("障害", {"cjk"}),
        ("ポ", {"cjk"}),
        ("京東", set()),
        ("okoro flapping", {"port"}),
        ("15550199 flapping", {"port"}),
        ("+1-555-0199 flapping", {"port"}),
        ("555-0199 flapping", {"port"}),
        ("ada.okoro@birch.example.com flapping", {"port"}),
        ("birch.example.com flapping", {"port"}),
        ("optics", {"port", "held"}),
        ("optics -replace", {"held"}),
        ('"the optics"', {"port", "held"}),
        ('"the optics vendor"', {"held"}),
        ('"optics the"', set()),
        ('-"the optics" loss', {"closed"}),
        ('"flap"', set()),
        ("loss", {"held", "closed"}),
        ("loss status:open", {"held"}),
        ("loss status:closed", {"closed"}),
        ("loss -status:closed", {"held"}),
        ("status:held", {"held"}),
        ("service:Port", {"port"}),
        ("service:net-ams-0012", {"held"}),
        ('service:"non-console service" -service:net-ams-0012 loss', {"closed"}),
        ('issue:"Circuit Down"', {"held"}),
        ("priority:critical", {"held"}),
        ("trace-public.pcap", {"port"}),
        ("created:2026-03-01 flapping", {"port"}),
        ("created:>=2026-03-01 created:<2026-03-02 flapping", {"port"}),
        ("created:<2026-03-01", set()),
        ("created:>2026-03-01", set()),
        ("updated:>=2026-03-01 flapping", {"port"}),
        ("updated:<2026-03-01", set()),
        ("has:file", {"port"}),
        ("-has:file status:held", {"held"}),
        ("external:SNOW:chg0030001", {"port"}),
        ("external:snow:CHG003", set()),
        ("contact:Ada.Okoro@BIRCH.example.com status:held", {"held"}),
        ("contact:ada.okoro@birch.example", set()),
    ],
)
async def test_a_customer_finds_its_own_tickets(desk: SearchDesk, query: str, expected: set[str]) -> None:
    assert set(await desk.names(desk.tenant.actor, query)) == expected


@pytest.mark.parametrize("name", ["port", "held"])
async def test_a_ticket_is_found_by_its_number(desk: SearchDesk, name: str) -> None:
    number = desk.numbers[name]
    for query in (f"INC{number:012d}", f"inc{number:012d}", f"number:{number}", f"number:INC{number:012d}"):
        assert await desk.names(desk.tenant.actor, query) == [name]


@pytest.mark.parametrize(
    "query",
    [
        "bungled",
        "bung",
        '"bungled"',
        '"vendor bungled"',
        '"the vendor bungled it"',
        "margin-internal.xlsx",
        "margin",
        "night-shift",
        "night",
        "port bungled",
    ],
)
async def test_internal_text_is_found_by_the_staff_and_never_by_a_customer(desk: SearchDesk, query: str) -> None:
    assert len(await desk.names(desk.agent, query)) == 1
    assert await desk.names(desk.tenant.actor, query) == []


@pytest.mark.parametrize("query", ["flapping -bungled", 'flapping -"vendor bungled"', "flapping -margin"])
async def test_a_customer_cannot_detect_a_word_of_an_internal_note_by_excluding_it(
    desk: SearchDesk, query: str
) -> None:
    assert await desk.names(desk.tenant.actor, query) == ["port"]
    assert await desk.names(desk.agent, query) == ["foreign"]


async def test_an_excluded_word_is_matched_exactly(desk: SearchDesk) -> None:
    assert await desk.names(desk.agent, "flapping -bung") == await desk.names(desk.agent, "flapping")
    assert "port" not in await desk.names(desk.agent, "flapping -bungled")


async def test_a_phrase_does_not_match_across_public_and_internal_text(
    desk: SearchDesk,
) -> None:
    number = await desk.raise_ticket("mixed", "Mixed", "alpha bravo", internal=("bravo charlie", "alpha charlie"))
    await desk.follow()
    assert await desk.names(desk.tenant.actor, '"alpha bravo"') == ["mixed"]
    for query in ('"bravo charlie"', '"alpha charlie"', "alpha charlie", '"bravo alpha"'):
        assert await desk.names(desk.tenant.actor, query) == []
    assert await desk.names(desk.agent, '"bravo charlie"') == ["mixed"]
    assert number


async def test_internal_words_do_not_change_the_order_that_a_customer_sees(desk: SearchDesk) -> None:
    for name in ("first", "second", "third"):
        await desk.raise_ticket(name, "Order", "ranking probe" if name != "second" else "ranking probe probe probe")
    await desk.follow()
    before = await desk.find(desk.tenant.actor, "ranking probe")
    async with desk.database.transaction() as tx:
        for _ in range(5):
            await notes.add_note(
                tx, OPERATOR, desk.numbers["first"], "ranking probe " * 50, channel=Channel.CONSOLE,
                visibility=Visibility.INTERNAL, now=NOW,
            )  # fmt: skip
    await desk.follow()
    after = await desk.find(desk.tenant.actor, "ranking probe")
    assert [view.ticket.number for view in after.tickets] == [view.ticket.number for view in before.tickets]
    assert (await desk.names(desk.agent, "ranking probe"))[0] == "first"


@pytest.mark.parametrize(
    "query",
    [
        "tag:night-shift",
        "queue:none",
        "assignee:me",
        "watcher:me",
        "severity:extensive",
        "team:noc",
        "colour:red",
    ],
)
async def test_a_customer_has_no_filters_of_the_staff(desk: SearchDesk, query: str) -> None:
    with pytest.raises(
        InvalidInput, match=r"no filter .* must be one of status, service, issue, priority, number, created"
    ):
        await desk.find(desk.tenant.actor, query)


async def test_a_customer_never_finds_anothers_tickets(desk: SearchDesk) -> None:
    assert "foreign" in await desk.names(desk.other_tenant.actor, "optics")
    for query in ("", "optics", "203.0.113.7", "-zebra", "status:open", f"number:{desk.numbers['foreign']}"):
        result = await desk.find(desk.tenant.actor, query)
        assert {view.company.id for view in result.tickets} <= {desk.tenant.company.id}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("flapping", {"port", "foreign"}),
        ("company:{one} flapping", {"port"}),
        ("-company:{one} flapping", {"foreign"}),
        ("assignee:me", {"worked"}),
        ("assignee:AGENT@desk.example.net", {"worked"}),
        ("assignee:none flapping", {"port", "foreign"}),
        ('queue:"fibre north"', {"worked"}),
        ("-queue:none", {"worked"}),
        ("tag:Night-Shift", {"worked"}),
        ("watcher:me", {"worked"}),
        ("severity:extensive status:open -status:held", {"worked"}),
        ("{one} flapping", {"port"}),
    ],
)
async def test_the_staff_finds_the_tickets_of_every_company(desk: SearchDesk, query: str, expected: set[str]) -> None:
    query = query.format(one=desk.tenant.company.code)
    assert set(await desk.names(desk.agent, query)) == expected
    if "me" not in query:
        assert set(await desk.names(desk.viewer, query)) == expected
        assert set(await desk.names(OPERATOR, query)) == expected


@pytest.mark.parametrize(
    ("query", "rule"),
    [
        ("company:nobody", "name or code of a company"),
        ("queue:lost", "none or the name of a queue"),
        ("assignee:nobody@example.com", "me or the e-mail address"),
        ("watcher:none", "me or the e-mail address"),
    ],
)
async def test_an_unknown_name_is_refused(desk: SearchDesk, query: str, rule: str) -> None:
    with pytest.raises(InvalidInput, match=rule):
        await desk.find(desk.agent, query)


async def test_the_operator_cannot_filter_by_me(desk: SearchDesk) -> None:
    with pytest.raises(InvalidInput, match="unknown assignee"):
        await desk.find(OPERATOR, "assignee:me")


async def test_a_key_without_the_scope_to_read_is_refused(desk: SearchDesk) -> None:
    actor = Actor(Role.CUSTOMER, "Ada", desk.tenant.company, desk.tenant.user)
    with pytest.raises(ScopeMissing):
        await desk.find(actor, "optics")


async def test_words_that_look_like_facets_or_operators_of_tsquery_are_words(desk: SearchDesk) -> None:
    await desk.raise_ticket("forged", f"=company:{desk.other_tenant.company.id} =is:open '=tag:x' !& zulu", "=number:1")
    await desk.follow()
    assert "forged" not in await desk.names(desk.other_tenant.actor, "zulu")
    assert await desk.names(desk.tenant.actor, "zulu") == ["forged"]
    assert "forged" not in await desk.names(desk.agent, "tag:x")
    for query in ("zulu '", "zulu & | ! <-> :*", "zulu \\", "'zulu':*D"):
        assert await desk.names(desk.tenant.actor, query) in (["forged"], [])


async def test_a_better_match_comes_first_and_the_newest_among_equals(desk: SearchDesk) -> None:
    await desk.raise_ticket("in the title", "Backbone trouble", "Text")
    await desk.raise_ticket("in the text", "Trouble", "It is the backbone")
    await desk.raise_ticket("in the text too", "Trouble", "It is the backbone")
    await desk.follow()
    result = await desk.find(desk.tenant.actor, "backbone")
    assert result.is_ranked
    assert await desk.names(desk.tenant.actor, "backbone") == ["in the title", "in the text too", "in the text"]


async def test_without_words_the_newest_come_first(desk: SearchDesk) -> None:
    result = await desk.find(desk.tenant.actor, "status:open")
    numbers = [view.ticket.number for view in result.tickets]
    assert numbers == sorted(numbers, reverse=True)
    assert not result.is_ranked
    assert (result.count, result.is_exact) == (len(numbers), True)


async def test_a_match_has_the_current_values_of_the_ticket(desk: SearchDesk) -> None:
    [view] = (await desk.find(desk.agent, "tag:night-shift")).tickets
    assert view.queue_name == "Fibre North"
    assert view.assignee_name == "Mara agent"
    assert view.ticket.tags == ("night-shift",)
