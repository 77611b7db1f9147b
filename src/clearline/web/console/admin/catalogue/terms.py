"""The provider's lists: why tickets wait, what is being done about them, what was found and done."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from clearline.catalogue import term_usecases as terms
from clearline.catalogue.term_domain import (
    CUSTOMER_KINDS,
    POSITION_MAX,
    SUB_STATUS_OF,
    WAITING_STATUSES,
    Term,
    TermKind,
)
from clearline.errors import InvalidInput, RuleCode, Violation
from clearline.identity import Scope
from clearline.platform.database.transactions import Tx
from clearline.web.console.admin.section import ADMIN, AdminSection
from clearline.web.fields import member_in, whole_number
from clearline.web.looks import STATUSES
from clearline.web.records.form import Choice, Field, Kind, Line, Values
from clearline.web.visit import Form, Visit
from clearline.web.words import gettext


class Terms(AdminSection[Term]):
    """The section of terms: a tab for each list."""

    noun = "term"
    path = f"{ADMIN}/terms"
    scope = Scope.DESK_WRITE
    can_delete = False

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            "title": gettext("Lists of a ticket"),
            "new": gettext("New term"),
            "about": gettext("What agents choose: why a ticket waits, its sub-status, what was found and done."),
            "done create": gettext("Added."),
            "done change": gettext("Saved."),
        }

    def states(self) -> Sequence[tuple[str, str]]:
        """Return the lists."""
        return [
            (TermKind.WAITING_REASON, gettext("Reasons to wait")),
            (TermKind.SUB_STATUS, gettext("Sub-statuses")),
            (TermKind.FAULT_CAUSE, gettext("Causes")),
            (TermKind.FAULT_ACTION, gettext("Actions")),
            (TermKind.RESPONSIBILITY, gettext("Responsibilities")),
        ]

    async def lines(self, visit: Visit, tx: Tx, after: list[Any] | None, limit: int) -> list[Line]:
        """Return the terms of the list in their order."""
        kind, place = TermKind(self.state(visit)), None
        if after is not None:
            place = (int(after[0]), int(after[1]), str(after[2]), str(after[3]))
        listed = await terms.list_terms(tx, visit.actor, kind, after=place, limit=limit)
        return [
            Line(
                str(term.id), term.label, [*terms.place_of(term)], _note(term),
                "" if term.is_active else gettext("retired"),
            )
            for term in listed
        ]  # fmt: skip

    async def fields(self, visit: Visit, tx: Tx, record: Term | None) -> list[Field]:  # noqa: ARG002
        """Return the fields of a term: those of its list."""
        kind = self._kind(visit, record)
        return [
            *(self._new_fields(kind) if record is None else []),
            Field("label", gettext("Label"), is_required=True, hint=gettext("What your people read.")),
            *_use_fields(kind),
            *(_customer_fields() if kind in CUSTOMER_KINDS else []),
            Field("help", gettext("Help"), hint=gettext("When to choose it.")),
            Field("is_active", gettext("Active"), Kind.CHECK, hint=gettext("Otherwise retired: only tickets keep it.")),
            Field("position", gettext("Position"), Kind.NUMBER, hint=gettext("The lowest comes first.")),
        ]

    def _new_fields(self, kind: TermKind) -> list[Field]:
        choice = Choice(kind, dict(self.states())[kind])
        hint = gettext("What programs and tickets have: small letters, digits and _. It stays.")
        return [
            Field("kind", gettext("List"), Kind.SELECT, [choice]),
            Field("key", gettext("Key"), is_required=True, hint=hint),
        ]

    def _kind(self, visit: Visit, record: Term | None) -> TermKind:
        """Return the list of a term, or of the form of a new one."""
        if record is not None:
            return record.kind
        return member_in(TermKind, visit.form, "kind") if visit.form.has("kind") else TermKind(self.state(visit))

    def values(self, record: Term) -> Values:
        """Return what the fields of a term have."""
        return {
            "label": [record.label],
            "customer_label": [record.customer_label],
            "customer_label_de": [record.customer_label_de],
            "help": [record.help],
            "statuses": list(record.statuses),
            "is_customer_time": ["on"] if record.is_customer_time else [],
            "is_active": ["on"] if record.is_active else [],
            "position": [str(record.position)],
        }

    def defaults(self, visit: Visit) -> Values:  # noqa: ARG002
        """Return what a new term has."""
        return {"is_active": ["on"]}

    def title(self, record: Term) -> str:
        """Return the label of a term."""
        return record.label

    async def get(self, visit: Visit, tx: Tx, record_id: UUID) -> Term:
        """Return a term."""
        return await terms.get_term(tx, visit.actor, record_id)

    async def lock(self, visit: Visit, tx: Tx, record_id: UUID) -> Term:
        """Lock a term."""
        return await terms.lock_term(tx, visit.actor, record_id)

    async def create(self, visit: Visit, tx: Tx) -> UUID:
        """Add a term."""
        form = visit.form
        values = {**_typed(form), "kind": member_in(TermKind, form, "kind"), "key": form.get("key").strip()}
        return (await terms.add_term(tx, visit.actor, values, now=visit.now)).id

    async def change(self, visit: Visit, tx: Tx, record: Term) -> None:
        """Change or retire a term."""
        await terms.change_term(tx, visit.actor, record.id, _typed(visit.form), now=visit.now)


def _use_fields(kind: TermKind) -> list[Field]:
    """Return the fields of what a term is for."""
    if kind is TermKind.WAITING_REASON:
        both = [Choice(status, gettext(STATUSES[status].label)) for status in WAITING_STATUSES]
        hint = gettext("Otherwise it counts as yours.")
        return [
            Field("statuses", gettext("For tickets that are"), Kind.CHECKS, both),
            Field("is_customer_time", gettext("The time counts as the customer's"), Kind.CHECK, hint=hint),
        ]
    if kind is TermKind.SUB_STATUS:
        each = [Choice(status, gettext(STATUSES[status].label)) for status in SUB_STATUS_OF]
        return [Field("statuses", gettext("Under the status"), Kind.SELECT, each)]
    return []


def _customer_fields() -> list[Field]:
    hint = gettext("In the portal and in mail. Empty: customers see nothing of it.")
    english = gettext("If empty, the English ones.")
    return [
        Field("customer_label", gettext("Words for customers"), hint=hint),
        Field("customer_label_de", gettext("Words for customers in German"), hint=english),
    ]


def _note(term: Term) -> str:
    """Return what stands below the label of a term in the list."""
    statuses = ", ".join(gettext(STATUSES[status].label) for status in term.statuses)
    return " · ".join(filter(None, (statuses, term.customer_label)))


def _typed(form: Form) -> dict[str, Any]:
    """Return the values of a term from its form; without ``position`` when the field is empty."""
    names = ("label", "customer_label", "customer_label_de", "help")
    values: dict[str, Any] = {name: form.get(name).strip() for name in names}
    values["statuses"] = tuple(dict.fromkeys(form.all("statuses")))
    values["is_customer_time"] = form.has("is_customer_time")
    values["is_active"] = form.has("is_active")
    if text := form.get("position").strip():
        values["position"] = whole_number(text, digits=5)
        if values["position"] is None:
            rule = f"must be a whole number from 0 to {POSITION_MAX}"
            raise InvalidInput([Violation("position", rule, RuleCode.RANGE)])
    return values


TERM_SECTION = Terms()
