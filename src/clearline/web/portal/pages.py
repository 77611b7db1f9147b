"""The table of pages and forms of the portal. Routes, scopes and the tests of who may do what are all made from it."""

from clearline.identity import Scope
from clearline.web.area import PORTAL
from clearline.web.portal.company.keys import KEY_PAGES
from clearline.web.portal.company.notifications import NOTIFICATION_PAGES
from clearline.web.portal.company.overview import COMPANY_PAGES
from clearline.web.portal.company.people import PEOPLE_PAGES
from clearline.web.portal.company.settings import SETTINGS_PAGES
from clearline.web.portal.company.templates import TEMPLATE_PAGES
from clearline.web.portal.company.webhooks import WEBHOOK_PAGES
from clearline.web.portal.me import ACCOUNT_PAGES
from clearline.web.portal.new_ticket import handlers as new_ticket
from clearline.web.portal.services import handlers as services
from clearline.web.portal.shell import SERVICES, TICKETS
from clearline.web.portal.tickets import actions
from clearline.web.portal.tickets.actions import action_handler
from clearline.web.portal.tickets.export import export_tickets
from clearline.web.portal.tickets.faults import change_fault
from clearline.web.portal.tickets.listing import EXPORT, show_tickets
from clearline.web.portal.tickets.own_fields import change_fields
from clearline.web.portal.tickets.ticket import PATH, show_ticket
from clearline.web.tickets.files import download_file
from clearline.web.visit import Page, Visit, redirect
from clearline.wires.http.call import Answer

_READ, _WRITE = Scope.TICKETS_READ, Scope.TICKETS_WRITE


async def home(visit: Visit) -> Answer:
    """Lead to the tickets."""
    return redirect(visit.browser, TICKETS)


PORTAL_PAGES = (
    Page("home", "GET", PORTAL.home, home, _READ),
    Page("tickets", "GET", TICKETS, show_tickets, _READ),
    Page("exportTickets", "GET", EXPORT, export_tickets, _READ),
    Page("newTicket", "GET", new_ticket.PATH, new_ticket.show_new_ticket, _WRITE),
    Page("raiseTicket", "POST", new_ticket.PATH, new_ticket.raise_ticket, _WRITE, has_files=True),
    Page("ticket", "GET", PATH, show_ticket, _READ),
    Page("file", "GET", f"{PATH}/files/{{file}}", download_file, _READ),
    Page("reply", "POST", f"{PATH}/messages", actions.reply, _WRITE, has_files=True),
    *(
        Page(name, "POST", f"{PATH}/{path}", action_handler(name, act), _WRITE)
        for name, path, act in (
            ("works", "works", actions.say_that_it_works),
            ("reopen", "reopen", actions.reopen),
            ("close", "close", actions.close),
            ("cancel", "cancel", actions.ask_for_cancellation),
            ("follow", "follow", actions.follow),
            ("unfollow", "unfollow", actions.unfollow),
            ("addPerson", "people", actions.add_person),
            ("removePerson", "people/remove", actions.remove_person),
        )
    ),
    Page("fault", "POST", f"{PATH}/fault", change_fault, _WRITE),
    Page("fields", "POST", f"{PATH}/fields", change_fields, _WRITE),
    Page("services", "GET", SERVICES, services.show_services, _READ),
    Page("service", "GET", services.SERVICE, services.show_service, _READ),
    *COMPANY_PAGES,
    *SETTINGS_PAGES,
    *PEOPLE_PAGES,
    *NOTIFICATION_PAGES,
    *TEMPLATE_PAGES,
    *KEY_PAGES,
    *WEBHOOK_PAGES,
    *ACCOUNT_PAGES,
)
"""A path with a parameter matches one segment: a fixed path stands before the one with a parameter in its place."""
