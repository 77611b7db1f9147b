"""What the page of components shows of tickets: invented ones, and what an action did to them; facts of a service."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from msgspec import Struct

from clearline.catalogue.assessment import Impact, Priority, Severity
from clearline.catalogue.published import IssueType, ServiceType
from clearline.catalogue.term_domain import Term, TermKind
from clearline.drafts.pending_domain import PendingMessage
from clearline.identity import Company
from clearline.inventory.domain import Service
from clearline.inventory.facts_domain import End
from clearline.tickets.attachments.domain import Attachment
from clearline.tickets.contact import Contact, ContactRole, People, Person, PersonKind
from clearline.tickets.domain import Channel, Closure, Status, Ticket, TicketView, Waiting
from clearline.tickets.faults.domain import DetectedBy, Fault, PathState, ServiceEnd, SiteAccess, TestingConsent
from clearline.tickets.note_domain import Source, Visibility
from clearline.tickets.third_parties.domain import Case, CaseKind, CaseRef, CaseState
from clearline.web.console.bulk import Outcome
from clearline.web.console.lists.bulk_preview import Preview
from clearline.web.console.progress.fields import Asked
from clearline.web.tickets.own_fields import OwnInput, OwnValue
from clearline.web.tickets.timeline import Entry, Fold, Line

_NOBODY = UUID(int=0)
_COMPANY = Company(_NOBODY, "Orchard Health", "ORC001")
_TITLES = ("Port flapping since 09:12 UTC", "0.3 % packet loss towards London", "Please raise the MTU")


class Samples(Struct, frozen=True):
    """A list of tickets as a section shows it; the entries of the first one's timeline; inputs of own fields."""

    items: list[TicketView]
    entries: list[Entry]
    folds: list[Fold]
    failed: PendingMessage
    inputs: list[OwnInput]
    missing: Attachment
    number: str = "INC000000000001"
    next: str = "/console/ui"

    @property
    def view(self) -> TicketView:
        """The ticket of the timeline."""
        return self.items[0]


def samples(at: int, now: datetime) -> Samples:
    """Return samples whose tickets have the numbers after ``at``: each stands on the page once."""
    views = [_view(at + 1 + index, index, now) for index in range(len(_TITLES))]
    file = Attachment(
        _NOBODY, at + 1, UUID(int=at + 1), "trace.txt", "text/plain", 2048, b"", Visibility.PUBLIC, Source.BUYER,
        "Ada Okoro", None, now,
    )  # fmt: skip
    text = "We see errors on `xe-0/0/1`:\n\n- 12 CRC errors\n- light is low"
    entries = [
        Entry("message", now, "Ada Okoro", text, "by e-mail", "buyer", (file,), at + 1, 1, has_cut_text=True),
        Entry("message", now, "Ben Ito", "We are on it.", "", "seller", (), at + 1, 2),
        Entry("note", now, "Carla Mendes", "Same line card as last week.", "", "seller", (), at + 1, 3),
    ]
    lines = tuple(Line(now, f"Ben Ito set the priority to {word}") for word in ("High", "Low", "Critical"))
    failed = PendingMessage(
        _NOBODY, at + 1, UUID(int=at + 9), _NOBODY, "Ben Ito", "Is it fixed?", Visibility.PUBLIC, Status.PENDING,
        now, now, "a ticket that is closed takes nothing more",
    )  # fmt: skip
    return Samples(views, entries, [Fold(lines[:1]), Fold(lines)], failed, _inputs(at), file)


def _inputs(at: int) -> list[OwnInput]:
    """Return an input of each kind."""
    words = (("emea", "Europe"), ("apac", "Asia"))
    return [
        OwnInput(f"fields.circuit.{at}", "Circuit reference", "As on the order.", "text", ("LON-0088",), most=64),
        OwnInput(f"fields.remark.{at}", "Remark", "", "area", ("Two lines\nof text",), most=4000),
        OwnInput(f"fields.region.{at}", "Region", "", "select", ("emea",), words, is_required=True),
        OwnInput(f"fields.backup.{at}", "Backup", "", "search", (), [("LON-2", "London 2")]),
        OwnInput(f"fields.regions.{at}", "Affected regions", "", "checks", ("apac",), words),
    ]


def _view(number: int, index: int, now: datetime) -> TicketView:
    created = now - timedelta(hours=5 * index + 1)
    ticket = Ticket(
        _NOBODY, number, _TITLES[index], "", IssueType.CIRCUIT_FLAPPING, ServiceType.PORT, "NET-LON-0088", None,
        Severity.MINOR, Impact.DOWN, tuple(Priority)[-1 - index],
        (Status.IN_PROGRESS, Status.PENDING, Status.ACKNOWLEDGED)[index],
        Contact("Ada Okoro", "", "ada@example.com"), Channel.API, created, created, created, None, 1,
        tags=("optics", "lacp")[:index], fault=FAULT, occurred_at=created,
        sub_status=(None, "with_carrier", None)[index], closure=CLOSURE,
        waiting=(None, Waiting("third_party", "The carrier splices the fibre", "Ben Ito", created), None)[index],
    )  # fmt: skip
    return TicketView(ticket, _COMPANY, "Faults", (None, "Ben Ito", "Carla Mendes")[index], people=PEOPLE, cases=CASES)


def _term(kind: TermKind, key: str, label: str, customer_label: str = "", about: str = "") -> Term:
    return Term(
        id=_NOBODY, kind=kind, key=key, label=label, customer_label=customer_label, help=about,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip


_CAUSES = [_term(TermKind.FAULT_CAUSE, "fibre_cut", "Fibre cut")]
CLOSURE = Closure("fibre_cut", "fibre_repaired", "third_party", True, "A digger.", "The fibre is spliced again.")
WAITS = Asked(
    Status.HELD,
    [
        _term(TermKind.WAITING_REASON, "third_party", "Third party", "Waiting for another provider", "A carrier"),
        _term(TermKind.WAITING_REASON, "observation", "Observation"),
    ],
    [_term(TermKind.SUB_STATUS, "with_carrier", "With carrier")],
    cases=[CaseRef(_NOBODY, "Fernhill Access", "FH-2026-00731")],
)
RESOLVES = Asked(
    Status.RESOLVED, closure=dict.fromkeys(("cause", "action", "responsibility"), _CAUSES),
    required=frozenset({"cause", "resolution"}),
)  # fmt: skip
FAULT = Fault(
    DetectedBy.CUSTOMER_MONITORING, "Every night from 02:00 to 02:20", Impact.INTERMITTENT, ServiceEnd.Z,
    PathState.PROTECTION_DOWN, TestingConsent.WITHIN_HOURS, "22:00 to 04:00", True,
    SiteAccess("Front desk, +1-555-0140", "06:00 to 22:00", "Laser class 3B"),
)  # fmt: skip
_OPENED = datetime(2026, 3, 1, 8, 40, tzinfo=UTC)
CASES = (
    Case(
        _NOBODY, "Fernhill Access", "FH-2026-00731", CaseKind.CARRIER, CaseState.OPEN, _OPENED,
        _OPENED + timedelta(hours=5), "Fernhill NOC", "+1-555-0171", "noc@example.org", "Splicing team on its way.",
        _OPENED, "Ben Ito", _OPENED, "Ben Ito",
    ),
    Case(
        UUID(int=1), "Northgate Optics", "", CaseKind.VENDOR, CaseState.CLOSED, _OPENED, None, "", "", "", "", _OPENED,
        "Ben Ito", _OPENED, "Ben Ito",
    ),
)  # fmt: skip
PEOPLE = People(
    (Person(PersonKind.CONTACT, "ben@example.com", "Ben Ito", "+1-555-0141", (ContactRole.SITE_ACCESS,), 1),),
    (Person(PersonKind.CC, "carla@example.com", "Carla Mendes", id=2),),
    (Person(PersonKind.SUGGESTED, "dan@example.org", id=3),),
    (Person(PersonKind.LEFT, "fay@example.org", id=4),),
)  # fmt: skip
SERVICE = Service(
    _NOBODY, "NET-LON-0088", "Port", "London", rate=10_000_000_000, tier="Gold", is_protected=True,
    installed_on=date(2024, 5, 2), customer_label="HQ uplink", carrier="Example Access",
    carrier_circuit_id="EXA-77120", a_end=End("LON-3", "pe1.lon", "xe-0/0/1", "100.200"), z_end=End("FRA-1"),
)  # fmt: skip
OWN_VALUES = [
    OwnValue("Circuit reference", "LON-0088"), OwnValue("Affected regions", "Europe, Asia"),
    OwnValue("Backup", "London 2", "/console/ui"),
]  # fmt: skip
REFUSALS = [("INC000000000004", "A ticket that is closed takes nothing more")]
OUTCOMES = (Outcome(3, [], has_message=True), Outcome(2, REFUSALS), Outcome(3, [], is_status=True, is_undo=True))
PREVIEW = Preview(
    "Macro: Maintenance", ["INC000000000001", "INC000000000002"], REFUSALS, 4, [("Priority", "Low")], [],
    "The work begins at 22:00 UTC.", is_public=True,
)  # fmt: skip
