"""The demo's own types of issues and services, and a ticket with them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from clearline.catalogue import entry_usecases as entries
from clearline.catalogue.assessment import Impact, Priority, Severity
from clearline.catalogue.entry_usecases import ISSUE_TYPES, SERVICE_TYPES
from clearline.catalogue.matrix import usecases as matrix
from clearline.catalogue.matrix.domain import Cell
from clearline.catalogue.published import IssueType, ServiceType
from clearline.demo.desk import AGENT, find_staff
from clearline.identity import Actor, Company, User
from clearline.inventory import usecases as inventory
from clearline.platform.database.transactions import Tx
from clearline.routing import usecases as routing
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import note_usecases as notes
from clearline.tickets import usecases as tickets
from clearline.tickets.contact import Contact
from clearline.tickets.domain import Channel, NewTicket, Status

_WAVELENGTH, _DARK_FIBRE = "Wavelength", "Dark fibre"
_DOWN = {"severity": Severity.EXTENSIVE, "impact": Impact.DOWN, "priority": Priority.CRITICAL}
_WORSE = {"severity": Severity.SIGNIFICANT, "impact": Impact.DEGRADED, "priority": Priority.HIGH}
_SERVICE_TYPES: tuple[dict[str, Any], ...] = (
    {
        "name": _WAVELENGTH, "customer_name_de": "Wellenlänge", "console_connect": ServiceType.CONNECTION,
        "help": "Light of one colour from A to Z", "help_de": "Licht einer Farbe von A nach Z",
    },
    {
        "name": _DARK_FIBRE, "customer_name_de": "Unbeschaltete Faser", "help": "A pair of fibres without our light",
        "help_de": "Ein Faserpaar ohne unser Licht",
    },
)  # fmt: skip
_ISSUE_TYPES: tuple[dict[str, Any], ...] = (
    {
        **_DOWN, "name": "Fibre cut", "customer_name_de": "Faserbruch", "console_connect": IssueType.CIRCUIT_DOWN,
        "help": "Light is lost on the whole fibre", "help_de": "Auf der ganzen Faser ist kein Licht",
        "service_types": (_WAVELENGTH, _DARK_FIBRE), "position": 5,
    },
    {
        **_WORSE, "name": "Optical power low", "customer_name_de": "Zu wenig Licht",
        "console_connect": IssueType.CIRCUIT_TAKING_ERRORS, "help": "The level at your end is below what we agreed",
        "help_de": "Der Pegel bei Ihnen liegt unter dem vereinbarten", "service_types": (_WAVELENGTH, _DARK_FIBRE),
        "position": 45,
    },
    {
        **_WORSE, "name": "BGP session down", "customer_name_de": "BGP-Sitzung unterbrochen",
        "console_connect": IssueType.CIRCUIT_DOWN, "help": "The link is up, the session is not",
        "help_de": "Die Verbindung steht, die Sitzung nicht", "position": 15,
        "service_types": (ServiceType.PORT, ServiceType.CLOUD_ROUTER, ServiceType.INTERNET_ON_DEMAND),
    },
    {
        **_DOWN, "name": "DDoS attack", "customer_name_de": "DDoS-Angriff", "help": "Traffic that you did not ask for",
        "help_de": "Verkehr, den Sie nicht angefordert haben", "service_types": (ServiceType.INTERNET_ON_DEMAND,),
        "position": 16,
    },
    {
        **_WORSE, "name": "Wrong routes", "customer_name_de": "Falsche Routen",
        "help": "Prefixes are missing, or are announced by somebody else",
        "help_de": "Präfixe fehlen, oder andere kündigen sie an", "position": 46,
        "service_types": (ServiceType.CLOUD_ROUTER, ServiceType.INTERNET_ON_DEMAND),
    },
    {
        "name": "Cross-connect", "customer_name_de": "Cross-Connect", "console_connect": IssueType.OPERATIONAL_REQUEST,
        "help": "Order, move or remove a patch in a data centre", "help_de": "Patch bestellen, umlegen oder entfernen",
        "position": 95,
    },
)  # fmt: skip
_MATRIX = (
    Cell(None, Impact.DOWN, Priority.CRITICAL, Priority.CRITICAL, Severity.EXTENSIVE),
    Cell(None, Impact.DOWN, Priority.LOW, Priority.HIGH),
    Cell(None, Impact.INTERMITTENT, Priority.CRITICAL, Priority.HIGH, Severity.SIGNIFICANT),
    Cell(None, Impact.DEGRADED, Priority.CRITICAL, Priority.HIGH),
    Cell("gold", Impact.DEGRADED, Priority.CRITICAL, Priority.CRITICAL, Severity.SIGNIFICANT),
    Cell("gold", Impact.DEGRADED, Priority.HIGH, Priority.HIGH),
    Cell("bronze", Impact.DEGRADED, Priority.CRITICAL, Priority.MEDIUM),
)
_SERVICES = (
    ("WL-FRA-LON-02", _WAVELENGTH, "Frankfurt to London, 100G wave"),
    ("DF-LON-03", _DARK_FIBRE, "London, Docklands to Slough"),
)


async def load_catalogue(tx: Tx, actor: Actor, *, now: datetime) -> None:
    """Add the provider's own types, six of issues and two of services, and its priority matrix."""
    for values in _SERVICE_TYPES:
        await entries.add_entry(tx, actor, SERVICE_TYPES, values, now=now)
    for values in _ISSUE_TYPES:
        await entries.add_entry(tx, actor, ISSUE_TYPES, values, now=now)
    await matrix.replace_matrix(tx, actor, _MATRIX, now=now)


async def load_own_services(tx: Tx, actor: Actor, company: Company, users: Sequence[User], *, now: datetime) -> None:
    """Add services of the provider's own types to a customer, and a ticket about one of them."""
    for service_id, kind, label in _SERVICES:
        await inventory.add_service(tx, actor, company.id, service_id, kind, label, now=now)
    user, at = users[0], now - timedelta(minutes=50)
    contact = Contact(user.name, user.phone, user.email)
    text = "LOS on both ends since 08:52 UTC. The span loss of the neighbouring pair is up as well."
    service_id, kind, _label = _SERVICES[0]
    new = NewTicket("Frankfurt to London wave is dark", text, "Fibre cut", kind, service_id, contact, Channel.PHONE)
    agent = (await find_staff(tx))[AGENT]
    number = (await tickets.create_ticket(tx, agent, new, company_id=company.id, now=at)).ticket.number
    await routing.route_new_ticket(tx, number, now=at)
    at = now - timedelta(minutes=40)
    await ticket_changes.move_ticket(tx, agent, number, Status.IN_PROGRESS, reason="", now=at)
    note = "An excavator hit the duct near Slough. The splice crew is on its way."
    await notes.add_note(tx, agent, number, note, channel=Channel.CONSOLE, now=now - timedelta(minutes=20))
