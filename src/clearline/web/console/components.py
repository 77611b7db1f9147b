"""The components of the pages with all their states, for those who change them. It shows no data of the desk."""

from uuid import UUID

from msgspec.structs import replace

from clearline.presence.domain import Activity, Present
from clearline.web.console.dashboard.charts import Column, charts
from clearline.web.console.dashboard.handlers import Figure, Table
from clearline.web.console.samples import OUTCOMES, OWN_VALUES, PREVIEW, RESOLVES, SERVICE, WAITS, samples
from clearline.web.console.views import sidebar, with_counts
from clearline.web.records.form import Choice, Field, Kind, Outcome
from clearline.web.tickets.new_ticket import Refusal
from clearline.web.visit import Visit
from clearline.wires.http.call import Answer

PATH = "/console/ui"
_THEMES = ("light", "dark")
_PEOPLE = ("Ada Okoro", "Ben Ito", "Carla Mendes", "Dan Weiss", "Ed Novak", "Fay Lind", "Gus Hahn")
_NOBODY = UUID(int=0)
_OUTCOMES = (Outcome(problem="a rule of the desk"), Outcome(is_stale=True), Outcome(done="Saved."))
_CHOICES = (Choice("a", "First"), Choice("b", "Second", "with a hint"))


async def show_components(visit: Visit) -> Answer:
    """Show the page."""
    async with visit.services.database.transaction() as tx:
        side = await sidebar(tx, visit.actor)
    side = await with_counts(visit, side)
    fields = {theme: [_field(kind, theme) for kind in Kind] for theme in _THEMES}
    values = {theme: {field.name: ["a"] for field in fields[theme]} for theme in _THEMES}
    stored = {theme: {field.name: ["b"] for field in fields[theme][:1]} for theme in _THEMES}
    return visit.page(
        "console/components.html", side=side, here=PATH, names=(*_PEOPLE, ""), fields=fields,
        values=values, stored=stored, outcomes=_OUTCOMES, others=_others(), figure=_figure(),
        samples={theme: samples(100 * at, visit.now) for at, theme in enumerate(_THEMES)}, bulk=OUTCOMES,
        service=SERVICE, known=OWN_VALUES, waits=WAITS, resolves=RESOLVES,
        refusal=Refusal({"testing_hours": "Must have 1 to 255 characters."}),
        previews={theme: replace(PREVIEW, title=f"Macro: Maintenance, {theme}") for theme in _THEMES},
    )  # fmt: skip


def _field(kind: Kind, theme: str) -> Field:
    name = f"{kind}-{theme}"
    return Field(name, kind.capitalize(), kind, _CHOICES, "What to enter.", is_required=kind is Kind.TEXT)


def _others() -> list[list[Present]]:
    """Return people on the page of a ticket: one who views it, several, and some who write."""
    viewing = [Present(_NOBODY, name, Activity.VIEWING) for name in _PEOPLE]
    hidden = Present(_NOBODY, _PEOPLE[0], Activity.HIDDEN)
    writing = [Present(_NOBODY, name, Activity.WRITING) for name in _PEOPLE]
    return [viewing[:1], [hidden, *viewing[1:5]], writing[:1], writing[:3]]


def _figure() -> Figure:
    columns = [Column(f"{day} Nov", {"created": 3 * day}, f"{day} Nov: {3 * day}", line=2 * day) for day in range(1, 8)]
    rows = [[column.label, str(column.values["created"]), str(column.line)] for column in columns]
    return Figure("More were created than closed.", charts(columns), Table(["Day", "Created", "Closed"], rows))
