"""The customers of the demo: their people, services and tickets."""

from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any, NamedTuple

from clearline.catalogue.assessment import Impact
from clearline.catalogue.published import IssueType, ServiceType
from clearline.demo.fields import CROSS_CONNECT
from clearline.inventory.facts_domain import End
from clearline.tickets.contact import Contact
from clearline.tickets.domain import Closure, Status, Waiting
from clearline.tickets.faults.domain import (
    NO_FAULT,
    DetectedBy,
    Fault,
    PathState,
    ServiceEnd,
    SiteAccess,
    TestingConsent,
)
from clearline.tickets.progress.facts import StatusFacts

_PORT, _ROUTER, _INTERNET, _LINE = (
    ServiceType.PORT,
    ServiceType.CLOUD_ROUTER,
    ServiceType.INTERNET_ON_DEMAND,
    ServiceType.CONNECTION,
)


class DemoService(NamedTuple):
    """A service of a customer."""

    id: str
    type: ServiceType
    label: str
    facts: Mapping[str, Any] = MappingProxyType({})


class DemoMove(NamedTuple):
    """A transition, and what goes with the new status."""

    status: Status
    facts: StatusFacts


class DemoTicket(NamedTuple):
    """A ticket with its notes and its changes of status."""

    hours_ago: int
    title: str
    description: str
    issue: IssueType
    service: str
    steps: Sequence[str | Status | DemoMove]
    """A text is a note, of the customer if it begins with ``> ``; a status is a transition."""
    began_before: float | None = None
    """How many hours before it was raised the fault began."""
    fault: Fault = NO_FAULT
    fields: Mapping[str, Any] = MappingProxyType({})
    """The values of own fields."""


class DemoCompany(NamedTuple):
    """A customer, and everything it has."""

    name: str
    code: str
    people: Sequence[Contact]
    services: Sequence[DemoService]
    tickets: Sequence[DemoTicket]
    facts: Mapping[str, Any] = MappingProxyType({})


_WORKING = (Status.IN_PROGRESS,)
_FIXED = (Status.IN_PROGRESS, Status.RESOLVED)
_DONE = (*_FIXED, Status.CLOSED)

COMPANIES = (
    DemoCompany(
        "Alder Bay Logistics",
        "ALD001",
        (
            Contact("Ines Okafor", "+1-555-0101", "ines.okafor@alderbay.example.com"),
            Contact("Tom Vasquez", "+1-555-0102", "tom.vasquez@alderbay.example.com"),
        ),
        (
            DemoService("NET-AMS-0012", _PORT, "Amsterdam port, 10G", {
                "rate": 10 * 10**9, "installed_on": date(2023, 5, 4),
                "a_end": End("Amsterdam, Science Park hall 3", "ams-edge-04", "xe-0/0/12"),
                "fields": {CROSS_CONNECT: "SP3-XC-20417"},
            }),
            DemoService("NET-SIN-0031", _PORT, "Singapore port, 10G", {"rate": 10 * 10**9}),
            DemoService("NET-SYD-0007", _PORT, "Sydney port, 1G", {
                "rate": 10**9, "carrier": "Southern Cross Access", "carrier_circuit_id": "SXA-778120",
                "a_end": End("Sydney, Alexandria", "syd-edge-02", "xe-0/0/1"), "customer_label": "SYD warehouse uplink",
                "fields": {CROSS_CONNECT: "ALX-XC-00931"},
            }),
            DemoService("L2-AMS-SIN-01", _LINE, "Amsterdam to Singapore, 2 Gbit/s", {
                "rate": 2 * 10**9, "tier": "gold", "is_protected": True, "installed_on": date(2024, 2, 19),
                "carrier": "Meridian Subsea", "carrier_circuit_id": "MSB/AMS-SIN/0442",
                "customer_label": "WAN-EU-APAC-1",
                "a_end": End("Amsterdam, Science Park hall 3", "ams-edge-04", "xe-0/0/12", "412"),
                "z_end": End("Singapore, Tai Seng", "sin-edge-01", "xe-1/0/3", "412"),
            }),
            DemoService("L2-SIN-SYD-01", _LINE, "Singapore to Sydney, 500 Mbit/s"),
            DemoService("CR-ALD-EU", _ROUTER, "CloudRouter Europe"),
            DemoService("IOD-AMS-0044", _INTERNET, "Internet in Amsterdam, 198.51.100.0/28"),
        ),
        (
            DemoTicket(
                1,
                "Amsterdam to Singapore is down",
                "Both BGP sessions over L2-AMS-SIN-01 dropped at 04:12 UTC. Optical levels on our side are normal.",
                IssueType.CIRCUIT_DOWN,
                "L2-AMS-SIN-01",
                ("We see the loss too and are checking the subsea segment.", Status.IN_PROGRESS,
                 "> Traffic has moved to the backup path, but it is congested."),
                0.4,
                Fault(
                    DetectedBy.CUSTOMER_MONITORING, None, Impact.DOWN, ServiceEnd.BOTH, PathState.WORKING_DOWN,
                    TestingConsent.YES, None, True,
                    SiteAccess("Night desk in Singapore, +1-555-0111", "Always", "Ear protection in hall 2"),
                ),
                {"change_number": "CHG-20418", "affected_sites": ["amsterdam", "singapore"]},
            ),
            DemoTicket(
                3,
                "CRC errors on the Sydney port",
                "Input errors grow by about 200 a minute since 01:00 UTC.\n\nshow interface:\n  0 runts, 12,431 CRC",
                IssueType.CIRCUIT_TAKING_ERRORS,
                "NET-SYD-0007",
                (*_WORKING, "Could you clean and reseat the patch on your side? We see -14.6 dBm.",
                 DemoMove(Status.PENDING, StatusFacts(None, Waiting("customer_time", "Clean and reseat the patch")))),
                2.5,
                Fault(
                    DetectedBy.CUSTOMER, None, Impact.DEGRADED, ServiceEnd.A, PathState.UNPROTECTED,
                    TestingConsent.WITHIN_HOURS, "22:00 to 04:00, Australia/Sydney", True,
                    SiteAccess("Reception, +1-555-0112", "Monday to Friday, 07:00 to 19:00"),
                ),
                {"affected_sites": ["sydney"]},
            ),
            DemoTicket(
                9,
                "High latency to the cloud region",
                "Round trip from the Amsterdam site rose from 9 to 41 ms.",
                IssueType.HIGH_LATENCY,
                "CR-ALD-EU",
                (*_WORKING, "A partner's network takes a detour; we opened a ticket with it."),
            ),
            DemoTicket(
                20,
                "Please announce 203.0.113.0/24",
                "New prefix for the Amsterdam office. The route object exists.",
                IssueType.OPERATIONAL_REQUEST,
                "IOD-AMS-0044",
                (*_WORKING, "The filter is updated; the prefix is visible.", Status.RESOLVED),
            ),
            DemoTicket(
                30,
                "Singapore port flaps",
                "Six flaps between 22:00 and 22:40 UTC.",
                IssueType.CIRCUIT_FLAPPING,
                "NET-SIN-0031",
                (*_FIXED, "> It flapped again at 03:10 UTC.", Status.IN_PROGRESS),
            ),
            DemoTicket(
                52,
                "Packet loss to Sydney at night",
                "Between 1 and 3 % from 13:00 to 15:00 UTC, three nights in a row.",
                IssueType.PACKET_LOSS,
                "L2-SIN-SYD-01",
                ("> Graphs are attached to our own case 4711.",),
                30,
                Fault(
                    DetectedBy.CUSTOMER_MONITORING, "Every night between 13:00 and 15:00 UTC", Impact.INTERMITTENT,
                    testing_consent=TestingConsent.NO,
                ),
            ),
            DemoTicket(
                75,
                "Reason of the outage on 12 May",
                "Our auditors ask for the root cause of the Amsterdam outage.",
                IssueType.REQUEST_REASON_OF_OUTAGE,
                "NET-AMS-0012",
                (*_WORKING, "A line card failed and was replaced. The report is on its way.", Status.RESOLVED),
            ),
            DemoTicket(
                120,
                "Leased line of the old office",
                "The line that we still have from before is slow: SR54321.",
                IssueType.SLOW_RESPONSE,
                "SR54321",
                (*_WORKING, "The other carrier found a duplex mismatch.",
                 DemoMove(Status.RESOLVED, StatusFacts(closure=Closure(
                     "configuration", "third_party", "third_party", True, "Duplex mismatch on the access switch",
                     "The other carrier set its switch to full duplex; the line is fast again.")))),
            ),
        ),
        {
            "tier": "gold", "time_zone": "Europe/Amsterdam",
            "notice_addresses": {"maintenance": ("noc@alderbay.example.com",)},
        },
    ),
    DemoCompany(
        "Copperline Media",
        "COP002",
        (Contact("Yusuf Brandt", "+1-555-0140", "yusuf.brandt@copperline.example.net"),),
        (
            DemoService("NET-FRA-0102", _PORT, "Frankfurt port, 100G", {"fields": {CROSS_CONNECT: "FR5-XC-11806"}}),
            DemoService("NET-LON-0088", _PORT, "London port, 100G"),
            DemoService("L2-FRA-LON-07", _LINE, "Frankfurt to London, 40 Gbit/s"),
            DemoService("CR-COP-01", _ROUTER, "CloudRouter live production"),
        ),
        (
            DemoTicket(
                2,
                "Live feed stutters",
                "Viewers in London see frozen pictures every few minutes. 画面が止まります。",
                IssueType.UNSTABLE,
                "L2-FRA-LON-07",
                (*_WORKING, "We found a flapping member link and took it out of the bundle."),
            ),
            DemoTicket(
                2,
                "Frozen pictures in London",
                "Our viewers complain since half an hour.",
                IssueType.UNSTABLE,
                "L2-FRA-LON-07",
                (),
            ),
            DemoTicket(
                26,
                "The portal shows no usage graphs",
                "Since Monday the graphs of all ports are empty.",
                IssueType.APPLICATION,
                "NET-FRA-0102",
                _DONE,
            ),
            DemoTicket(
                200,
                "Wrong service picked, please ignore",
                "I meant the other port.",
                IssueType.OTHERS,
                "NET-FRA-0102",
                (Status.CANCELLED,),
            ),
            DemoTicket(
                48,
                "London port down",
                "No light since 08:31 UTC.",
                IssueType.CIRCUIT_DOWN,
                "NET-LON-0088",
                (*_WORKING, "> Our remote hands found a broken patch on our side. Sorry.", Status.RESOLVED),
            ),
        ),
        {"tier": "silver", "time_zone": "Europe/Berlin"},
    ),
)  # fmt: skip
