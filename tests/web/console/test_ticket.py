"""The page of a ticket, and what its forms do."""

import asyncio

import httpx
import pytest

from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.queues import usecases as queues
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.domain import Status, ticket_number
from clearline.web.once import new_key
from tests.builders.people import NOW
from tests.builders.tickets import raised
from tests.builders.web.opened import HOSTILE, Opened, files_of, hidden
from tests.builders.web.pages import Page, person


async def test_the_page_shows_the_ticket_and_its_customer(opened: Opened) -> None:
    page = await opened.page()
    for word in (
        "Port is slow", "Slow since 08:00 UTC", "Ada Okoro", "via API", "SVC-1", "Service 1", "In progress", "Medium",
        "Nobody", opened.tenant.company.name, "ada@example.com", "+1-555-0199", "1 Mar 2026, 12:00 UTC",
    ):  # fmt: skip
        assert word in page.text, word
    assert len(page.all("h1")) == 1
    ids = [attributes["id"] for _tag, attributes in page.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)


async def test_a_reply_goes_to_the_customer_and_a_note_does_not(opened: Opened) -> None:
    await opened.send("messages", text="We look at it.\r\n\r\n  ge-0/0/1  down\r\n", visibility="public")
    await opened.send("messages", text="Same as last week", visibility="internal")
    _ticket, [reply, note] = await opened.stored()
    assert (reply.text, reply.visibility) == ("We look at it.\n\n  ge-0/0/1  down", "public")
    assert (reply.channel, reply.source, reply.author) == ("Console", "seller", "Ines Duarte")
    assert (note.text, note.visibility) == ("Same as last week", "internal")
    page = await opened.page()
    assert [entry["class"] for entry in page.all("article")] == ["entry message", "entry message", "entry note"]
    assert "Ines Duarte to customer" in page.text
    assert "Internal" in page.text


async def test_a_reply_can_also_change_the_status(opened: Opened) -> None:
    await opened.send("messages", text="What do you see?", visibility="public", then="pending")
    ticket, added = await opened.stored()
    assert (ticket.status, len(added)) == (Status.PENDING, 1)


@pytest.mark.parametrize(
    ("fields", "status", "shown"),
    [
        ({"text": " \n ", "visibility": "public"}, 422, "Write a message first."),
        ({"text": "x" * 4001, "visibility": "public"}, 422, "Text must have 1 to 4000 characters."),
        ({"text": "Kept text", "visibility": "secret"}, 422, "Visibility must be one of public, internal."),
        ({"text": "Kept text", "visibility": "internal", "then": "closed"}, 409, "cannot become “Closed”."),
        ({"text": "Kept text", "visibility": "internal", "then": "gone"}, 422, "Then must be one of"),
    ],
)
async def test_a_message_that_is_refused_is_not_stored_and_stays_in_the_composer(
    opened: Opened, fields: dict[str, str], status: int, shown: str
) -> None:
    answer = await opened.send("messages", status, **fields)
    page = Page(answer.text)
    assert shown in page.text
    assert fields["text"].strip() in page.text
    ticket, added = await opened.stored()
    assert (ticket.status, added) == (Status.IN_PROGRESS, [])


async def test_a_reply_to_messages_that_were_not_seen_is_held_back_once(opened: Opened) -> None:
    [seen] = [field["value"] or "" for field in (await opened.page()).all("input") if field.get("name") == "seen"]
    async with opened.database.transaction() as tx:
        await opened.note(tx, "It works again")
    answer = await opened.send("messages", 409, text="Still looking", visibility="public", seen=seen)
    page = Page(answer.text)
    assert "Others wrote while you were writing." in page.text
    assert "It works again" in page.text
    assert "Still looking" in page.text
    assert "Send anyway" in page.text
    assert [entry["class"] for entry in page.all("article")] == ["entry message", "entry message new"]
    assert len((await opened.stored())[1]) == 1
    [seen] = [field["value"] or "" for field in page.all("input") if field.get("name") == "seen"]
    await opened.send("messages", text="Glad to hear", visibility="public", seen=seen)
    assert [note.text for note in (await opened.stored())[1]] == ["It works again", "Glad to hear"]


async def test_a_reply_that_is_sent_twice_is_stored_once(opened: Opened) -> None:
    fields = {**hidden(await opened.page()), "text": "We look at it", "visibility": "public", "then": "pending"}
    assert len(fields["once"]) >= 22
    await opened.send("messages", **fields)
    await opened.send("messages", **fields)
    ticket, added = await opened.stored()
    assert ([note.text for note in added], ticket.status) == (["We look at it"], Status.PENDING)
    again = {**fields, **hidden(await opened.page()), "then": ""}
    await opened.send("messages", **again)
    assert [note.text for note in (await opened.stored())[1]] == ["We look at it", "We look at it"]


async def test_a_double_click_stores_one_reply(opened: Opened) -> None:
    fields = {**hidden(await opened.page()), "text": "We look at it", "visibility": "public"}
    await asyncio.gather(*(opened.send("messages", **fields) for _ in range(4)))
    assert len((await opened.stored())[1]) == 1


async def test_a_reply_changed_after_its_answer_was_lost_is_kept_and_can_be_sent(opened: Opened) -> None:
    fields = {**hidden(await opened.page()), "text": "We look at it", "visibility": "public"}
    await opened.send("messages", **fields)
    answer = await opened.send("messages", 409, **{**fields, "text": "We looked at it"})
    page = Page(answer.text)
    assert "An earlier version of this message was sent already" in page.text
    assert "We looked at it" in page.text
    assert "Send anyway" in page.text
    await opened.send("messages", **{**fields, **hidden(page), "text": "We looked at it"})
    assert [note.text for note in (await opened.stored())[1]] == ["We look at it", "We looked at it"]


async def test_the_key_of_a_reply_counts_for_one_ticket_and_one_person(
    opened: Opened, client: httpx.AsyncClient, database: Database
) -> None:
    fields = {**hidden(await opened.page()), "text": "We look at it", "visibility": "public"}
    async with database.transaction() as tx:
        other = Opened(opened.agent, database, opened.tenant, await raised(tx, opened.tenant, "Another"))
    colleague = Opened(await person(client, database, name="Mara Lind"), database, opened.tenant, opened.number)
    await opened.send("messages", **fields)
    await other.send("messages", **fields)
    del fields["seen"]
    await colleague.send("messages", **fields)
    assert [note.author for note in (await opened.stored())[1]] == ["Ines Duarte", "Mara Lind"]
    assert len((await other.stored())[1]) == 1


@pytest.mark.parametrize("key", ["", "x" * 65, "a\tb", "\u00e9"])
async def test_a_key_that_no_page_made_is_refused(opened: Opened, key: str) -> None:
    answer = await opened.send("messages", 422, text="We look at it", visibility="public", once=key)
    assert "We look at it" in Page(answer.text).text
    assert (await opened.stored())[1] == []


async def test_a_refused_reply_can_be_sent_again_once_it_is_mended(opened: Opened) -> None:
    fields = {**hidden(await opened.page()), "text": " ", "visibility": "public"}
    await opened.send("messages", 422, **fields)
    await opened.send("messages", **{**fields, "text": "We look at it"})
    assert len((await opened.stored())[1]) == 1


async def test_the_pickers_set_status_priority_assignee_queue_and_tags(opened: Opened) -> None:
    async with opened.database.transaction() as tx:
        queue = (await queues.add_queue(tx, OPERATOR, name=f"Q {opened.number}", now=NOW)).queue
    await opened.send("status", status="held")
    await opened.send("priority", priority="critical")
    await opened.send("assignee", assignee="me")
    await opened.send("queue", queue=str(queue.id))
    await opened.send("tags", tags="Optics, fibre  optics")
    ticket = await opened.ticket()
    assert (ticket.status, ticket.priority, ticket.assignee_id) == (Status.HELD, "critical", opened.agent.user.id)
    assert (ticket.queue_id, ticket.tags) == (queue.id, ("fibre", "optics"))
    page = await opened.page()
    assert "6 changes" in page.text
    for line in (
        "Ines Duarte set the status to On hold", "Ines Duarte set the priority to Critical",
        "Ines Duarte assigned the ticket to Ines Duarte", f"Ines Duarte moved the ticket to Q {opened.number}",
        "Ines Duarte changed the tags: +fibre +optics",
    ):  # fmt: skip
        assert line in page.text, line
    await opened.send("assignee", assignee="")
    await opened.send("queue", queue="")
    ticket = await opened.ticket()
    assert (ticket.assignee_id, ticket.queue_id) == (None, None)


@pytest.mark.parametrize(
    ("form", "fields", "status", "shown"),
    [
        ("status", {"status": "closed"}, 409, "A ticket that is “In progress” cannot become “Closed”."),
        ("status", {"status": "nothing"}, 422, "Status must be one of"),
        ("priority", {"priority": ""}, 422, "Priority must be one of low, medium, high, critical."),
        ("assignee", {"assignee": "somebody"}, 422, "Assignee must be an id."),
        ("assignee", {"assignee": "5f0c9a56-2c1e-4d59-9d0e-0f5a3c1b7e42"}, 422, "must be the id of an active agent."),
        ("queue", {"queue": "5f0c9a56-2c1e-4d59-9d0e-0f5a3c1b7e42"}, 422, "must be the id of a queue."),
        ("tags", {"tags": "x" * 200}, 422, "Tags"),
        ("links", {"type": "related", "ticket": "42x"}, 422, "must be a ticket's number"),
        ("links", {"type": "nothing", "ticket": "42"}, 422, "Type must be one of"),
    ],
)
async def test_what_cannot_be_changed_is_said_on_the_page(
    opened: Opened, form: str, fields: dict[str, str], status: int, shown: str
) -> None:
    answer = await opened.send(form, status, **fields)
    page = Page(answer.text)
    assert shown in page.text
    assert "Port is slow" in page.text
    assert (await opened.ticket()).version == 2


async def test_tickets_are_linked_and_unlinked(opened: Opened) -> None:
    async with opened.database.transaction() as tx:
        other = await raised(tx, opened.tenant, "Cause <of> it")
    await opened.send("links", type="caused_by", ticket=str(other))
    page = await opened.page()
    assert "Caused by Cause <of> it" in page.text
    assert ticket_number(other) in page.text
    [link] = [button["value"] or "" for button in page.all("button") if button.get("name") == "link"]
    await opened.send("links/remove", link=link)
    assert "Caused by Cause <of> it" not in (await opened.page()).text


async def test_files_are_attached_as_reply_or_note(opened: Opened) -> None:
    for name, visibility in (("levels <1>.txt", "public"), ("trace.txt", "internal")):
        answer = await opened.agent.upload(f"{opened.path}/files", name, b"rx -14.6")
        assert (answer.status_code, f"{name} 8 B" in Page(answer.text).text) == (200, True)
        [file] = files_of(await opened.page())
        await opened.send("messages", text="See the file", visibility=visibility, file=file)
    page = await opened.page()
    assert "levels <1>.txt 8 B" in page.text
    assert [entry["class"] for entry in page.all("article")] == ["entry message", "entry message", "entry note"]
    [path, _internal] = page.links(f"{opened.path}/files/")
    assert (await opened.agent.get(path)).content == b"rx -14.6"


@pytest.mark.parametrize(
    ("name", "content", "shown"),
    [
        ("../..", b"a", "Name must not be blank or only dots."),
        ("a.txt", b"", "must not be empty"),
    ],
)
async def test_a_file_that_is_refused_says_why(opened: Opened, name: str, content: bytes, shown: str) -> None:
    answer = await opened.agent.upload(f"{opened.path}/files", name, content)
    assert answer.status_code == 422
    assert shown in Page(answer.text).text
    assert (await opened.page()).links(f"{opened.path}/files/") == []


async def test_earlier_messages_are_shown_on_request(opened: Opened) -> None:
    async with opened.database.transaction() as tx:
        for at in range(102):
            await opened.note(tx, f"Message {at}.")
    page = await opened.page()
    assert "Message 1." not in page.text
    assert "Message 101." in page.text
    [link] = page.links(f"{opened.path}?")
    assert "Message 1." in (await opened.agent.page(link)).text


async def test_a_finished_ticket_has_no_composer(opened: Opened) -> None:
    async with opened.database.transaction() as tx:
        for status in (Status.RESOLVED, Status.CLOSED):
            await ticket_changes.move_ticket(tx, OPERATOR, opened.number, status, reason="", now=NOW)
    page = await opened.page()
    assert page.all("textarea") == []
    assert "This ticket is finished" in page.text
    answer = await opened.send("messages", 409, text="Too late", visibility="public")
    assert "This message was not sent: Too late" in Page(answer.text).text


async def test_the_list_that_a_person_came_from_stands_beside_the_ticket(opened: Opened) -> None:
    async with opened.database.transaction() as tx:
        above = await raised(tx, opened.tenant, "The one above")
    page = await opened.agent.page(f"{opened.path}?list=open&sort=number")
    at = [link for link in page.all("a") if link.get("data-key") in {"j", "k"}]
    assert {link["data-key"]: link["href"] for link in at}["j"] == (
        f"/console/tickets/{ticket_number(above)}?list=open&sort=number"
    )
    assert page.links("/console/open?")[0] == "/console/open?sort=number"
    answer = await opened.agent.post(f"{opened.path}/priority?list=open&sort=number&x=//evil", priority="low")
    assert answer.headers["location"] == f"{opened.path}?list=open&sort=number"
    assert (await opened.agent.get(f"{opened.path}?list=nothing")).status_code == 200


async def test_a_ticket_that_left_the_list_keeps_its_neighbours(opened: Opened) -> None:
    async with opened.database.transaction() as tx:
        above = await raised(tx, opened.tenant, "The one above")
        await ticket_changes.assign(tx, OPERATOR, opened.number, opened.agent.user.id, now=NOW)
    page = await opened.agent.page(f"{opened.path}?list=unassigned&sort=-number")
    keys = {link["data-key"]: link["href"] for link in page.all("a") if link.get("data-key") in {"j", "k"}}
    assert keys["k"] == f"/console/tickets/{ticket_number(above)}?list=unassigned&sort=-number"
    assert all(ticket_number(opened.number) not in (href or "") for href in keys.values())


async def test_no_text_of_anybody_becomes_markup(opened: Opened, client: httpx.AsyncClient) -> None:
    headers = opened.tenant.headers
    ticket = {
        "title": HOSTILE, "description": HOSTILE, "issue_type": "Others",
        "service": {"id": HOSTILE[:60], "type": "Non-Console Service"},
        "contact": {"name": HOSTILE, "phone": HOSTILE[:25], "email": '"<b>x</b>"@example.com'},
        "external_ids": {"theirs": HOSTILE[:60]},
    }  # fmt: skip
    answer = await client.post("/api/v1/tickets", headers=headers, json=ticket)
    assert answer.status_code == 201, answer.text
    number = answer.json()["number"]
    path = f"/api/v1/tickets/{number}"
    note = await client.post(f"{path}/notes", headers=headers, json={"text": HOSTILE + " http://example.com/<b>"})
    assert note.status_code == 201, note.text
    name = "<svg onload=alert(1)>.txt"
    file = await client.post(
        f"{path}/attachments",
        params={"name": name},
        headers={**headers, "content-type": "text/plain"},
        content=b"<script>",
    )
    assert file.status_code == 201, file.text
    agent = opened.agent
    reason = await agent.post(
        f"/console/tickets/{number}/messages", text=HOSTILE, visibility="internal", once=new_key()
    )
    assert reason.status_code == 303
    refused = await agent.post(f"/console/tickets/{number}/tags", tags=HOSTILE * 10)
    for page_text in (
        (await agent.get(f"/console/tickets/{number}?list=open&q={HOSTILE}")).text,
        (await agent.get("/console/open")).text,
        (await agent.get("/console/open", **{"HX-Request": "true"})).text,
        refused.text,
        (await agent.get("/console/open?" + str(httpx.QueryParams({"q": HOSTILE})))).text,
        (await agent.get("/console/" + HOSTILE.replace("/", "%2F"))).text,
    ):
        page = Page(page_text)
        assert "alert(1)" not in "".join(script.get("src") or "" for script in page.all("script"))
        assert [
            tag for tag, attributes in page.tags if tag == "img" or any(name.startswith("on") for name in attributes)
        ] == []
        assert [attributes for attributes in page.all("script") if not attributes.get("src")] == []
        assert [attributes for attributes in page.all("b") + page.all("svg") if attributes.get("onload")] == []
        assert page.all("b") == []
        assert "7 * 7" in page_text or HOSTILE[:8] not in page_text
    download = await agent.get(f"/console/tickets/{number}/files/{file.json()['id']}")
    assert (download.status_code, download.content) == (200, b"<script>")
    assert download.headers["content-disposition"].startswith("attachment;")
    assert download.headers["content-security-policy"] == "sandbox; default-src 'none'"


async def test_addresses_in_messages_are_links_that_tell_nothing_to_their_server(opened: Opened) -> None:
    text = "See https://status.example.com/x?a=1&b=2. Not javascript:alert(1), nor http://"
    async with opened.database.transaction() as tx:
        await opened.note(tx, text)
    page = await opened.page()
    [link] = [link for link in page.all("a") if (link.get("href") or "").startswith("http")]
    assert link["href"] == "https://status.example.com/x?a=1&b=2"
    assert link["rel"] == "noopener noreferrer nofollow"
