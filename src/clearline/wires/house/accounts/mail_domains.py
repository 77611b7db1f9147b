"""House API v1: mail domains of companies."""

from uuid import UUID

from clearline.accounts import mail_domain_usecases as mail_domains
from clearline.accounts.domain import account_limits
from clearline.accounts.mail_domain import Proof
from clearline.identity import Scope
from clearline.wires.house.accounts import wire
from clearline.wires.house.accounts.companies import COMPANIES, COMPANY
from clearline.wires.house.accounts.mapping import mail_domain_out
from clearline.wires.house.parameters import id_in_path, uuid_of
from clearline.wires.house.records import delete_record, get_record, list_records
from clearline.wires.house.wire import Page, PageQuery
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation

DOMAINS = COMPANIES + "/{id}/domains"
_DOMAIN = COMPANY | id_in_path("domain_id", "The domain's id.")


def _ids(call: Call) -> tuple[UUID, UUID]:
    return uuid_of(call.path["id"], "company"), uuid_of(call.path["domain_id"], "mail domain")


async def list_domains(call: Call) -> Page[wire.MailDomainOut]:
    """List the mail domains of a company by name."""
    ids = (uuid_of(call.path["id"], "company"),)
    return await list_records(call, ids, mail_domains.list_domains, str, lambda domain: [domain.name], mail_domain_out)


async def create_domain(call: Call) -> wire.MailDomainOut:
    """Add a mail domain to a company."""
    company_id = uuid_of(call.path["id"], "company")
    body = call.body(wire.MailDomainIn)
    async with call.transaction() as tx:
        domain = await mail_domains.add_domain(
            tx,
            call.actor,
            company_id,
            body.name,
            by=Proof(body.verify_by),
            includes_subdomains=body.includes_subdomains,
            allows_public=body.allow_public,
            limits=account_limits(call.services.settings),
            now=call.now,
        )
    call.location = f"{COMPANIES}/{company_id}/domains/{domain.id}"
    return mail_domain_out(domain)


async def get_domain(call: Call) -> wire.MailDomainOut:
    """Return a mail domain."""
    return await get_record(call, _ids(call), mail_domains.get_domain, mail_domain_out)


async def verify_domain(call: Call) -> wire.MailDomainOut:
    """Verify a mail domain, or have its record looked for."""
    ids = _ids(call)
    by = Proof(call.body(wire.VerifyDomainIn).verify_by)
    async with call.transaction() as tx:
        return mail_domain_out(await mail_domains.verify_domain(tx, call.actor, *ids, by=by, now=call.now))


async def delete_domain(call: Call) -> None:
    """Delete a mail domain."""
    await delete_record(call, _ids(call), mail_domains.lock_domain, mail_domains.delete_domain, mail_domain_out)


OPERATIONS = (
    Operation(
        "listMailDomains", "GET", DOMAINS, list_domains,
        "List the mail domains of a company", "Returns domains by name, in any state. Customers see their own "
        "company's domains.",
        Scope.ACCOUNTS_READ, Page[wire.MailDomainOut], query=PageQuery, path_parameters=COMPANY, errors=(400, 404),
    ),
    Operation(
        "createMailDomain", "POST", DOMAINS, create_domain,
        "Add a mail domain", "The addresses of a verified domain are those of the company: users with such an address "
        "are confirmed without an invitation, those that wait for theirs too, unless another company has the address. "
        "The domain is pending until the TXT record in `record` is found at the domain itself; it is looked for at "
        "once, then less and less often, for 7 days. A verified domain is checked every day, and fails when the "
        "record is missing for 7 days. The provider's admins may verify a domain by their word instead. A domain "
        "belongs to one company. The key also needs `tickets:read` and `tickets:write`. For the provider's admins, and "
        "for a customer's admins in their own company, which can add 20 domains unless the provider sets another "
        "number.",
        Scope.ACCOUNTS_WRITE, wire.MailDomainOut, body=wire.MailDomainIn, path_parameters=COMPANY, errors=(404, 409),
        status=201,
    ),
    Operation(
        "getMailDomain", "GET", DOMAINS + "/{domain_id}", get_domain,
        "Get a mail domain", "Each check of a domain changes its ETag.",
        Scope.ACCOUNTS_READ, wire.MailDomainOut, path_parameters=_DOMAIN, errors=(404,),
    ),
    Operation(
        "verifyMailDomain", "POST", DOMAINS + "/{domain_id}/verify", verify_domain,
        "Verify a mail domain", "Checks the TXT record of a domain within seconds: get the domain again to see "
        "the result. With `verify_by` `staff` the provider's admins verify the domain at once, without a TXT record. "
        "The key also needs `tickets:read` and `tickets:write`. For the provider's admins, and by DNS for a customer's "
        "admins in their own company.",
        Scope.ACCOUNTS_WRITE, wire.MailDomainOut, body=wire.VerifyDomainIn, path_parameters=_DOMAIN, errors=(404, 409),
    ),
    Operation(
        "deleteMailDomain", "DELETE", DOMAINS + "/{domain_id}", delete_domain,
        "Delete a mail domain", "Addresses that the domain confirmed stay confirmed; addresses that customers add from "
        "now on get an invitation. Each check changes the ETag; `If-Match: *` deletes the domain in any case. For the "
        "provider's admins, and for a customer's admins in their own company.",
        Scope.ACCOUNTS_WRITE, None, path_parameters=_DOMAIN, errors=(404,), status=204, conditional=True,
    ),
)  # fmt: skip
