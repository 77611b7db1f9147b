"""Customers: add and rename them, deactivate them with everything that is theirs, and activate them again."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from clearline.accounts import permissions
from clearline.accounts.domain import CompanyDetails
from clearline.companies import usecases as companies
from clearline.deactivation import usecases as deactivation
from clearline.errors import InvalidInput, NotFound, RuleCode, Violation
from clearline.fields.domain import RecordKind
from clearline.identity import PROVIDER_ID, Scope
from clearline.inventory import usecases as inventory
from clearline.notifications import preference_usecases as preferences
from clearline.platform.database.transactions import Tx
from clearline.web.console.admin.section import ADMIN, AdminSection
from clearline.web.console.admin.tiers import tier_field
from clearline.web.records.form import Field, Kind, Line, Values
from clearline.web.records.notices import notice_field_of, notice_fields, notice_values, notices_in
from clearline.web.records.own_fields import own_field_of, own_form_fields, own_form_values, own_values_in
from clearline.web.records.person import language_field
from clearline.web.records.section import require_identity
from clearline.web.visit import Page, Visit
from clearline.web.words import gettext

_SERVICES_MAX = 50


class Companies(AdminSection[CompanyDetails]):
    """The section of customers."""

    noun = "company"
    path = f"{ADMIN}/companies"
    scope = Scope.ACCOUNTS_WRITE
    template = "console/admin/companies.html"
    can_delete = False

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            "title": gettext("Companies"),
            "new": gettext("New company"),
            "about": gettext("Companies are your customers. Their people raise tickets about their services."),
            "done create": gettext("Added."),
            "done change": gettext("Saved."),
            "done deactivate": gettext("Deactivated. Its tickets stay, and can be worked to their end."),
            "done activate": gettext("Active again, with the users, webhooks and mail that the deactivation ended."),
        }

    def pages(self) -> list[Page]:
        """Return the pages of the section."""
        return [
            *super().pages(),
            self.action("deactivateCompany", "deactivate", _deactivate),
            self.action("activateCompany", "activate", _activate),
        ]

    async def lines(self, visit: Visit, tx: Tx, after: list[Any] | None, limit: int) -> list[Line]:
        """Return the customers by name."""
        listed = await companies.list_companies(tx, visit.actor, after=after[0] if after else None, limit=limit)
        return [
            Line(
                str(company.id), company.name, [company.name], company.code,
                "" if company.deactivated_at is None else gettext("inactive"),
            )
            for company in listed
        ]  # fmt: skip

    async def fields(self, visit: Visit, tx: Tx, record: CompanyDetails | None) -> list[Field]:
        """Return the fields of a company."""
        return [
            Field("name", gettext("Name"), is_required=True),
            Field("code", gettext("Customer code"), is_required=True, hint=gettext("Your customer number.")),
            language_field(gettext("As this desk")),
            await tier_field(visit, tx, None if record is None else record.tier),
            *notice_fields(),
            Field(
                "parent_id",
                gettext("Parent"),
                hint=await _parent_hint(visit, tx, record),
            ),
            Field("shares_with_parent", gettext("The people of the parent see and raise its tickets"), Kind.CHECK),
            *await own_form_fields(
                tx,
                visit.actor,
                RecordKind.COMPANY,
                PROVIDER_ID if record is None else record.id,
                {} if record is None else record.fields,
            ),
        ]

    def values(self, record: CompanyDetails) -> Values:
        """Return what the fields of a company have."""
        return {
            "name": [record.name], "code": [record.code], "language": [record.language or ""],
            "tier": [record.tier or ""], **notice_values(record),
            "parent_id": ["" if record.parent_id is None else str(record.parent_id)],
            "shares_with_parent": ["1"] if record.shares_with_parent else [],
        }  # fmt: skip

    async def stored(self, tx: Tx, record: CompanyDetails) -> Values:
        """Return what the fields of a company have, with its own fields."""
        own = await own_form_values(tx, RecordKind.COMPANY, record.fields, for_staff=True)
        return {**self.values(record), **own}

    def field_of(self, name: str) -> str:
        """Return the field of the form for a value: ``billing`` for an address of ``notice_addresses.billing``."""
        return own_field_of(name) or notice_field_of(name)

    def title(self, record: CompanyDetails) -> str:
        """Return the name of a company."""
        return record.name

    async def more(self, visit: Visit, tx: Tx, record: CompanyDetails) -> dict[str, object]:
        """Return what a deactivation would end, the first services of a company, and whether its contacts get mail."""
        contact_mail = await preferences.get_contact_mail(tx, visit.actor, record.id)
        services = await inventory.services_of(tx, visit.actor, record.id, limit=_SERVICES_MAX + 1)
        return {
            "ends": await deactivation.preview_deactivation(tx, visit.actor, record.id, now=visit.now),
            "services": services[:_SERVICES_MAX],
            "has_more_services": len(services) > _SERVICES_MAX,
            "mails_contacts": contact_mail.settings.mails_contacts,
        }

    async def get(self, visit: Visit, tx: Tx, record_id: UUID) -> CompanyDetails:
        """Return a company."""
        return await companies.get_company_details(tx, visit.actor, record_id)

    async def lock(self, visit: Visit, tx: Tx, record_id: UUID) -> CompanyDetails:
        """Lock a company."""
        return await companies.lock_company(tx, visit.actor, record_id)

    async def create(self, visit: Visit, tx: Tx) -> UUID:
        """Add a company."""
        values = await _values(visit, tx, {})
        name, code = values.pop("name"), values.pop("code")
        company = await companies.add_company(tx, visit.actor, name, code, facts=values, now=visit.now)
        return company.id

    async def change(self, visit: Visit, tx: Tx, record: CompanyDetails) -> None:
        """Change a company."""
        values = await _values(visit, tx, record.fields)
        await companies.change_company(tx, visit.actor, record.id, values, now=visit.now)


async def _parent_hint(visit: Visit, tx: Tx, record: CompanyDetails | None) -> str:
    """Return what can be typed as the parent, and which company it is now."""
    hint = gettext("Name, customer code or id of another customer, such as a reseller. Empty for none.")
    if record is None or record.parent_id is None:
        return hint
    parent = await companies.get_company_details(tx, visit.actor, record.parent_id)
    return f"{hint} {gettext('Now %(name)s.') % {'name': parent.name}}"


async def _values(visit: Visit, tx: Tx, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a form sets of a company that has the values ``fields`` of own fields."""
    form, parent = visit.form, visit.form.get("parent_id").strip()
    try:
        parent_id = (await permissions.company_typed(tx, visit.actor, parent)).id if parent else None
    except NotFound:
        raise InvalidInput([Violation("parent_id", "must name a customer", RuleCode.REFERENCE)]) from None
    return {
        "parent_id": parent_id, "shares_with_parent": form.has("shares_with_parent"),
        "name": form.get("name").strip(), "code": form.get("code").strip(), "language": form.get("language") or None,
        "tier": form.get("tier") or None, **notices_in(form),
        "fields": await own_values_in(tx, RecordKind.COMPANY, form, fields, for_staff=True),
    }  # fmt: skip


async def _deactivate(visit: Visit, tx: Tx, company: CompanyDetails) -> None:
    await deactivation.deactivate_company(tx, visit.actor, company.id, now=visit.now)


async def _activate(visit: Visit, tx: Tx, company: CompanyDetails) -> None:
    require_identity(visit)
    networks = visit.services.settings.webhook_networks
    await deactivation.activate_company(tx, visit.actor, company.id, networks=networks, now=visit.now)


COMPANIES = Companies()
