"""Import the services of a customer from a table that an admin pastes or chooses: first a check, then the import."""

from uuid import UUID

from clearline.accounts import usecases as accounts
from clearline.errors import NotFound
from clearline.identity import PROVIDER_ID
from clearline.inventory import import_usecases as imports
from clearline.inventory.import_domain import ImportedService, ImportReport, RowResult
from clearline.web.console.admin.companies import COMPANIES
from clearline.web.console.admin.customers.services import Services
from clearline.web.console.admin.sidebar import admin_sidebar
from clearline.web.fields import known_id
from clearline.web.visit import FORM_MAX, Page, Visit
from clearline.web.words import gettext
from clearline.wires.http.call import Answer

_PATH = f"{COMPANIES.path}/{{id}}/{Services.part}/import"
_SHOWN_MAX = 200
"""Rows of a result that a page shows; those that change something come first."""
_ORDER = (RowResult.CREATED, RowResult.UPDATED, RowResult.UNCHANGED)


async def show_import(visit: Visit) -> Answer:
    """Show the form for a table."""
    return await _page(visit, _company_id(visit), None, [])


async def import_services(visit: Visit) -> Answer:
    """Check a table, or import it. A table with an error changes nothing, and is shown again."""
    company_id, text = _company_id(visit), visit.form.get("table")
    async with visit.services.database.transaction() as tx:
        report, rows = await imports.import_text(
            tx, visit.actor, company_id, text, dry_run=not visit.form.has("import"), now=visit.now
        )
    return await _page(visit, company_id, report, rows)


def _company_id(visit: Visit) -> UUID:
    company_id = known_id("company", visit.path["id"])
    if company_id == PROVIDER_ID:
        raise NotFound("company", str(company_id))
    return company_id


async def _page(visit: Visit, company_id: UUID, report: ImportReport | None, rows: list[ImportedService]) -> Answer:
    async with visit.services.database.transaction() as tx:
        side = await admin_sidebar(tx, visit.actor)
        company = await accounts.get_company(tx, visit.actor, company_id)
    section, text = Services(company_id), visit.form.get("table")
    return visit.page(
        "console/admin/customers/service_import.html", 422 if report is not None and report.errors else 200,
        side=side, here=COMPANIES.path, company=company, path=section.path, text=text, report=report,
        is_done=visit.form.has("import"), is_json=text.lstrip().startswith("["),
        types=[entry.key for entry in visit.catalogue.inventory_types()],
        rows=sorted(rows, key=lambda row: _ORDER.index(row.result))[:_SHOWN_MAX], count=len(rows),
        words=_words(), size=FORM_MAX // 1024, section=section,
    )  # fmt: skip


def _words() -> dict[RowResult, str]:
    return {
        RowResult.CREATED: gettext("new"),
        RowResult.UPDATED: gettext("changed"),
        RowResult.UNCHANGED: gettext("as it is"),
    }


SERVICE_IMPORT_PAGES = (
    Page("serviceImport", "GET", _PATH, show_import, Services.scope),
    Page("importServices", "POST", _PATH, import_services, Services.scope),
)
"""They come before the pages of services: the last segment of their path is no service."""
