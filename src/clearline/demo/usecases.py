"""Load the demo."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from clearline.accounts import company_store
from clearline.accounts import key_usecases as keys
from clearline.accounts import usecases as accounts
from clearline.accounts.domain import CompanyDetails
from clearline.companies import usecases as companies
from clearline.demo.catalogue import load_catalogue, load_own_services
from clearline.demo.companies import COMPANIES, DemoCompany
from clearline.demo.desk import ADMIN, find_staff, load_desk, user_of
from clearline.demo.fields import ACCOUNT_MANAGER, load_fields
from clearline.demo.integrations import load_mailbox, load_webhook
from clearline.demo.notifications import set_preferences, turn_off_contact_mail
from clearline.demo.templates import load_company_templates, load_desk_templates
from clearline.demo.tickets import (
    assign_tag_and_link,
    attach_files,
    load_tickets,
    merge_split_and_tag,
    rate_resolutions,
)
from clearline.identity import OPERATOR, PROVIDER_ID, Role
from clearline.inventory import usecases as inventory
from clearline.platform.database.transactions import Database, Tx
from clearline.tickets.attachments.blobs import Blobs

_KEY_LIFETIME = timedelta(days=30)


class DemoKey(NamedTuple):
    """A key to a company of the demo; ``tickets`` is the number of its tickets."""

    company: CompanyDetails
    secret: str
    expires_at: datetime | None
    tickets: int


async def load(
    database: Database, blobs: Blobs, *, mailbox: str, now: datetime, progress: Callable[[str], None]
) -> list[DemoKey]:
    """Load the desk and the customers that are missing, each in one transaction; existing data stays as it is.

    ``mailbox`` is the address that mail to the desk is sent to. ``progress`` is called with the name of what is loaded
    next. Return a new key for each customer, and at the end one for the desk's admin; they last 30 days.
    """
    async with database.transaction() as tx:
        if not await find_staff(tx):
            progress("the desk")
            await load_catalogue(tx, OPERATOR, now=now)
            await load_fields(tx, OPERATOR, now=now)
            await load_desk(tx, OPERATOR, now=now)
            await load_desk_templates(tx, OPERATOR, now=now)
            await set_preferences(tx, OPERATOR, now=now)
    created: list[DemoKey] = []
    for demo in COMPANIES:
        numbers: dict[str, int] = {}
        async with database.transaction() as tx:
            if (known := await company_store.find(tx, demo.code)) is not None:
                company = await companies.get_company_details(tx, OPERATOR, known.id)
            else:
                progress(demo.name)
                company, numbers = await _load_company(tx, demo, now=now)
            created.append(await _create_key(tx, company, None, tickets=len(demo.tickets), now=now))
        await attach_files(database, blobs, numbers, now=now)
    async with database.transaction() as tx:
        await load_webhook(tx, OPERATOR, created[0].company, now=now)
        await load_mailbox(tx, OPERATOR, mailbox, now=now)
        admin = (await find_staff(tx))[ADMIN]
        provider = await companies.get_company_details(tx, OPERATOR, PROVIDER_ID)
        created.append(await _create_key(tx, provider, user_of(admin).email, tickets=0, now=now))
    return created


async def _create_key(tx: Tx, company: CompanyDetails, email: str | None, *, tickets: int, now: datetime) -> DemoKey:
    key, secret = await keys.create_key(
        tx, OPERATOR, company.id, user_email=email, name="demo", lifetime=_KEY_LIFETIME, now=now
    )
    return DemoKey(company, secret, key.expires_at, tickets)


async def _load_company(tx: Tx, demo: DemoCompany, *, now: datetime) -> tuple[CompanyDetails, dict[str, int]]:
    """Add a customer with its users, services and tickets; return the numbers of the tickets by title."""
    manager = user_of((await find_staff(tx))[ADMIN])
    facts = {**demo.facts, "fields": {ACCOUNT_MANAGER: str(manager.id)}}
    company = await companies.add_company(tx, OPERATOR, demo.name, demo.code, facts=facts, now=now)
    users = []
    for index, person in enumerate(demo.people):
        user = await accounts.add_user(
            tx, OPERATOR, company.id, name=person.name, email=person.email, phone=person.phone,
            role=Role.CUSTOMER if index else Role.CUSTOMER_ADMIN, now=now + timedelta(seconds=index),
        )  # fmt: skip
        users.append(user)
    for service in demo.services:
        await inventory.add_service(
            tx, OPERATOR, company.id, service.id, service.type, service.label, facts=service.facts, now=now
        )
    await turn_off_contact_mail(tx, OPERATOR, company.id, now=now)
    numbers = await load_tickets(tx, demo, company, users, now=now)
    await rate_resolutions(tx, company, numbers, now=now)
    if demo is COMPANIES[0]:
        await assign_tag_and_link(tx, numbers, now=now)
    else:
        await merge_split_and_tag(tx, numbers, now=now)
        await load_own_services(tx, OPERATOR, company, users, now=now)
        await load_company_templates(tx, OPERATOR, company.id, now=now)
    return company, numbers
