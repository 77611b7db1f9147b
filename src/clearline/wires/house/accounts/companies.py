"""House API v1: companies, and the acting user."""

from functools import partial
from uuid import UUID

from clearline.accounts import usecases as accounts
from clearline.companies import usecases as companies
from clearline.deactivation import usecases as deactivation
from clearline.identity import Actor, Scope, User
from clearline.wires.house.accounts import wire
from clearline.wires.house.accounts.mapping import activation_out, company_out, deactivation_out
from clearline.wires.house.parameters import id_in_path, uuid_of
from clearline.wires.house.records import change_record, get_record, list_records
from clearline.wires.house.wire import CompanyRef, Page, new_facts, set_fields
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation

COMPANIES = "/api/v1/companies"
COMPANY = id_in_path("id", "The company's id.")


def _company_id(call: Call) -> tuple[UUID]:
    return (uuid_of(call.path["id"], "company"),)


async def list_companies(call: Call) -> Page[wire.CompanyOut]:
    """List customers by name."""
    query: wire.CompanyQuery = call.query
    read = partial(companies.list_companies, named=query.named)
    return await list_records(call, (), read, str, lambda company: [company.name], company_out)


async def create_company(call: Call) -> wire.CompanyOut:
    """Add a customer."""
    body = call.body(wire.CompanyIn)
    async with call.transaction() as tx:
        facts = new_facts(body, "name", "code")
        company = await companies.add_company(tx, call.actor, body.name, body.code, facts=facts, now=call.now)
    call.location = f"{COMPANIES}/{company.id}"
    return company_out(company)


async def get_company(call: Call) -> wire.CompanyOut:
    """Return a company."""
    return await get_record(call, _company_id(call), companies.get_company_details, company_out)


async def change_company(call: Call) -> wire.CompanyOut:
    """Change a company."""
    ids, values = _company_id(call), new_facts(call.body(wire.CompanyPatch))
    return await change_record(call, ids, values, companies.lock_to_change, companies.change_company, company_out)


async def deactivate_company(call: Call) -> wire.DeactivationOut:
    """Deactivate a company."""
    [company_id] = _company_id(call)
    call.body(wire.DeactivateIn)
    async with call.transaction() as tx:
        return deactivation_out(await deactivation.deactivate_company(tx, call.actor, company_id, now=call.now))


async def activate_company(call: Call) -> wire.ActivationOut:
    """Activate a company."""
    [company_id] = _company_id(call)
    call.body(wire.ActivateIn)
    networks = call.services.settings.webhook_networks
    async with call.transaction() as tx:
        back = await deactivation.activate_company(tx, call.actor, company_id, networks=networks, now=call.now)
    return activation_out(back)


async def get_me(call: Call) -> wire.MeOut:
    """Return the user of the key."""
    user, _company = accounts.user_and_company(call.actor)
    return _me_out(call.actor, user)


async def change_me(call: Call) -> wire.MeOut:
    """Change the user of the key."""
    values = set_fields(call.body(wire.MePatch))
    async with call.transaction() as tx:
        call.check_if_match(_me_out(call.actor, await accounts.lock_self(tx, call.actor)))
        user = await accounts.change_self(tx, call.actor, values, now=call.now)
    return _me_out(call.actor, user)


def _me_out(actor: Actor, user: User) -> wire.MeOut:
    _user, company = accounts.user_and_company(actor)
    return wire.MeOut(
        str(user.id),
        user.name,
        user.email,
        user.phone,
        actor.role,
        CompanyRef(company.id, company.name, company.code),
        sorted(map(Scope, actor.scopes)),
        str(actor.key_id),
        actor.key_expires_at,
        user.language,
        [CompanyRef(child.id, child.name, child.code) for child in actor.children],
    )


OPERATIONS = (
    Operation(
        "getMe", "GET", "/api/v1/me", get_me,
        "Get yourself", "Returns the user of the key, its company, its role, and the scopes that are in effect; also "
        "the companies that share their tickets with yours.",
        None, wire.MeOut,
    ),
    Operation(
        "changeMe", "PATCH", "/api/v1/me", change_me,
        "Change yourself", "Sets the values in the merge-patch for the user of the key. Everything else about a user "
        "is changed by its company's admins.",
        Scope.TICKETS_WRITE, wire.MeOut, body=wire.MePatch, conditional=True,
    ),
    Operation(
        "listCompanies", "GET", COMPANIES, list_companies,
        "List customers", "Returns customers by name, without the provider itself. For the provider's people.",
        Scope.ACCOUNTS_READ, Page[wire.CompanyOut], query=wire.CompanyQuery, errors=(400,),
    ),
    Operation(
        "createCompany", "POST", COMPANIES, create_company,
        "Add a customer", "For the provider's admins.",
        Scope.ACCOUNTS_WRITE, wire.CompanyOut, body=wire.CompanyIn, status=201,
    ),
    Operation(
        "getCompany", "GET", COMPANIES + "/{id}", get_company,
        "Get a company", "A customer can get only its own company; any other is not found.",
        Scope.ACCOUNTS_READ, wire.CompanyOut, path_parameters=COMPANY, errors=(404,),
    ),
    Operation(
        "changeCompany", "PATCH", COMPANIES + "/{id}", change_company,
        "Change a company", "Sets the values in the merge-patch. The provider itself is changed in the same way. For "
        "the provider's admins; those of a customer may set `language`, `time_zone`, `notice_addresses` and those "
        "`fields` that customers edit of their own.",
        Scope.ACCOUNTS_WRITE, wire.CompanyOut, body=wire.CompanyPatch, path_parameters=COMPANY, errors=(404,),
        conditional=True,
    ),
    Operation(
        "deactivateCompany", "POST", COMPANIES + "/{id}/deactivate", deactivate_company,
        "Deactivate a company", "Ends at once what a customer may do: its users, and with them their keys and event "
        "streams, its webhooks, and mail to its contacts. Tickets and the history stay, and agents go on with open "
        "tickets. Nothing in the company can be activated before the company is. One that is deactivated already stays "
        "so. The key also needs `accounts:read`. For the provider's admins.",
        Scope.ACCOUNTS_WRITE, wire.DeactivationOut, body=wire.DeactivateIn, path_parameters=COMPANY,
        errors=(404, 409),
    ),
    Operation(
        "activateCompany", "POST", COMPANIES + "/{id}/activate", activate_company,
        "Activate a company", "Brings back what the deactivation ended: users, webhooks, mail to contacts. What was "
        "inactive before stays so, and keys that were revoked or expired do not work. The key also needs "
        "`accounts:read`, all scopes of the roles of these users and, for webhooks, `tickets:read` and `audit:read`. "
        "For the provider's admins.",
        Scope.ACCOUNTS_WRITE, wire.ActivationOut, body=wire.ActivateIn, path_parameters=COMPANY, errors=(404, 409),
    ),
)  # fmt: skip
