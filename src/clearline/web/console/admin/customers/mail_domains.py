"""The mail domains of a customer: whose addresses are its people's without an invitation."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from clearline.accounts import mail_domain_usecases as mail_domains
from clearline.accounts.mail_domain import DomainState, MailDomain, Proof
from clearline.platform.database.transactions import Tx
from clearline.web.console.admin.customers.section import CUSTOMER_PAGES, CustomerSection
from clearline.web.fields import member_in
from clearline.web.records.form import Choice, Field, Kind, Line, Values
from clearline.web.records.section import require_identity
from clearline.web.visit import Visit
from clearline.web.words import gettext
from clearline.wires.http.call import Answer


class MailDomains(CustomerSection[MailDomain]):
    """The mail domains of one customer."""

    noun = "mailDomain"
    part = "domains"
    parameter = "domain"
    kind = "mail domain"
    template = "console/admin/customers/mail_domains.html"
    can_change = False

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            "title": gettext("Mail domains"),
            "back": gettext("Back to the company"),
            "new": gettext("New domain"),
            "about": gettext(
                "The addresses of a verified domain belong to %(company)s: people who have one need no invitation."
            )
            % {"company": self.company_name},
            "about delete": gettext(
                "Addresses that it confirmed stay confirmed: deactivate people who should not act."
            ),
            "done create": gettext("Added."),
            "done check": gettext("It is checked within seconds. Reload the page to see the result."),
            "done trust": gettext("Verified."),
            "done delete": gettext("Deleted."),
        }

    async def lines(self, visit: Visit, tx: Tx, after: list[Any] | None, limit: int) -> list[Line]:
        """Return the domains by name."""
        await self.load_company(visit, tx)
        listed = await mail_domains.list_domains(
            tx, visit.actor, self.company_id, after=after[0] if after else None, limit=limit
        )
        return [
            Line(
                str(domain.id), domain.name, [domain.name],
                gettext("with subdomains") if domain.includes_subdomains else "", _state_word(domain),
            )
            for domain in listed
        ]  # fmt: skip

    async def fields(self, visit: Visit, tx: Tx, record: MailDomain | None) -> list[Field]:  # noqa: ARG002
        """Return the fields of a new domain; one that is there has none, since it cannot be changed."""
        if record is not None:
            return []
        proofs = [
            Choice(Proof.DNS, gettext("By a TXT record that the company publishes")),
            Choice(Proof.STAFF, gettext("At once: we know that the domain is the company's")),
        ]
        public = gettext(
            "Then everybody with an address there can be added as a person of the company without being asked."
        )
        return [
            Field(
                "name", gettext("Domain"), is_required=True, hint=gettext("What follows the @, such as example.com.")
            ),
            Field("includes_subdomains", gettext("Include the addresses of all subdomains"), Kind.CHECK),
            Field("by", gettext("Verify it"), Kind.SELECT, proofs),
            Field("allows_public", gettext("Accept a public mail service, such as gmail.com"), Kind.CHECK, hint=public),
        ]

    def values(self, record: MailDomain) -> Values:  # noqa: ARG002
        """Return nothing: the form of a domain has no fields."""
        return {}

    def title(self, record: MailDomain) -> str:
        """Return the name of a domain."""
        return record.name

    async def get(self, visit: Visit, tx: Tx, record_id: UUID) -> MailDomain:
        """Return a domain."""
        return await mail_domains.get_domain(tx, visit.actor, self.company_id, record_id)

    async def lock(self, visit: Visit, tx: Tx, record_id: UUID) -> MailDomain:
        """Lock a domain."""
        return await mail_domains.lock_domain(tx, visit.actor, self.company_id, record_id)

    async def more(self, visit: Visit, tx: Tx, record: MailDomain) -> dict[str, object]:  # noqa: ARG002
        """Return the state of a domain, in words."""
        return {"state_word": _state_word(record)}

    async def create(self, visit: Visit, tx: Tx) -> UUID:
        """Add a domain. To verify it by one's word needs that the admin proved lately who it is."""
        form = visit.form
        by = member_in(Proof, form, "by")
        if by is Proof.STAFF:
            require_identity(visit)
        domain = await mail_domains.add_domain(
            tx, visit.actor, self.company_id, form.get("name").strip(), by=by,
            includes_subdomains=form.has("includes_subdomains"), allows_public=form.has("allows_public"), now=visit.now,
        )  # fmt: skip
        return domain.id

    async def delete(self, visit: Visit, tx: Tx, record: MailDomain) -> None:
        """Delete a domain."""
        await mail_domains.delete_domain(tx, visit.actor, self.company_id, record.id, now=visit.now)

    async def handle_check(self, visit: Visit) -> Answer:
        """Have the TXT record of a domain checked."""
        return await self.handle_action(visit, "check", self._check)

    async def handle_trust(self, visit: Visit) -> Answer:
        """Verify a domain by the admin's word."""
        return await self.handle_action(visit, "trust", self._trust)

    async def _check(self, visit: Visit, tx: Tx, record: MailDomain) -> None:
        await mail_domains.verify_domain(tx, visit.actor, self.company_id, record.id, now=visit.now)

    async def _trust(self, visit: Visit, tx: Tx, record: MailDomain) -> None:
        require_identity(visit)
        await mail_domains.verify_domain(
            tx, visit.actor, self.company_id, record.id, by=Proof.STAFF, now=visit.now
        )  # fmt: skip


def _state_word(domain: MailDomain) -> str:
    words = {
        DomainState.PENDING: gettext("waits for its record"),
        DomainState.FAILED: gettext("failed"),
        DomainState.VERIFIED: "",
    }
    return words[domain.state]


MAIL_DOMAIN_PAGES = CUSTOMER_PAGES.of(
    MailDomains,
    "MailDomains",
    {
        "check": ("checkMailDomain", MailDomains.handle_check),
        "trust": ("trustMailDomain", MailDomains.handle_trust),
    },
)
