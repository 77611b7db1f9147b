"""The priority matrix: a table for all companies and one for each tier, and what they would change of open tickets."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from msgspec import Struct

from clearline.accounts.tiers import usecases as tiers
from clearline.bulk import undo_usecases as undo
from clearline.bulk.domain import ApplyMatrix, BulkRequest
from clearline.bulk.undo_domain import UndoableChange
from clearline.catalogue.assessment import Impact, Priority, Severity
from clearline.catalogue.matrix import usecases as matrix
from clearline.catalogue.matrix.domain import URGENCIES, Cell, Matrix, Verdict
from clearline.errors import InvalidInput, NotFound
from clearline.identity import Scope
from clearline.platform.database.transactions import Tx
from clearline.tickets.domain import Channel
from clearline.tickets.matrix import usecases as ticket_matrix
from clearline.tickets.matrix.domain import COUNT_MAX
from clearline.web import once
from clearline.web.console.admin.section import ADMIN, AdminSection
from clearline.web.console.bulk import MOST_SELECTED, change_each, undo_each
from clearline.web.console.bulk import Outcome as BulkOutcome
from clearline.web.fields import optional_member_in
from clearline.web.looks import IMPACTS, PRIORITIES, SEVERITIES
from clearline.web.records.form import Choice, Field, Kind, Line, Outcome, Values
from clearline.web.visit import Form, Page, Visit
from clearline.web.words import gettext
from clearline.wires.http.call import Answer

ALL = "all-companies"
"""The id of the table without a tier. No tier has such a key."""
_IMPACTS = tuple(reversed(Impact))
_URGENCIES = tuple(reversed(URGENCIES))
_PLACES = len(_IMPACTS) * len(_URGENCIES)
_REQUEST = BulkRequest(ApplyMatrix(), Channel.CONSOLE)


class Table(Struct, frozen=True):
    """The cells of a tier, or without one those for all companies, with the whole matrix."""

    tier: str | None
    title: str
    matrix: Matrix

    def cell(self, impact: Impact, urgency: Priority | None) -> Cell:
        """Return a cell of the table; one that is not set is empty."""
        return self.matrix.by_place.get((self.tier, impact, urgency), Cell(self.tier, impact, urgency))

    def inherited(self, impact: Impact, urgency: Priority | None) -> Verdict:
        """Return what an empty cell takes from the cells for all companies."""
        return Verdict() if self.tier is None else self.matrix.verdict(None, impact, urgency)


class MatrixOutcome(Outcome, frozen=True):
    """What became of a form, and of an action on tickets, with the change that can be undone."""

    bulk: BulkOutcome | None = None
    undoable: UndoableChange | None = None


class PriorityMatrix(AdminSection[Table]):
    """The section of the matrix. The id of a record is the key of a tier, or ``ALL``."""

    noun = "matrixTable"
    path = f"{ADMIN}/priority-matrix"
    scope = Scope.DESK_WRITE
    template = "console/admin/matrix.html"
    can_create = False
    can_delete = False

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            "title": gettext("Priority matrix"),
            "about": gettext(
                "Which priority and severity a new ticket begins with, by its impact, the priority that the customer "
                "asked for, and the tier of the company. Choose a table."
            ),
            "done change": gettext("Saved. New tickets begin with it; open tickets stay as they are."),
        }

    def pages(self) -> list[Page]:
        """Return the pages and forms of the section."""
        one = f"{self.path}/{{id}}"
        return [
            *super().pages(),
            Page("applyMatrix", "POST", f"{one}/apply", self._apply, self.scope),
            Page("undoMatrix", "POST", f"{one}/undo", self._undo, self.scope),
        ]

    async def handle_change(self, visit: Visit) -> Answer:
        """Store a table; or show what it would change, with everything that was typed."""
        if not visit.form.has("preview"):
            return await super().handle_change(visit)
        record_id = self.record_id(visit)

        async def work() -> Answer:
            _typed(visit.form, None)
            return await self.page(visit, record_id, Outcome(typed=visit.form))

        return await self.perform(visit, work, record_id)

    async def _apply(self, visit: Visit) -> Answer:
        """Apply the stored matrix to the tickets that are selected."""
        record_id, numbers = self.record_id(visit), list(dict.fromkeys(visit.form.all("ticket")))
        if not 1 <= len(numbers) <= MOST_SELECTED:
            rule = gettext("choose 1 to %(most)s tickets") % {"most": MOST_SELECTED}
            return await self.page(visit, record_id, Outcome(422, problem=rule))
        return await self._shown(visit, record_id, await change_each(visit, numbers, _REQUEST))

    async def _undo(self, visit: Visit) -> Answer:
        """Undo what applying the matrix did to tickets."""
        return await self._shown(visit, self.record_id(visit), await undo_each(visit))

    async def _shown(self, visit: Visit, record_id: str, done: BulkOutcome) -> Answer:
        """Return the page of a table after an action on tickets."""
        visit.headers.append((b"hx-push-url", self.address(record_id).encode()))
        async with visit.database.transaction() as tx:
            undoable = await undo.newest_change(tx, visit.actor, now=visit.now)
        return await self.page(visit, record_id, MatrixOutcome(bulk=done, undoable=undoable))

    def record_id(self, visit: Visit) -> str:
        """Return the key of the tier in the address, or ``ALL``."""
        return visit.path["id"]

    async def lines(self, visit: Visit, tx: Tx, after: list[Any] | None, limit: int) -> list[Line]:  # noqa: ARG002
        """Return the table for all companies, and that of each tier."""
        stored = await matrix.get_matrix(tx, visit.actor)
        listed = await tiers.list_tiers(tx, visit.actor)
        counts: dict[str | None, int] = {}
        for cell in stored.by_place.values():
            counts[cell.tier] = counts.get(cell.tier, 0) + 1
        return [
            Line(ALL, gettext("All companies"), [ALL], _set(counts.get(None, 0))),
            *(
                Line(
                    tier.key, tier.label, [tier.key], _set(counts.get(tier.key, 0)),
                    "" if tier.is_active else gettext("retired"),
                )
                for tier in listed
            ),
        ]  # fmt: skip

    async def fields(self, visit: Visit, tx: Tx, record: Table | None) -> list[Field]:  # noqa: ARG002
        """Return the two fields of each cell."""
        return [] if record is None else [
            field
            for urgency in _URGENCIES
            for impact in _IMPACTS
            for field in _fields(impact, urgency, record.inherited(impact, urgency))
        ]  # fmt: skip

    def values(self, record: Table) -> Values:
        """Return what the cells have."""
        return {
            _name(impact, urgency, name): [getattr(record.cell(impact, urgency), name) or ""]
            for urgency in _URGENCIES
            for impact in _IMPACTS
            for name in ("priority", "severity")
        }

    def title(self, record: Table) -> str:
        """Return the label of the tier."""
        return record.title

    async def get(self, visit: Visit, tx: Tx, record_id: str) -> Table:
        """Return a table."""
        return await self._table(visit, tx, record_id, await matrix.get_matrix(tx, visit.actor))

    async def lock(self, visit: Visit, tx: Tx, record_id: str) -> Table:
        """Lock the matrix, and return a table."""
        return await self._table(visit, tx, record_id, await matrix.lock_matrix(tx, visit.actor))

    async def _table(self, visit: Visit, tx: Tx, record_id: str, stored: Matrix) -> Table:
        if record_id == ALL:
            return Table(None, gettext("All companies"), stored)
        listed = await tiers.list_tiers(tx, visit.actor)
        tier = next((tier for tier in listed if tier.key == record_id), None)
        if tier is None:
            raise NotFound("tier", record_id)
        return Table(tier.key, tier.label, stored)

    async def more(self, visit: Visit, tx: Tx, record: Table) -> dict[str, object]:
        """Return the table's rows, and the open tickets that the stored or the previewed matrix would change."""
        is_preview, cells = visit.form.has("preview"), None
        if is_preview:
            with suppress(InvalidInput):
                cells = _with_table(record, _typed(visit.form, record.tier))
        preview = await ticket_matrix.preview_matrix(tx, visit.actor, cells, limit=MOST_SELECTED)
        labels = {tier.key: tier.label for tier in await tiers.list_tiers(tx, visit.actor)}
        return {
            "rows": [(_asked(urgency), [(impact, _name(impact, urgency, "")) for impact in _IMPACTS])
                     for urgency in _URGENCIES],
            "impacts": {impact: gettext(IMPACTS[impact]) for impact in _IMPACTS},
            "preview": preview, "is_preview": cells is not None, "once_key": once.new_key(), "tier_labels": labels,
            "priorities": PRIORITIES, "severities": SEVERITIES, "count_max": COUNT_MAX,
        }  # fmt: skip

    async def change(self, visit: Visit, tx: Tx, record: Table) -> None:
        """Store the cells of a table."""
        cells = _with_table(record, _typed(visit.form, record.tier))
        await matrix.replace_matrix(tx, visit.actor, cells, now=visit.now)


def _set(count: int) -> str:
    if not count:
        return gettext("no cell is set")
    return gettext("%(count)s of %(all)s cells are set") % {"count": count, "all": _PLACES}


def _name(impact: Impact, urgency: Priority | None, name: str) -> str:
    """Return the name of a field: ``down-high-priority``."""
    return f"{impact}-{urgency or 'none'}-{name}"


def _asked(urgency: Priority | None) -> str:
    return gettext("Nothing") if urgency is None else gettext(PRIORITIES[urgency].label)


def _fields(impact: Impact, urgency: Priority | None, inherited: Verdict) -> list[Field]:
    """Return the fields of a cell. The first choice says what an empty one takes over."""
    place = {"impact": gettext(IMPACTS[impact]), "asked": _asked(urgency)}
    priorities = {str(value): gettext(look.label) for value, look in PRIORITIES.items()}
    severities = {str(value): gettext(word) for value, word in SEVERITIES.items()}
    return [
        Field(
            _name(impact, urgency, name), label % place, Kind.SELECT,
            [Choice("", _left_open(words, over)), *(Choice(value, word) for value, word in words.items())],
        )
        for name, label, words, over in (
            ("priority", gettext("Priority (impact %(impact)s, asked for %(asked)s)"), priorities, inherited.priority),
            ("severity", gettext("Severity (impact %(impact)s, asked for %(asked)s)"), severities, inherited.severity),
        )
    ]  # fmt: skip


def _left_open(words: Mapping[str, str], inherited: str | None) -> str:
    return gettext("By issue type") if inherited is None else gettext("All: %(word)s") % {"word": words[inherited]}


def _typed(form: Form, tier: str | None) -> list[Cell]:
    """Return the cells that a form sets.

    Raises:
        InvalidInput: a value is none of those that can be chosen.
    """
    cells = []
    for impact in _IMPACTS:
        for urgency in _URGENCIES:
            priority = optional_member_in(Priority, form, _name(impact, urgency, "priority"))
            severity = optional_member_in(Severity, form, _name(impact, urgency, "severity"))
            if priority is not None or severity is not None:
                cells.append(Cell(tier, impact, urgency, priority, severity))
    return cells


def _with_table(record: Table, cells: list[Cell]) -> list[Cell]:
    """Return the cells of the matrix with those of a table in the place of the stored ones."""
    return [*(cell for cell in record.matrix.cells if cell.tier != record.tier), *cells]


PRIORITY_MATRIX = PriorityMatrix()
