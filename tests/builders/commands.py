"""Every command with ``--json``, in an order in which each succeeds, and the operation whose body it prints."""

from collections.abc import Iterator
from typing import NamedTuple

import click

ADA = "ada@birch.example.com"
MARA = "mara@example.net"
_MAIL = "From: Mallory <mallory@example.org>\r\nTo: support@example.net\r\nMessage-ID: <{}@example.org>\r\n\r\nHi\r\n"
_BIR = ("--company", "BIR001")
_TICKET = (
    *_BIR, "--title", "Port is down", "--description", "No light", "--issue", "Circuit Down", "--service", "P-1",
    "--service-type", "Port",
)  # fmt: skip


class Step(NamedTuple):
    """A command, or with ``sql`` a statement that is executed between two commands.

    Arguments and ``same`` may name the results of earlier steps: ``{company[id]}`` is a member of the result that was
    saved as ``company``, ``{it[id]}`` one of this command's own. ``same`` is the path whose GET answers the same body.
    """

    command: str = ""
    operation: str | None = None
    arguments: tuple[str, ...] = ()
    same: str | None = None
    save: str = ""
    text: str | None = None
    exit_code: int = 0
    sql: str | None = None


LOCAL = {"attachment adopt", "attachment sweep", "backup", "demo", "doctor", "import files", "inbound-mail receive",
         "migrate", "notifications pending", "restore", "retention run", "retention show", "search rebuild",
         "upgrade-database", "user reset-password", "verify-backup"}  # fmt: skip
"""Commands for things that only an operator does."""

_NUMBER = "/tickets/{ticket[number]}"
_COMPANY = "/companies/{company[id]}"
_SUBSCRIPTION = "/subscriptions/{webhook[id]}"
_PEOPLE = (
    Step("company add", "createCompany", ("Birch Telecom", "--code", "BIR001"), "/companies/{it[id]}", "company"),
    Step("company change", "changeCompany", ("BIR001", "--name", "Birch"), "/companies/{it[id]}"),
    Step("company show", "getCompany", ("BIR001",), "/companies/{it[id]}"),
    Step("company list", "listCompanies", (), "/companies"),
    Step("user add", "createUser", (*_BIR, "--name", "Ada", "--email", ADA), _COMPANY + "/users/{it[id]}", "ada"),
    Step("user change", "changeUser", (*_BIR, ADA, "--phone", "+1-555-0111"), _COMPANY + "/users/{it[id]}"),
    Step("user list", "listUsers", _BIR, _COMPANY + "/users"),
    Step("user find", "listUsers", (ADA,), _COMPANY + "/users"),
    Step("user change", "changeUser", (*_BIR, ADA, "--unconfirmed"), _COMPANY + "/users/{it[id]}"),
    Step(sql="update account_mail set created_at = created_at - interval '2 hours'"),
    Step("user invite", "inviteUser", (*_BIR, ADA), _COMPANY + "/users/{it[id]}"),
    Step("company add", "createCompany", ("Alder", "--code", "ALD001"), "/companies/{it[id]}"),
    Step("user add", "createUser", ("--company", "ALD001", "--name", "Ada", "--email", ADA)),
    Step("user conflicts", "listAddressConflicts", (), "/address-conflicts"),
    Step("user decide", "decideAddressClaim", (*_BIR, ADA, "--confirm"), _COMPANY + "/users/{it[id]}"),
    Step("domain add", "createMailDomain", (*_BIR, "birch.example.com"), _COMPANY + "/domains/{it[id]}"),
    Step("domain verify", "verifyMailDomain", (*_BIR, "birch.example.com", "--trusted"),
         _COMPANY + "/domains/{it[id]}"),
    Step("domain list", "listMailDomains", _BIR, _COMPANY + "/domains"),
    Step("domain delete", "deleteMailDomain", (*_BIR, "birch.example.com")),
    Step("key create", "createKey", _BIR, save="key"),
    Step("key list", "listKeys", _BIR, _COMPANY + "/keys"),
    Step("key revoke", "revokeKey", (*_BIR, "{key[id]}")),
    Step("agent list", "listUsers", (), "/users"),
    Step("service add", "createService", (*_BIR, "--id", "P-1", "--type", "Port", "--label", "Port 1"),
         _COMPANY + "/services/P-1"),
    Step("service change", "changeService", (*_BIR, "P-1", "--label", "Port one"), _COMPANY + "/services/P-1"),
    Step("service show", "getService", (*_BIR, "P-1"), _COMPANY + "/services/P-1"),
    Step("service import", "importServices", (*_BIR, "-"), text="id,type,label\nP-2,Port,Port 2\n"),
    Step("service list", "listServices", _BIR, _COMPANY + "/services"),
    Step("service delete", "deleteService", (*_BIR, "P-2")),
    Step("import companies", "importTickets", ("-", "--format", "csv"), text="code,name\nNEW001,New\n"),
    Step("import people", "importTickets", ("-", "--format", "csv"),
         text="company,email,name\nNEW001,bo@example.com,Bo\n"),
    Step("import tickets", "getJob", ("-",), "/jobs/{it[id]}", text="nonsense\n", exit_code=1),
    Step("import services", "importTickets", ("-", "--format", "csv"),
         text="company,id,type,label\nNEW001,P-1,Port,Port\n"),
    Step("tier add", "createTier", ("basic", "--label", "Basic"), "/tiers/basic"),
    Step("tier change", "changeTier", ("basic", "--label", "Basic plus", "--retired"), "/tiers/basic"),
    Step("tier list", "listTiers", (), "/tiers"),
    Step("priority-matrix set", "replacePriorityMatrix", ("--impact", "down", "--priority", "high"),
         "/priority-matrix"),
    Step("priority-matrix show", "getPriorityMatrix", (), "/priority-matrix"),
    Step("priority-matrix preview", "previewPriorityMatrix"),
)  # fmt: skip
_CATALOGUE = (
    Step("service-type add", "createServiceType", ("Wavelength", "--console-connect", "Connection (L2)"),
         "/service-types/{it[id]}"),
    Step("service-type change", "changeServiceType", ("Wavelength", "--customer-name-de", "Wellenlänge"),
         "/service-types/{it[id]}"),
    Step("issue-type add", "createIssueType",
         ("Fibre cut", "--severity", "extensive", "--service-type", "Wavelength", "--console-connect", "Circuit Down"),
         "/issue-types/{it[id]}", "cut"),
    Step("issue-type change", "changeIssueType", ("Fibre cut", "--help-text", "No light at all"),
         "/issue-types/{it[id]}"),
    Step("issue-type show", "getIssueType", ("fibre cut",), "/issue-types/{it[id]}"),
    Step("issue-type list", "listIssueTypes", (), "/issue-types"),
    Step("issue-type retire", "changeIssueType", ("Fibre cut",), "/issue-types/{it[id]}"),
    Step("issue-type activate", "changeIssueType", ("Fibre cut",), "/issue-types/{it[id]}"),
    Step("form set", "setFormDefinition",
         ("Fibre cut", "--field", "title", "--field", "description", "--field", "service_end",
          "--field", "site_access!?service_end=a|both"),
         "/form-definitions/Fibre cut?audience=customer"),
    Step("form show", "getFormDefinition", ("fibre cut",), "/form-definitions/Fibre cut?audience=customer"),
    Step("form list", "listFormDefinitions", (), "/form-definitions"),
    Step("form delete", "deleteFormDefinition", ("Fibre cut", "--yes")),
    Step("issue-type delete", "deleteIssueType", ("Fibre cut",)),
    Step("service-type show", "getServiceType", ("Wavelength",), "/service-types/{it[id]}"),
    Step("service-type list", "listServiceTypes", (), "/service-types"),
    Step("service-type retire", "changeServiceType", ("Wavelength",), "/service-types/{it[id]}"),
    Step("service-type activate", "changeServiceType", ("Wavelength",), "/service-types/{it[id]}"),
    Step("service-type delete", "deleteServiceType", ("Wavelength",)),
)  # fmt: skip
_DESK = (
    Step(
        "term add", "addTerm", ("fault_cause", "lightning", "Lightning", "--help-text", "A strike"), "/terms/{it[id]}"
    ),
    Step("term change", "changeTerm", ("fault_cause", "lightning", "--retired"), "/terms/{it[id]}"),
    Step("term list", "listTerms", ("--kind", "sub_status"), "/terms?kind=sub_status"),
    Step("team add", "createTeam", ("NOC",), "/teams/{it[id]}", "team"),
    Step("team rename", "changeTeam", ("NOC", "Night"), "/teams/{it[id]}"),
    Step("team join", "joinTeam", ("Night", MARA), "/teams/{team[id]}/members/{it[id]}"),
    Step("team members", "getTeamMember", ("Night",)),
    Step("team available", "changeUser", (MARA, "--no"), "/companies/{mara[company_id]}/users/{it[id]}"),
    Step("team list", "listTeams", (), "/teams"),
    Step("queue add", "createQueue", ("Ports", "--team", "Night"), "/queues/{it[id]}", "queue"),
    Step("queue change", "changeQueue", ("Ports", "--description", "Down"), "/queues/{it[id]}"),
    Step("agent add", "createUser", ("Lou", "--email", "lou@example.net"), save="lou"),
    Step(
        "user limit",
        "changeUser",
        ("lou@example.net", "--queue", "Ports"),
        "/companies/{lou[company_id]}/users/{it[id]}",
    ),
    Step("route add", "createRoutingRule", ("All", "--queue", "Ports"), "/routing-rules/{it[id]}", "rule"),
    Step("route change", "changeRoutingRule", ("1", "--keyword", "down"), "/routing-rules/{it[id]}"),
    Step("route move", "changeRoutingRule", ("1", "1"), "/routing-rules/{it[id]}"),
    Step("route list", "listRoutingRules", (), "/routing-rules"),
)
_TICKETS = (
    Step("ticket create", "createTicket", _TICKET, "/tickets/{it[number]}", "ticket"),
    Step("ticket create", "createTicket", _TICKET, "/tickets/{it[number]}", "second"),
    Step("route test", "testRoutingRules", ("--ticket", "{ticket[number]}")),
    Step("route ticket", "routeTicket", ("{ticket[number]}",), _NUMBER),
    Step("queue list", "listQueues", (), "/queues"),
    Step("ticket assign", "assignTicket", ("{ticket[number]}", "--to", MARA), _NUMBER),
    Step("ticket change", "changeTicket", ("{ticket[number]}", "--title", "Port 1 is down"), _NUMBER),
    Step("ticket tag", "tagTicket", ("{ticket[number]}", "--add", "fibre"), _NUMBER),
    Step("ticket remind", "changeTicket", ("{ticket[number]}", "--in", "2d", "--reason", "Call"), _NUMBER),
    Step("ticket status", "moveTicket", ("{ticket[number]}", "in_progress"), _NUMBER),
    Step("ticket note", "addNote", ("{ticket[number]}", "On it", "--internal"), _NUMBER + "/notes/{it[id]}"),
    Step("ticket notes", "listNotes", ("{ticket[number]}",), _NUMBER + "/notes"),
    Step(sql="update note set mail_id = gen_random_uuid(), trimmed_text = 'Ada'"),
    Step("ticket notes", "listNotes", ("{ticket[number]}",), _NUMBER + "/notes", "notes"),
    Step("ticket trimmed-text", "getTrimmedText", ("{ticket[number]}", "{notes[0][id]}"),
         _NUMBER + "/notes/{notes[0][id]}/trimmed-text"),
    Step("ticket history", "ticketHistory", ("{ticket[number]}",), _NUMBER + "/history"),
    Step("ticket link", "addLink", ("{ticket[number]}", "related", "{second[number]}"), _NUMBER + "/links/{it[id]}",
         "link"),
    Step("ticket links", "listLinks", ("{ticket[number]}",), _NUMBER + "/links"),
    Step("ticket unlink", "removeLink", ("{ticket[number]}", "{link[id]}")),
    Step(
        "ticket add-person", "getTicket", ("{ticket[number]}", "--email", "nia@example.org", "--cc"), _NUMBER
    ),
    Step("ticket people", "getTicket", ("{ticket[number]}",), _NUMBER),
    Step("ticket remove-person", "getTicket", ("{ticket[number]}", "NIA@example.org"), _NUMBER),
    Step("case add", "addCase", ("{ticket[number]}", "Fernhill", "--number", "FH-1"), _NUMBER + "/cases/{it[id]}",
         "case"),
    Step("case change", "changeCase", ("{ticket[number]}", "fh-1", "--state", "waiting"), _NUMBER + "/cases/{it[id]}"),
    Step("case list", "listCases", ("{ticket[number]}",), _NUMBER + "/cases"),
    Step("case remove", "removeCase", ("{ticket[number]}", "{case[id]}")),
    Step("ticket watch", "addWatcher", ("{ticket[number]}", "--user", MARA), _NUMBER + "/watchers/{it[user][id]}"),
    Step("ticket watchers", "listWatchers", ("{ticket[number]}",), _NUMBER + "/watchers"),
    Step("ticket unwatch", "removeWatcher", ("{ticket[number]}", "--user", MARA)),
    Step("ticket merge", "mergeTicket", ("{second[number]}", "{ticket[number]}"), "/tickets/{it[number]}"),
    Step("ticket unmerge", "unmergeTicket", ("{second[number]}",), "/tickets/{it[number]}"),
    Step("ticket split", "splitTicket", ("{ticket[number]}", "--title", "B", "--description", "B"),
         "/tickets/{it[number]}"),
    Step("attachment add", "addAttachment", ("{ticket[number]}", "-", "--name", "log.txt"),
         _NUMBER + "/attachments/{it[id]}", "file", text="one\n"),
    Step("attachment list", "listAttachments", ("{ticket[number]}",), _NUMBER + "/attachments"),
    Step("attachment get", "getAttachment", ("{ticket[number]}", "{file[id]}", "-o", "{folder}/log.txt"),
         _NUMBER + "/attachments/{file[id]}"),
    Step("ticket redact", "previewRedaction", ("{ticket[number]}", "--description", "--reason", "A key", "--dry-run"),
         text="No light"),
    Step("ticket redact", "addRedaction", ("{ticket[number]}", "--description", "--reason", "A key", "--yes"),
         _NUMBER + "/redactions/{it[id]}", text="No light"),
    Step("person erase", "addErasure", ("nobody@example.org", "--reason", "Asked", "--dry-run"), "/erasures/{it[id]}"),
    Step("person erasures", "listErasures", (), "/erasures"),
    Step("ticket redactions", "listRedactions", ("{ticket[number]}",), _NUMBER + "/redactions"),
    Step("attachment delete", "deleteAttachment", ("{ticket[number]}", "{file[id]}")),
    Step("ticket show", "getTicket", ("{ticket[number]}",), _NUMBER),
    Step("ticket list", "listTickets", (), "/tickets"),
    Step("search rebuild"),
    Step("search find", "searchTickets", ("number:{ticket[number]}",), "/search?q=number:{ticket[number]}"),
    Step("field add", "addField", ("ticket", "circuit", "--label", "Circuit"), "/fields/{it[id]}"),
    Step("field change", "changeField", ("ticket", "circuit", "--label", "Leg"), "/fields/{it[id]}"),
    Step("field list", "listFields", (), "/fields"),
    Step("ticket change", "changeTicket", ("{ticket[number]}", "--field", "circuit=B-1"), _NUMBER),
    Step("field delete", "deleteField", ("ticket", "circuit", "--yes")),
    Step("field restore", "restoreField", ("ticket", "circuit"), "/fields/{it[id]}"),
    Step("field delete", "deleteField", ("ticket", "circuit", "--confirm", "1")),
    Step("template add", "addTicketTemplate", ("Cut", "--service-type", "Port"), "/ticket-templates/{it[id]}"),
    Step("template change", "changeTicketTemplate", ("Cut", "--priority", "high"), "/ticket-templates/{it[id]}"),
    Step("template list", "listTicketTemplates", ("--service-type", "Port"), "/ticket-templates?service_type=Port"),
    Step("template delete", "deleteTicketTemplate", ("Cut",)),
    Step("macro add", "addMacro", ("Hi", "--text", "Hello {{{{contact.name}}}}"), "/macros/{it[id]}"),
    Step("macro change", "changeMacro", ("Hi", "--tag", "hi"), "/macros/{it[id]}"),
    Step("macro list", "listMacros", (), "/macros"),
    Step("macro apply", "useMacro", ("Hi", "{ticket[number]}")),
    Step("bulk macro", "getJob", ("Hi", "{ticket[number]}"), "/jobs/{it[id]}"),
    Step("macro delete", "deleteMacro", ("Hi",)),
    Step("view add", "addView", ("Mine", "fibre", "--user", MARA), "/views/{it[id]}", "view"),
    Step("view change", "changeView", ("{view[id]}", "--query", "cut", "--user", MARA), "/views/{it[id]}"),
    Step("view list", "listViews", ("--user", MARA), "/views"),
    Step("view delete", "deleteView", ("{view[id]}", "--user", MARA)),
)  # fmt: skip
_BULK = (
    Step("bulk assign", "getJob", ("nobody", "{ticket[number]}"), "/jobs/{it[id]}"),
    Step("bulk change", "getJob", ("{ticket[number]}", "--priority", "low"), "/jobs/{it[id]}"),
    Step("priority-matrix apply", "getJob", ("--dry-run",), "/jobs/{it[id]}"),
    Step("bulk note", "getJob", ("Done", "{ticket[number]}"), "/jobs/{it[id]}"),
    Step("bulk status", "getJob", ("pending", "{ticket[number]}"), "/jobs/{it[id]}"),
    Step("bulk remind", "getJob", ("{ticket[number]}", "--in", "4h"), "/jobs/{it[id]}"),
    Step("bulk priority-matrix", "getJob", ("{ticket[number]}",), "/jobs/{it[id]}"),
    Step("bulk tag", "getJob", ("{ticket[number]}", "--add", "bulk"), "/jobs/{it[id]}", "job"),
    Step("ticket import", "getJob", ("-",), "/jobs/{it[id]}", text="nonsense\n", exit_code=1),
    Step("job list", "listJobs", (), "/jobs"),
    Step("job show", "getJob", ("{job[id]}",), "/jobs/{job[id]}"),
    Step("job items", "listJobItems", ("{job[id]}", "--outcome", "all"), "/jobs/{job[id]}/items"),
    Step(sql="update job set state = 'running', finished_at = null where id = '{job[id]}'"),
    Step("job cancel", "cancelJob", ("{job[id]}",), "/jobs/{job[id]}"),
)
_WEBHOOKS = (
    Step("webhook add", "createSubscription", ("https://hooks.example.com/",), save="webhook"),
    Step("webhook change", "changeSubscription", ("{webhook[id]}", "--description", "NOC"), _SUBSCRIPTION),
    Step("webhook rotate", "rotateSubscriptionSecret", ("{webhook[id]}",)),
    Step("webhook list", "listSubscriptions", (), "/subscriptions"),
    Step("webhook ping", "pingSubscription", ("{webhook[id]}",), save="ping"),
    Step(sql="update delivery set state = 'dead', due_at = null, finished_at = now()"),
    Step("webhook deliveries", "listDeliveries", ("{webhook[id]}",), _SUBSCRIPTION + "/deliveries"),
    Step("webhook delivery", "getDelivery", ("{webhook[id]}", "{ping[id]}"), _SUBSCRIPTION + "/deliveries/{ping[id]}"),
    Step("webhook replay", "replayDelivery", ("{webhook[id]}", "--delivery", "{ping[id]}")),
    Step("webhook replay", "replayDeliveries", ("{webhook[id]}", "--since", "2026-01-01")),
    Step("webhook delete", "deleteSubscription", ("{webhook[id]}",)),
)
_MAILS = (
    Step("mailbox add", "addMailbox", ("support@example.net",), "/mailboxes/{it[id]}"),
    Step("mailbox change", "changeMailbox",
         ("support@example.net", "--imap-host", "127.0.0.1", "--imap-port", "1", "--imap-user", "me",
          "--imap-password"), "/mailboxes/{it[id]}", text="secret\n"),
    Step("mailbox check", "checkMailbox", ("support@example.net",), exit_code=3),
    Step("mailbox list", "listMailboxes", (), "/mailboxes"),
    Step("inbound-mail receive", None, ("-", "--to", "support@example.net"), save="first", text=_MAIL.format(1)),
    Step("inbound-mail receive", None, ("-", "--to", "support@example.net"), save="last", text=_MAIL.format(2)),
    Step(sql="update inbound_mail set state = 'quarantined', reason = 'its sender is unknown', decided_at = now()"),
    Step("inbound-mail show", "getInboundMail", ("{first[ids][0]}",), "/inbound-mails/{first[ids][0]}"),
    Step("inbound-mail release", "releaseInboundMail", ("{first[ids][0]}", "--ticket", "{ticket[number]}")),
    Step("inbound-mail discard", "discardInboundMail", ("{last[ids][0]}",)),
    Step("inbound-mail list", "listInboundMails", (), "/inbound-mails"),
    Step("mailbox delete", "deleteMailbox", ("support@example.net",)),
    Step("mail test", "testMail", (ADA,), save="mail"),
    Step("mail retry", "retryOutboundMail", ("{mail[id]}",)),
    Step("mail show", "getOutboundMail", ("{mail[id]}",), "/outbound-mails/{mail[id]}"),
    Step("mail outbox", "listOutboundMails", (), "/outbound-mails"),
    Step("mail suppress", "addMailSuppression", ("eve@example.com",), "/mail-suppressions/eve@example.com"),
    Step("mail suppressed", "listMailSuppressions", (), "/mail-suppressions"),
    Step("mail unsuppress", "deleteMailSuppression", ("eve@example.com",)),
    Step(sql="insert into mail_opt_out (company_id, recipient, topic, created_at, id) "
             "select id, 'eve@example.com', 'tickets', now(), '5f0c9a56-2c1e-4d59-9d0e-0f5a3c1b7e42' from company "
             "where code = 'BIR001'"),
    Step("mail opt-outs", "listMailOptOuts", (), "/mail-opt-outs"),
    Step("mail resume", "deleteMailOptOut", ("5f0c",)),
    Step("notifications set", "changeUserNotifications", (*_BIR, "--user", ADA, "--digest", "hourly"),
         _COMPANY + "/users/{ada[id]}/notifications"),
    Step("notifications show", "getUserNotifications", (*_BIR, "--user", ADA),
         _COMPANY + "/users/{ada[id]}/notifications"),
    Step("notifications contacts", "changeCompanyNotifications", (*_BIR, "--off"), _COMPANY + "/notifications"),
)  # fmt: skip
_END = (
    Step("events tail", "followEvents", (), "/events"),
    Step("audit", "listAuditEvents", ("--limit", "200"), "/audit"),
    Step("ticket assign", "assignTicket", ("{ticket[number]}", "--nobody"), _NUMBER),
    Step("route delete", "deleteRoutingRule", ("1",)),
    Step("queue add", "createQueue", ("Empty",)),
    Step("queue delete", "deleteQueue", ("Empty",)),
    Step("team leave", "leaveTeam", ("Night", MARA)),
    Step("team add", "createTeam", ("Empty",)),
    Step("team delete", "deleteTeam", ("Empty",)),
    Step("user deactivate", "changeUser", (*_BIR, ADA), _COMPANY + "/users/{it[id]}"),
    Step("company deactivate", "deactivateCompany", ("BIR001",)),
    Step("company activate", "activateCompany", ("BIR001",)),
)
STEPS = (
    Step("agent add", "createUser", ("Mara", "--email", MARA, "--role", "admin"), save="mara"),
    Step("key create", "createKey", ("--company", "PROVIDER", "--user", MARA), save="admin"),
    *_PEOPLE, *_CATALOGUE, *_DESK, *_TICKETS, *_BULK, *_WEBHOOKS, *_MAILS, *_END,
)  # fmt: skip


def commands_below(command: click.Command, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Return the commands below a group, with the words that call them."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        part = command.get_command(context, name)
        assert part is not None
        yield from commands_below(part, f"{path} {name}".strip())
