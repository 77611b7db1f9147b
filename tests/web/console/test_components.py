"""The page of the components shows every macro of ``web/templates/ui/`` that does not need a page of its own."""

from collections.abc import Iterator

import httpx
from jinja2 import nodes

from clearline.identity import Role
from clearline.platform.database.transactions import Database
from clearline.web.templating import ENVIRONMENT
from tests.builders.web.pages import person

PAGE = "console/components.html"
OF_OTHER_PAGES = {
    "asked": "the fields of a new ticket, which fill a page",
    "brand": "a link in the head of a page",
    "composer": "keeps drafts of a ticket",
    "details": "has the pickers of a ticket, once on a page",
    "history": "is fetched into the details",
    "mail": "needs a parsed mail",
    "macros": "belongs to the composer",
    "new_ticket": "the steps of a form that fill a page",
    "portal": "has the styles of the portal",
    "reminders": "belongs to the details, and to the bar of a selection",
    "shell": "the frame of every page, also of this one",
    "watchers": "belongs to the details",
}
"""Files whose components stand only on pages of their own, and why."""
SINGLE = {
    "bulk_ask", "bulk_fields", "bulk_own", "bulk_picker", "bulk_tags",  # of the bar that a selection opens
    "no_field", "own_buttons",  # of its picker of own fields
    "confirm", "lines_of", "listing", "secret",  # the frame of the pages of records
    "delivery_lines",
    "filter_list", "new_password", "once", "proof_links",
    "news", "rail", "rail_row", "row_keys",  # of the list beside a ticket
    "message_facts",  # of the composer
    "ticket_templates",  # of the first step of a new ticket
    "status_options", "status_option",  # of the picker of a ticket
    "where", "timeline",  # of the page of a ticket, with its heading
}  # fmt: skip
"""Macros that have an id or a key of which a page has one, or show nothing by themselves."""


def source(template: str) -> nodes.Template:
    assert ENVIRONMENT.loader is not None
    return ENVIRONMENT.parse(ENVIRONMENT.loader.get_source(ENVIRONMENT, template)[0])


def called(tree: nodes.Node) -> set[str]:
    return {call.node.name for call in tree.find_all(nodes.Call) if isinstance(call.node, nodes.Name)}


def families() -> Iterator[tuple[str, nodes.Template]]:
    for template in ENVIRONMENT.list_templates(filter_func=lambda name: name.startswith("ui/")):
        yield template.removeprefix("ui/").removesuffix(".html"), source(template)


def test_every_macro_is_shown_or_belongs_to_a_page_of_its_own() -> None:
    macros = {
        macro.name.removesuffix("_of" if family == "icons" else ""): (family, called(macro))
        for family, tree in families()
        for macro in tree.find_all(nodes.Macro)
    }
    shown: set[str] = set()
    waiting = called(source(PAGE))
    while waiting:
        name = waiting.pop()
        if name in macros and name not in shown:
            shown.add(name)
            waiting |= macros[name][1]
    missing = {name for name, (family, _calls) in macros.items() if name not in shown and family not in OF_OTHER_PAGES}
    assert missing == SINGLE - shown
    assert set(macros) >= SINGLE
    assert {family for family, _tree in families()} >= set(OF_OTHER_PAGES)


async def test_the_page_shows_tickets_and_what_happened_to_them(client: httpx.AsyncClient, database: Database) -> None:
    page = await (await person(client, database, Role.AGENT)).page("/console/ui")
    for words in ("Port flapping since 09:12 UTC", "Same line card as last week.", "Not sent", "2 of 4 tickets would"):
        assert page.text.count(words) >= 2
    ids = [attributes["id"] for _tag, attributes in page.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)
