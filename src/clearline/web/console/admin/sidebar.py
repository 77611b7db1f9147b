"""The sections of the administration, as the side bar and the overview list them."""

from msgspec import Struct
from msgspec.structs import replace

from clearline.identity import Actor
from clearline.platform.database.transactions import Tx
from clearline.web.console.views import Sidebar, View, sidebar
from clearline.web.words import gettext


class Entry(Struct, frozen=True):
    """A section: where it is, and what it is for."""

    path: str
    title: str
    icon: str
    about: str


def entries() -> list[Entry]:
    """Return the sections in their order."""
    return [*_work(), *_catalogue(), *_mail(), *_access(), *_system()]


def _work() -> list[Entry]:
    """Return who works here, for whom, and by which rules."""
    return [
        Entry(
            "/console/admin/people", gettext("People"), "users",
            gettext("Who works here: invitations, roles, second factors."),
        ),
        Entry("/console/admin/teams", gettext("Teams"), "users-round", gettext("People who work the same queues.")),
        Entry(
            "/console/admin/queues", gettext("Queues"), "layers",
            gettext("Where tickets wait, and how they are assigned."),
        ),
        Entry(
            "/console/admin/routing", gettext("Routing rules"), "route",
            gettext("Which queue a new ticket goes to. Try a ticket before you rely on them."),
        ),
        Entry(
            "/console/admin/macros", gettext("Macros"), "message-square-text",
            gettext("Replies that are used again and again, and what else they do."),
        ),
    ]  # fmt: skip


def _catalogue() -> list[Entry]:
    """Return what tickets are about, and what is kept of them."""
    return [
        Entry(
            "/console/admin/ticket-templates", gettext("Ticket templates"), "file-pen",
            gettext("What a new ticket can begin with."),
        ),
        Entry(
            "/console/admin/issue-types", gettext("Issue types"), "shapes",
            gettext("What can be wrong, in your words, and how serious it is at first."),
        ),
        Entry(
            "/console/admin/service-types", gettext("Service types"), "cable",
            gettext("The kinds of services that you sell."),
        ),
        Entry(
            "/console/admin/terms", gettext("Lists of a ticket"), "list-checks",
            gettext("Why tickets wait, sub-statuses, causes, actions, responsibilities."),
        ),
        Entry(
            "/console/admin/priority-matrix", gettext("Priority matrix"), "grid-3x3",
            gettext("What a new ticket begins with, by impact, urgency and tier. Preview a change."),
        ),
        Entry(
            "/console/admin/fields", gettext("Fields"), "file-pen",
            gettext("Fields of your own for tickets, services and companies."),
        ),
        Entry(
            "/console/admin/forms", gettext("Forms"), "list-checks",
            gettext("What a new ticket is asked for by its issue type, and when."),
        ),
        Entry(
            "/console/admin/companies", gettext("Companies"), "building-2",
            gettext("Your customers: people, services, mail domains, keys, webhooks."),
        ),
        Entry(
            "/console/admin/tiers", gettext("Tiers"), "layers",
            gettext("How you class customers and services."),
        ),
        Entry(
            "/console/admin/branding", gettext("Branding"), "palette",
            gettext("How the pages look, and what customers read about your support."),
        ),
        Entry(
            "/console/admin/address-conflicts", gettext("Address conflicts"), "user-round-x",
            gettext("Addresses that two companies say are their people's. You decide."),
        ),
    ]  # fmt: skip


def _mail() -> list[Entry]:
    """Return the sections of mail both ways."""
    return [
        Entry(
            "/console/admin/mail-templates", gettext("Mail templates"), "file-pen",
            gettext("The texts of the mails that customers and your people get."),
        ),
        Entry(
            "/console/admin/mailboxes", gettext("Mailboxes"), "mailbox",
            gettext("The addresses that mail is accepted for, and the servers it is fetched from."),
        ),
        Entry(
            "/console/admin/mail-review", gettext("Mail review"), "inbox",
            gettext("Mail in quarantine, with the reason: release it into a ticket, or discard it."),
        ),
        Entry(
            "/console/admin/outbound-mail", gettext("Outbound mail"), "mails",
            gettext("Mail that was not delivered, and why. Retry it, or send a test."),
        ),
        Entry(
            "/console/admin/suppressions", gettext("Suppressed addresses"), "ban",
            gettext("Addresses that get no mail, after a bounce or by decision."),
        ),
        Entry(
            "/console/admin/opt-outs", gettext("Stopped mail"), "bell-off",
            gettext("Mail that its recipients stopped with the link in it."),
        ),
    ]  # fmt: skip


def _access() -> list[Entry]:
    """Return what lets programs and people in."""
    return [
        Entry(
            "/console/admin/keys", gettext("API keys"), "key-round",
            gettext("What programs sign in with: scopes, last use, revocation."),
        ),
        Entry(
            "/console/admin/webhooks", gettext("Webhooks"), "webhook",
            gettext("Events that go to your own programs: deliveries, replay, secrets."),
        ),
        Entry(
            "/console/admin/sign-in", gettext("Sign-in"), "log-in",
            gettext("Identity providers that people sign in with, and the roles of their groups."),
        ),
        Entry(
            "/console/admin/second-factors", gettext("Second factors"), "shield-check",
            gettext("Which roles need a code besides the password."),
        ),
    ]  # fmt: skip


def _system() -> list[Entry]:
    """Return the sections about the installation."""
    return [
        Entry(
            "/console/admin/imports", gettext("Imports"), "upload",
            gettext("Companies, people, services and tickets from a file, with a dry run first."),
        ),
        Entry("/console/admin/audit", gettext("Audit"), "history", gettext("Who changed what, and when.")),
        Entry(
            "/console/admin/health", gettext("System health"), "heart-pulse",
            gettext("Checks of this installation, and the work that is due."),
        ),
        Entry(
            "/console/admin/retention", gettext("Retention"), "clock",
            gettext("How long data is kept, what it takes, and what the last run deleted."),
        ),
    ]  # fmt: skip


async def admin_sidebar(tx: Tx, actor: Actor) -> Sidebar:
    """Return the side bar of an admin's pages: the views without their numbers, and the sections."""
    side = await sidebar(tx, actor)
    sections = [View(entry.path, entry.title, entry.icon, "") for entry in entries()]
    return replace(side, queues=[], saved=[], admin=[*side.admin, *sections])
