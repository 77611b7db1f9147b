"""The table of the pages of the administration."""

from typing import Any

from clearline.identity import Scope
from clearline.web.console.admin.branding import BRANDING
from clearline.web.console.admin.catalogue.forms import FORMS
from clearline.web.console.admin.catalogue.issue_types import ISSUE_TYPE_SECTION
from clearline.web.console.admin.catalogue.macros import MACROS
from clearline.web.console.admin.catalogue.matrix import PRIORITY_MATRIX
from clearline.web.console.admin.catalogue.service_types import SERVICE_TYPE_SECTION
from clearline.web.console.admin.catalogue.templates import TICKET_TEMPLATES
from clearline.web.console.admin.catalogue.terms import TERM_SECTION
from clearline.web.console.admin.companies import COMPANIES
from clearline.web.console.admin.customers.conflicts import CONFLICTS
from clearline.web.console.admin.customers.contact_mail import CONTACT_MAIL_PAGES
from clearline.web.console.admin.customers.keys import COMPANY_KEY_PAGES
from clearline.web.console.admin.customers.mail_domains import MAIL_DOMAIN_PAGES
from clearline.web.console.admin.customers.people import COMPANY_PEOPLE_PAGES
from clearline.web.console.admin.customers.service_import import SERVICE_IMPORT_PAGES
from clearline.web.console.admin.customers.services import SERVICE_PAGES
from clearline.web.console.admin.customers.webhooks import COMPANY_WEBHOOK_PAGES
from clearline.web.console.admin.fields import FIELDS
from clearline.web.console.admin.keys import KEYS
from clearline.web.console.admin.mail.inbound import MAIL_REVIEW
from clearline.web.console.admin.mail.mailboxes import MAILBOXES
from clearline.web.console.admin.mail.opt_outs import OPT_OUTS
from clearline.web.console.admin.mail.outbound import OUTBOUND_MAILS
from clearline.web.console.admin.mail.suppressions import SUPPRESSIONS
from clearline.web.console.admin.mail.templates import MAIL_TEMPLATES
from clearline.web.console.admin.overview import show_overview
from clearline.web.console.admin.people import PEOPLE
from clearline.web.console.admin.queues import QUEUES
from clearline.web.console.admin.routing import ROUTING
from clearline.web.console.admin.section import ADMIN, AdminSection
from clearline.web.console.admin.sign_in.identity_providers import IDENTITY_PROVIDERS
from clearline.web.console.admin.sign_in.second_factors import SECOND_FACTORS
from clearline.web.console.admin.system.audit import AUDIT_PAGE
from clearline.web.console.admin.system.health import HEALTH_PAGE
from clearline.web.console.admin.system.imports import IMPORTS
from clearline.web.console.admin.system.retention import RETENTION_PAGE
from clearline.web.console.admin.teams import TEAMS
from clearline.web.console.admin.tiers import TIERS
from clearline.web.console.admin.webhooks import DELIVERY_PAGES, WEBHOOKS
from clearline.web.visit import Page

SECTIONS: tuple[AdminSection[Any], ...] = (
    PEOPLE,
    TEAMS,
    QUEUES,
    ROUTING,
    MACROS,
    TICKET_TEMPLATES,
    ISSUE_TYPE_SECTION,
    SERVICE_TYPE_SECTION,
    TERM_SECTION,
    PRIORITY_MATRIX,
    FIELDS,
    FORMS,
    COMPANIES,
    TIERS,
    BRANDING,
    CONFLICTS,
    MAIL_TEMPLATES,
    MAILBOXES,
    MAIL_REVIEW,
    OUTBOUND_MAILS,
    SUPPRESSIONS,
    OPT_OUTS,
    KEYS,
    WEBHOOKS,
    IDENTITY_PROVIDERS,
    SECOND_FACTORS,
    IMPORTS,
)
ADMIN_PAGES = (
    Page("admin", "GET", ADMIN, show_overview, Scope.DESK_WRITE),
    AUDIT_PAGE,
    HEALTH_PAGE,
    RETENTION_PAGE,
    *(page for section in SECTIONS for page in section.pages()),
    *SERVICE_IMPORT_PAGES,
    *SERVICE_PAGES,
    *COMPANY_PEOPLE_PAGES,
    *CONTACT_MAIL_PAGES,
    *MAIL_DOMAIN_PAGES,
    *COMPANY_KEY_PAGES,
    *COMPANY_WEBHOOK_PAGES,
    *DELIVERY_PAGES,
)
"""Their scopes are those that only an admin has: whoever may read the same by the API, but not change it, uses that."""
