"""The table of pages and forms. Routes, scopes and the tests of who may do what are all made from it."""

from clearline.identity import Scope
from clearline.web.account import second_factor
from clearline.web.area import CONSOLE
from clearline.web.console import changes
from clearline.web.console.bulk import change_selected, undo_selected
from clearline.web.console.cases import handlers as cases
from clearline.web.console.companies import company, customers, service
from clearline.web.console.components import PATH as COMPONENTS
from clearline.web.console.components import show_components
from clearline.web.console.dashboard import handlers as dashboard
from clearline.web.console.handovers import handlers as handovers
from clearline.web.console.lists.bulk_fields import show_input
from clearline.web.console.lists.columns import choose_columns
from clearline.web.console.live import lists, notices, presence, stream
from clearline.web.console.live import ticket as live_ticket
from clearline.web.console.me.assignment import change_assignment
from clearline.web.console.me.frame import ACCOUNT_PAGES
from clearline.web.console.me.keys import OWN_KEYS
from clearline.web.console.new_ticket import handlers as new_ticket
from clearline.web.console.progress import handlers as progress
from clearline.web.console.queue import home, show_list
from clearline.web.console.saved import change_view, save_view
from clearline.web.console.search import handlers as search
from clearline.web.console.ticket import show_ticket
from clearline.web.console.tickets import faults, mails, merging, own_fields, people, redaction
from clearline.web.console.tickets.composer import apply_macro, send_message, take_back
from clearline.web.console.tickets.copies import change_copies
from clearline.web.console.tickets.drafts import discard_draft, save_draft
from clearline.web.console.tickets.held_files import add_file, drop_file
from clearline.web.console.tickets.history import show_history
from clearline.web.console.tickets.reminders import set_reminder
from clearline.web.tickets.files import download_file
from clearline.web.visit import Page

_TICKET = "/console/tickets/{number}"
_READ, _WRITE = Scope.TICKETS_READ, Scope.TICKETS_WRITE

PAGES = (
    Page("home", "GET", "/console", home, _READ),
    Page("queue", "GET", "/console/queues/{id}", show_list, _READ),
    Page("savedView", "GET", "/console/views/{id}", show_list, _READ),
    Page("saveView", "POST", "/console/views", save_view, _WRITE),
    Page("changeView", "POST", "/console/views/{id}", change_view, _WRITE),
    Page("chooseColumns", "POST", "/console/columns", choose_columns, _READ),
    Page("newTicket", "GET", new_ticket.PATH, new_ticket.show_new_ticket, _WRITE),
    Page("createTicket", "POST", new_ticket.PATH, new_ticket.create_ticket, _WRITE, has_files=True),
    Page("ticket", "GET", _TICKET, show_ticket, _READ),
    Page("file", "GET", _TICKET + "/files/{file}", download_file, _READ),
    Page("addFile", "POST", _TICKET + "/files", add_file, _WRITE, is_upload=True),
    Page("dropFile", "POST", _TICKET + "/files/drop", drop_file, _WRITE, has_files=True),
    Page("changeCopies", "POST", _TICKET + "/messages/cc", change_copies, _WRITE, has_files=True),
    Page("sendMessage", "POST", _TICKET + "/messages", send_message, _WRITE, has_files=True),
    Page("takeBack", "POST", _TICKET + "/pending/{message}/undo", take_back, _WRITE),
    Page("saveDraft", "POST", _TICKET + "/draft", save_draft, _WRITE),
    Page("discardDraft", "POST", _TICKET + "/draft/discard", changes.change_handler(discard_draft), _WRITE),
    Page("applyMacro", "POST", _TICKET + "/macros/{macro}", apply_macro, _WRITE),
    Page("cutText", "GET", _TICKET + "/notes/{note}/cut", mails.show_cut_text, _READ),
    Page("mail", "GET", _TICKET + "/notes/{note}/mail", mails.show_mail, _READ),
    Page("rawMail", "GET", _TICKET + "/notes/{note}/mail/raw", mails.download_mail, _READ),
    Page("addWatcher", "POST", _TICKET + "/watchers", changes.change_handler(changes.add_watcher), _WRITE),
    Page("removeWatcher", "POST", _TICKET + "/watchers/remove", changes.change_handler(changes.remove_watcher), _WRITE),
    Page("addPerson", "POST", _TICKET + "/people", changes.change_handler(people.add_person), _WRITE),
    Page("removePerson", "POST", _TICKET + "/people/remove", changes.change_handler(people.remove_person), _WRITE),
    Page("history", "GET", _TICKET + "/history", show_history, _READ),
    Page("mergePreview", "GET", _TICKET + "/merge", merging.show_merge, _WRITE),
    Page("merge", "POST", _TICKET + "/merge", merging.merge, _WRITE),
    Page("unmerge", "POST", _TICKET + "/unmerge", changes.change_handler(merging.unmerge), _WRITE),
    Page("newCase", "GET", _TICKET + "/cases", cases.show_new, _WRITE),
    Page("addCase", "POST", _TICKET + "/cases", cases.add_case, _WRITE),
    Page("caseForm", "GET", _TICKET + "/cases/{id}", cases.show_case, _WRITE),
    Page("changeCase", "POST", _TICKET + "/cases/{id}", cases.change_case, _WRITE),
    Page("closeCase", "POST", _TICKET + "/cases/{id}/close", changes.change_handler(cases.close_case), _WRITE),
    Page("removeCase", "POST", _TICKET + "/cases/{id}/remove", changes.change_handler(cases.remove_case), _WRITE),
    Page("faultForm", "GET", _TICKET + "/fault", faults.show_fault, _WRITE),
    Page("changeFault", "POST", _TICKET + "/fault", faults.change_fault, _WRITE),
    Page("fieldsForm", "GET", _TICKET + "/fields", own_fields.show_fields, _WRITE),
    Page("changeFields", "POST", _TICKET + "/fields", own_fields.change_fields, _WRITE),
    Page("splitForm", "GET", _TICKET + "/split", merging.show_split, _WRITE),
    Page("split", "POST", _TICKET + "/split", merging.split, _WRITE),
    Page("redactForm", "GET", _TICKET + "/redact", redaction.show_redact, Scope.TICKETS_REDACT),
    Page("redact", "POST", _TICKET + "/redact", redaction.redact, Scope.TICKETS_REDACT),
    Page("setStatus", "POST", _TICKET + "/status", changes.change_handler(changes.set_status), _WRITE),
    Page("statusForm", "GET", _TICKET + "/status", progress.show_status, _WRITE),
    Page("changeStatus", "POST", _TICKET + "/status/facts", progress.change_status, _WRITE),
    Page("setIssue", "POST", _TICKET + "/issue", changes.change_handler(changes.set_issue), _WRITE),
    Page("setPriority", "POST", _TICKET + "/priority", changes.change_handler(changes.set_priority), _WRITE),
    Page("applyTicketMatrix", "POST", _TICKET + "/matrix", changes.change_handler(changes.apply_matrix), _WRITE),
    Page("setAssignee", "POST", _TICKET + "/assignee", changes.change_handler(changes.set_assignee), _WRITE),
    Page("undoAssignment", "POST", _TICKET + "/assignee/undo", changes.undo_assignment, _WRITE),
    Page("setQueue", "POST", _TICKET + "/queue", changes.change_handler(changes.set_queue), _WRITE),
    Page("setReminder", "POST", _TICKET + "/reminder", changes.change_handler(set_reminder), _WRITE),
    Page("setTags", "POST", _TICKET + "/tags", changes.change_handler(changes.set_tags), _WRITE),
    Page("addLink", "POST", _TICKET + "/links", changes.change_handler(changes.add_link), _WRITE),
    Page("removeLink", "POST", _TICKET + "/links/remove", changes.change_handler(changes.remove_link), _WRITE),
    Page("ownFieldOfSelected", "GET", "/console/bulk/field", show_input, _WRITE),
    Page("changeSelected", "POST", "/console/bulk", change_selected, _WRITE),
    Page("undoSelected", "POST", "/console/bulk/undo", undo_selected, _WRITE),
    *ACCOUNT_PAGES,
    *OWN_KEYS.pages(),
    Page("changeAssignment", "POST", f"{CONSOLE.account}/assignment", change_assignment, _WRITE),
    *second_factor.pages(CONSOLE),
    Page("dashboard", "GET", dashboard.PATH, dashboard.show_dashboard, _READ),
    Page("handover", "GET", handovers.PATH, handovers.show_handover, _READ),
    Page("signOff", "POST", handovers.PATH, handovers.sign_off, _WRITE),
    Page("signedHandover", "GET", handovers.SIGNED, handovers.show_signed, _READ),
    Page("customers", "GET", customers.PATH, customers.show_customers, _READ),
    Page("company", "GET", company.PATH, company.show_company, _READ),
    Page("service", "GET", service.PATH, service.show_service, _READ),
    Page("live", "GET", stream.PATH, stream.follow, _READ, in_background=True),
    Page("liveRows", "GET", f"{stream.PATH}/rows", lists.show_rows, _READ, in_background=True),
    Page("liveNotices", "GET", f"{stream.PATH}/notices", notices.show_notices, _READ, in_background=True),
    Page("liveViews", "GET", f"{stream.PATH}/views", lists.show_views, _READ, in_background=True),
    Page("liveTicket", "GET", _TICKET + "/live", live_ticket.show_changes, _READ, in_background=True),
    Page("presence", "GET", _TICKET + "/presence", presence.show_presence, _READ, in_background=True),
    Page("reportPresence", "POST", _TICKET + "/presence", presence.report_presence, _READ, in_background=True),
    Page("search", "GET", search.PATH, search.show_search, _READ),
    Page("components", "GET", COMPONENTS, show_components, _READ),
    Page("find", "GET", "/console/find", search.find, _READ),
    Page("view", "GET", "/console/{view}", show_list, _READ),
)
"""A path with a parameter matches one segment: a fixed path stands before the one with a parameter in its place."""
