"""The table of the pages of the administration."""

from clearline.identity import Scope
from clearline.web.console.admin.overview import show_overview
from clearline.web.console.admin.people import PEOPLE
from clearline.web.console.admin.section import ADMIN
from clearline.web.visit import Page

ADMIN_PAGES = (
    Page("admin", "GET", ADMIN, show_overview, Scope.DESK_WRITE),
    *PEOPLE.pages(),
)
"""Their scopes are those that only an admin has: whoever may read the same by the API, but not change it, uses that."""
