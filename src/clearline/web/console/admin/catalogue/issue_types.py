"""The types of issues that tickets are about, and the assessment that a new ticket begins with."""

from collections.abc import Mapping
from typing import Any

from clearline.catalogue.assessment import Impact, Priority, Severity
from clearline.catalogue.domain import CLOSURE_FACTS, UNKNOWN_ASSESSMENT, IssueEntry
from clearline.catalogue.entry_usecases import ISSUE_TYPES
from clearline.catalogue.published import IssueType
from clearline.platform.database.transactions import Tx
from clearline.web.console.admin.catalogue.section import EntrySection
from clearline.web.console.admin.section import ADMIN
from clearline.web.fields import member_in
from clearline.web.looks import IMPACTS, PRIORITIES, SEVERITIES
from clearline.web.records.form import Choice, Field, Kind, Values
from clearline.web.tickets.terms import CLOSURE_LABELS
from clearline.web.visit import Form, Visit
from clearline.web.words import gettext


class IssueTypes(EntrySection[IssueEntry]):
    """The section of issue types."""

    noun = "issueType"
    path = f"{ADMIN}/issue-types"
    kind = ISSUE_TYPES

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            "title": gettext("Issue types"),
            "new": gettext("New issue type"),
            "about": gettext("What can be wrong with a service, and how serious a ticket of it is at first."),
            "about delete": gettext("Only one that no ticket, template and routing rule has. Otherwise retire it."),
            "done create": gettext("Added."),
            "done change": gettext("Saved."),
            "done delete": gettext("Deleted."),
        }

    def note(self, entry: IssueEntry) -> str:
        """Return what customers call an issue type, and the priority of its tickets."""
        priority = gettext(PRIORITIES[entry.priority].label)
        return f"{entry.customer_name} · {priority}" if entry.customer_name else priority

    async def fields(self, visit: Visit, tx: Tx, record: IssueEntry | None) -> list[Field]:  # noqa: ARG002
        """Return the fields of an issue type."""
        services = [Choice(entry.key, entry.name) for entry in visit.catalogue.service_types.values()]
        return [
            *self.shared_fields(record),
            Field(
                "severity", gettext("Severity"), Kind.SELECT,
                [Choice(value, gettext(word)) for value, word in SEVERITIES.items()],
                gettext("What a new ticket begins with. Tickets that exist keep theirs."),
            ),
            Field(
                "impact", gettext("Impact"), Kind.SELECT,
                [Choice(value, gettext(word)) for value, word in IMPACTS.items()],
            ),
            Field(
                "priority", gettext("Priority"), Kind.SELECT,
                [Choice(value, gettext(look.label)) for value, look in PRIORITIES.items()],
            ),
            Field(
                "service_types", gettext("Only for services of these types"), Kind.CHECKS, services,
                gettext("None is for services of every type."),
            ),
            Field(
                "closure_required", gettext("Required to resolve a ticket"), Kind.CHECKS,
                [Choice(name, gettext(label)) for name, label in CLOSURE_LABELS.items()],
            ),
            Field(
                "counts_as_fault", gettext("Counts as a fault"), Kind.CHECK,
                hint=gettext("Many tickets of it make a service chronic. Not for requests."),
            ),
            self.words_field([*IssueType]),
        ]  # fmt: skip

    def values(self, record: IssueEntry) -> Values:
        """Return what the fields of an issue type have."""
        return {
            **super().values(record),
            "severity": [record.severity],
            "impact": [record.impact],
            "priority": [record.priority],
            "service_types": sorted(record.service_types),
            "closure_required": list(record.closure_required),
            "counts_as_fault": ["on"] if record.counts_as_fault else [],
            "console_connect": [record.console_connect],
        }

    def defaults(self, visit: Visit) -> Values:  # noqa: ARG002
        """Return what a new issue type has."""
        return {
            "is_active": ["on"],
            "counts_as_fault": ["on"],
            "severity": [UNKNOWN_ASSESSMENT.severity],
            "impact": [UNKNOWN_ASSESSMENT.impact],
            "priority": [UNKNOWN_ASSESSMENT.priority],
            "console_connect": [IssueType.OTHERS],
        }

    def typed(self, form: Form) -> dict[str, Any]:
        """Return the values of an issue type from its form."""
        return {
            **super().typed(form),
            "severity": member_in(Severity, form, "severity"),
            "impact": member_in(Impact, form, "impact"),
            "priority": member_in(Priority, form, "priority"),
            "service_types": tuple(dict.fromkeys(form.all("service_types"))),
            "closure_required": tuple(name for name in CLOSURE_FACTS if name in form.all("closure_required")),
            "counts_as_fault": form.has("counts_as_fault"),
            "console_connect": member_in(IssueType, form, "console_connect"),
        }


ISSUE_TYPE_SECTION = IssueTypes()
