"""The fields of each form of the administration, and a desk with a record of each section."""

from datetime import timedelta
from typing import NamedTuple
from uuid import uuid4

import httpx

from clearline.accounts import key_usecases as keys
from clearline.accounts import mail_domain_usecases as mail_domains
from clearline.accounts import usecases as accounts
from clearline.accounts.mail_domain import Proof
from clearline.bulk import store as job_store
from clearline.bulk import usecases as jobs
from clearline.bulk.domain import ImportSubject, NewItem
from clearline.catalogue import entry_usecases as entries
from clearline.catalogue import term_usecases as terms
from clearline.catalogue.entry_usecases import ISSUE_TYPES, SERVICE_TYPES
from clearline.catalogue.term_domain import TermKind
from clearline.clock import now
from clearline.fields import usecases as own_fields
from clearline.fields.domain import Field as OwnField
from clearline.fields.domain import FieldType, RecordKind
from clearline.identity import OPERATOR, PROVIDER_ID, Role, User
from clearline.mail.inbound import mailbox_usecases as mailboxes
from clearline.mail.inbound import usecases as inbound_mail
from clearline.mail.inbound.secret_box import SecretBox
from clearline.mail.outbound import opt_out_usecases as opt_outs
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.opt_out_domain import DIGEST, OptOut
from clearline.platform.database.transactions import Database, Tx
from clearline.queues import team_usecases as teams
from clearline.queues import usecases as queues
from clearline.routing import rule_usecases as rules
from clearline.web.fields import to_segment
from clearline.web.visit import Page as Entry
from clearline.webhooks import subscription_usecases as webhooks
from clearline.workspace import macro_usecases as macros
from clearline.workspace.templates import usecases as templates
from tests.builders.mail.inbound_rig import a_mail
from tests.builders.mail.outbox import write
from tests.builders.people import new_person, new_staff, new_tenant
from tests.builders.sign_in.openid.desk import add_provider
from tests.builders.web.pages import Person, person
from tests.builders.webhooks.sending import PROVIDER, insert_deliveries

NO_ID = "5f0c9a56-2c1e-4d59-9d0e-0f5a3c1b7e42"
ONCE = "a-key-of-a-form"
OWN_FIELD = {
    "label": "Circuit", "label_de": "", "help": "", "help_de": "", "type": "text", "options": "", "refers_to": "",
    "required": "never", "visible_to": "staff", "edited_by": "staff", "default": "", "minimum": "", "maximum": "",
    "pattern": "", "place": "", "active": "on",
}  # fmt: skip
TEMPLATE = {
    "name": "Fibre cut", "title": "Link down", "issue_type": "Circuit Down", "service_type": "Port", "tags": "fibre",
}  # fmt: skip
MACRO = {
    "name": "We look into it", "text": "Dear {{contact.name}}", "visibility": "public", "status": "in_progress",
    "queue_id": "", "priority": "", "add_tags": "optics",
}  # fmt: skip
IDENTITY_PROVIDER = {
    "name": "Example ID", "issuer": "https://id.example.com", "client_id": "the-desk", "secret": "the secret",
    "email_domains": "example.net", "scopes": "", "groups_claim": "groups", "group_roles": "noc = agent",
    "default_role": "", "second_factor_values": "", "replaces_password": "on", "is_active": "on",
}  # fmt: skip
TYPE = {
    "name": "Dark fibre", "customer_name": "", "customer_name_de": "Dunkle Faser", "help": "A pair of fibres",
    "help_de": "", "is_active": "on", "position": "",
}  # fmt: skip
ISSUE_TYPE = {
    **TYPE, "severity": "extensive", "impact": "down", "priority": "critical", "service_types": "Port",
    "closure_required": "cause", "counts_as_fault": "on",
    "console_connect": "Circuit Down",
}  # fmt: skip
TERM = {
    "label": "Spares", "help": "A spare part is on its way", "customer_label": "Waiting for a part",
    "customer_label_de": "Wir warten auf ein Ersatzteil", "statuses": "held", "is_active": "on", "position": "",
}  # fmt: skip
RULE = {"name": "Ports", "queue_id": "{queues}", "is_active": "on", "company_ids": "", "keywords": "", "position": ""}
"""The value in braces is the id of a record of that section."""
MAIL_TEXT = {"subject": "Received: {{ ticket.title }}", "body": "Thank you.\n\n{{ messages }}"}
FORMS: dict[str, dict[str, str]] = {
    "createPerson": {
        "name": "Mara Lind",
        "email": "mara@example.net",
        "phone": "",
        "role": "agent",
        "language": "",
        "once": ONCE,
    },
    "changePerson": {"name": "Mara Lind", "email": "mara@example.net", "phone": "", "role": "viewer", "language": "de"},
    "sendSignInLink": {},
    "deactivatePerson": {"hand_over_to": ""},
    "activatePerson": {},
    "signPersonOut": {},
    "resetSecondFactor": {},
    "unlinkPerson": {},
    "createTeam": {"name": "Transport", "once": ONCE},
    "changeTeam": {"name": "Transport"},
    "deleteTeam": {},
    "createQueue": {
        "name": "Optics",
        "description": "",
        "team_id": "",
        "assignment": "manual",
        "sender_name": "",
        "sender_address": "",
        "once": ONCE,
    },
    "changeQueue": {
        "name": "Optics",
        "description": "",
        "team_id": "",
        "assignment": "manual",
        "sender_name": "Optics",
        "sender_address": "optics@example.net",
    },
    "deleteQueue": {},
    "createRoutingRule": {**RULE, "once": ONCE},
    "changeRoutingRule": RULE,
    "deleteRoutingRule": {},
    "moveRuleUp": {},
    "moveRuleDown": {},
    "tryRoutingRules": {"issue_type": "Circuit Down", "service_type": "Port", "title": "", "description": ""},
    "createIssueType": {**ISSUE_TYPE, "key": "", "once": ONCE},
    "changeIssueType": ISSUE_TYPE,
    "deleteIssueType": {},
    "createServiceType": {**TYPE, "key": "", "console_connect": "Connection (L2)", "once": ONCE},
    "changeServiceType": {**TYPE, "console_connect": "Connection (L2)"},
    "deleteServiceType": {},
    "createTerm": {**TERM, "kind": "waiting_reason", "key": "spares", "once": ONCE},
    "changeTerm": TERM,
    "changeMatrixTable": {"down-high-priority": "critical"},
    "applyMatrix": {"ticket": "INC000000000042", "once": ONCE},
    "undoMatrix": {"change": NO_ID},
    "changeForm": {
        "customer.field": "title",
        "customer.required": "title",
        "customer.when.title": "cc",
        "customer.of.title": "cc",
        "customer.values.title": "yes",
        "customer.add": "cc",
        "step": "customer.up.title",
    },
    "createField": {"record": "ticket", "key": "circuit", **OWN_FIELD, "once": ONCE},
    "changeField": OWN_FIELD,
    "deleteField": {"confirm": "0"},
    "restoreField": {},
    "createTicketTemplate": {**TEMPLATE, "once": ONCE},
    "changeTicketTemplate": TEMPLATE,
    "deleteTicketTemplate": {},
    "createMacro": {**MACRO, "once": ONCE},
    "changeMacro": MACRO,
    "deleteMacro": {},
    "createApiKey": {"name": "billing", "user_id": "{people}", "scopes": "tickets:read", "lifetime": "", "once": ONCE},
    "revokeApiKey": {},
    "createIdentityProvider": {**IDENTITY_PROVIDER, "once": ONCE},
    "changeIdentityProvider": IDENTITY_PROVIDER,
    "deleteIdentityProvider": {},
    "testIdentityProvider": {},
    "createCompany": {
        "name": "Orchard Health",
        "code": "ORCHARD",
        "language": "de",
        "tier": "gold",
        "time_zone": "Europe/Lisbon",
        "billing": "pay@example.com",
        "once": ONCE,
    },
    "changeCompany": {"name": "Orchard Health", "code": "ORCHARD", "language": "", "tier": "", "time_zone": ""},
    "createTier": {"key": "platinum", "label": "Platinum", "help": "", "position": "0", "once": ONCE},
    "changeTier": {"label": "Golden", "help": "", "position": "1", "is_active": "on"},
    "createCompanyPerson": {"name": "Ines", "email": "i@example.com", "phone": "", "role": "customer", "once": ONCE},
    "sendCompanySignInLink": {},
    "signCompanyPersonOut": {},
    "resetCompanySecondFactor": {},
    "changeCompanyPerson": {"name": "Ines", "email": "i@example.com", "phone": "", "role": "customer"},
    "createService": {
        "id": "SVC/9",
        "type": "Port",
        "label": "Lisbon",
        "rate": "10G",
        "a_site": "Lisbon",
        "once": ONCE,
    },
    "changeService": {"type": "Port", "label": "Lisbon"},
    "deleteService": {},
    "changeContactMail": {"cc": "resolved", "inbound_cc": "ignore"},
    "createMailDomain": {"name": "orchard.example.com", "by": "dns", "once": ONCE},
    "deleteMailDomain": {},
    "checkMailDomain": {},
    "trustMailDomain": {},
    "createCompanyKey": {"name": "crm", "user_id": "{user}", "scopes": "tickets:read", "lifetime": "", "once": ONCE},
    "revokeCompanyKey": {},
    "createCompanyWebhook": {"url": "https://hooks.example.com/a", "description": "", "types": "", "once": ONCE},
    "changeCompanyWebhook": {"url": "https://hooks.example.com/a", "description": "", "types": "ticket."},
    "deleteCompanyWebhook": {},
    "pauseCompanyWebhook": {},
    "resumeCompanyWebhook": {},
    "replayFailedCompanyDeliveries": {},
    "rotateCompanyWebhookSecret": {"once": ONCE},
    "testCompanyWebhook": {"once": ONCE},
    "replayCompanyDelivery": {},
    "importServices": {"table": "id,type,label\nSVC-9,Port,Lisbon\n", "check": ""},
    "changeMailTemplate": MAIL_TEXT,
    "restoreMailTemplate": {},
    "previewMailTemplate": MAIL_TEXT,
    "testMailTemplate": MAIL_TEXT,
    "changeBranding": {"support_hours": "Always", "support_phone": "+1-555-0100", "footer": "Example Networks"},
    "changeLogos": {},
    "removeLogo": {"theme": "light"},
    "changeSecondFactorRole": {"needs": "on"},
    "deleteOptOut": {},
    "confirmClaim": {},
    "refuseClaim": {},
    "createMailbox": {"address": "billing@example.net", "is_active": "on", "imap_folder": "INBOX", "once": ONCE},
    "changeMailbox": {"address": "billing@example.net", "is_active": "on", "imap_folder": "INBOX"},
    "deleteMailbox": {},
    "checkMailbox": {},
    "releaseInboundMail": {"ticket": "INC000000000042"},
    "discardInboundMail": {},
    "createOutboundMail": {"recipient": "ada@example.com", "once": ONCE},
    "retryOutboundMail": {},
    "unsuppressRecipient": {},
    "createSuppression": {"address": "gone@example.com", "detail": "", "once": ONCE},
    "deleteSuppression": {},
    "createWebhook": {"url": "https://hooks.example.com/desk", "description": "", "types": "ticket.", "once": ONCE},
    "changeWebhook": {"url": "https://hooks.example.com/desk", "description": "", "types": "ticket."},
    "deleteWebhook": {},
    "pauseWebhook": {},
    "resumeWebhook": {},
    "replayFailedDeliveries": {},
    "rotateWebhookSecret": {"once": ONCE},
    "testWebhook": {"once": ONCE},
    "replayDelivery": {},
    "createImport": {"subject": "people", "dry_run": "on", "once": ONCE},
    "cancelImport": {},
    "deactivateCompany": {},
    "activateCompany": {},
}


class Desk(NamedTuple):
    """An admin, and a record of each section by the last part of its address."""

    admin: Person
    ids: dict[str, str]

    def path(self, entry: Entry, record_id: str = "") -> str:
        """Return the path of a page with the id of a record."""
        section = entry.path.split("/")[3] if entry.path.count("/") > 2 else ""
        log = "company_delivery" if section == "companies" else "deliveries"
        ids = {
            "id": self.ids.get(section, NO_ID), "delivery": self.ids.get(log, NO_ID), "service": "U1ZDLTE",  # SVC-1
            "person": self.ids.get("user", NO_ID), "domain": self.ids.get("domain", NO_ID),
            "key": self.ids.get("company_key", NO_ID), "webhook": self.ids.get("company_webhook", NO_ID),
        }  # fmt: skip
        return entry.path.format(**(dict.fromkeys(ids, record_id) if record_id else ids))


def form_of(desk: Desk, name: str, **values: str) -> dict[str, str]:
    """Return the fields of a form, with the ids of the desk."""
    fields = {field: desk.ids.get(value.strip("{}"), value) for field, value in FORMS[name].items()}
    return {**fields, **values}


async def new_types(tx: Tx) -> dict[str, str]:
    """Add an issue type, a service type, a term and an import; return their ids by their sections."""
    issue = await entries.add_entry(tx, OPERATOR, ISSUE_TYPES, {"name": f"Issue {uuid4().hex}"}, now=now())
    service = await entries.add_entry(tx, OPERATOR, SERVICE_TYPES, {"name": f"Service {uuid4().hex}"}, now=now())
    values = {
        "kind": TermKind.WAITING_REASON, "key": f"k{uuid4().hex[:8]}", "label": "Spares", "statuses": ("held",),
    }  # fmt: skip
    term = await terms.add_term(tx, OPERATOR, values, now=now())
    return {
        "imports": await _new_import(tx),
        "issue-types": str(issue.id),
        "forms": str(issue.id),
        "service-types": str(service.id),
        "terms": str(term.id),
    }


async def _new_field(tx: Tx) -> OwnField:
    values = {"record": RecordKind.TICKET, "key": f"k{uuid4().hex[:8]}", "label": "Ref", "type": FieldType.TEXT}
    return await own_fields.add_field(tx, OPERATOR, values, now=now())


async def _new_template(tx: Tx) -> dict[str, str]:
    template = await templates.add_template(tx, OPERATOR, {"name": f"Template {uuid4().hex}"}, now=now())
    return {"ticket-templates": str(template.id)}


async def _new_import(tx: Tx) -> str:
    """Add a dry run that is done, and had a wrong line; return its id."""
    lines = [NewItem(refusal="email is required")]
    job = await jobs.create_import_job(
        tx, OPERATOR, lines, "csv", subject=ImportSubject.PEOPLE, dry_run=True, now=now()
    )
    await job_store.finish(tx, job, now=now())
    return str(job.id)


async def new_desk(client: httpx.AsyncClient, database: Database) -> Desk:
    """Add an admin, and a record of each section."""
    admin = await person(client, database, Role.ADMIN, "Ada Admin")
    colleague = (await new_staff(database, Role.AGENT, "Ines Duarte")).user
    tenant, claimant = await new_tenant(database), await new_tenant(database)
    [outbound] = await write(database, tenant)
    async with database.transaction() as tx:
        key, _secret = await keys.create_key(tx, OPERATOR, PROVIDER_ID, user_id=colleague.id, name="billing", now=now())
        team = await teams.add_team(tx, OPERATOR, f"Team {uuid4().hex}", now=now())
        queue = await queues.add_queue(tx, OPERATOR, name=f"Queue {uuid4().hex}", now=now())
        values = {"name": f"Rule {uuid4().hex}", "queue_id": queue.queue.id, "keywords": (uuid4().hex,)}
        rule = await rules.add_rule(tx, OPERATOR, values, now=now())
        types = {**await new_types(tx), "fields": str((await _new_field(tx)).id), **await _new_template(tx)}
        macro = await macros.add_macro(tx, OPERATOR, {"name": f"Macro {uuid4().hex}", "text": "Done."}, now=now())
        values = {"url": "https://hooks.example.com/desk", "is_active": False}
        webhook, _secret = await webhooks.add_subscription(
            tx, OPERATOR, values, of=PROVIDER, networks=(), most=10_000, now=now()
        )
        company = tenant.company
        values = {"url": "https://hooks.example.com/company", "is_active": False}
        of_company, _secret = await webhooks.add_subscription(tx, OPERATOR, values, of=company, networks=(), now=now())
        company_key, _secret = await keys.create_key(
            tx, OPERATOR, company.id, user_id=tenant.user.id, name="crm", now=now()
        )
        domain = await mail_domains.add_domain(
            tx, OPERATOR, company.id, f"{uuid4().hex}.example.com", by=Proof.STAFF, now=now()
        )
        opt_out = OptOut(company.id, f"{uuid4().hex}@example.com", DIGEST)
        await opt_outs.stop(tx, opt_out, now=now())
        [stopped] = await opt_outs.list_opt_outs(tx, OPERATOR, recipient=opt_out.recipient, limit=1)
        customer = await new_person(tx, "Ida Moss", Role.CUSTOMER_ADMIN, company=claimant.company.code)
        claim = await accounts.add_user(
            tx, customer, claimant.company.id, name="Ada", email=tenant.user.email, phone="", now=now()
        )
        address = f"{uuid4().hex}@example.net"
        mailbox = await mailboxes.add_mailbox(tx, OPERATOR, {"address": address}, secret_box=SecretBox(b"k"), now=now())
        raw = a_mail("nobody@unknown.example.org", address)
        inbound = await inbound_mail.receive(
            tx, mailbox, raw, envelope_from="nobody@unknown.example.org", envelope_to=[address], now=now()
        )
        suppressed = await outbound_mail.suppress(tx, OPERATOR, f"{uuid4().hex}@example.com", now=now())
    [delivery] = await insert_deliveries(database, webhook)
    [company_delivery] = await insert_deliveries(database, of_company)
    provider = await add_provider(database, "https://id.example.com", name=f"Provider {uuid4().hex}")
    return Desk(
        admin,
        types | {
            "people": str(colleague.id), "teams": str(team.team.id), "queues": str(queue.queue.id),
            "routing": str(rule.rule.id), "macros": str(macro.id), "tiers": "gold",
            "companies": str(tenant.company.id), "user": str(tenant.user.id), "keys": str(key.id),
            "mailboxes": str(mailbox.id), "mail-review": str(inbound), "outbound-mail": str(outbound),
            "suppressions": to_segment(suppressed.address),
            "webhooks": str(webhook.id), "deliveries": str(delivery),
            "address-conflicts": f"{claimant.company.id}.{claim.id}", "opt-outs": str(stopped.id),
            "second-factors": Role.VIEWER, "branding": "support", "priority-matrix": "gold",
            "mail-templates": "ticket_received.en", "sign-in": str(provider.id),
            "domain": str(domain.id), "company_key": str(company_key.id),
            "company_webhook": str(of_company.id), "company_delivery": str(company_delivery),
        },
    )  # fmt: skip


async def let_time_pass(database: Database, user: User, minutes: int = 16) -> None:
    """Make the sign-in of a person older."""
    async with database.transaction() as tx:
        await tx.write(
            "update sign_in_session set authenticated_at = $1 where user_id = $2",
            now() - timedelta(minutes=minutes),
            user.id,
        )
