"""Console Connect API v2: the sample values from which the examples in its OpenAPI document are made."""

from typing import Any

_TICKET = "INC000000000042"
_USER = "6f1de5a8-55f5-4c64-9fdc-2f0a3c3f5f11"

SAMPLES: dict[str, Any] = {
    "ChannelOut.name": "API",
    "ContactIn.name": "Ana Ruiz",
    "EntityOut.name": "EXF001",
    "Fault.message": f"Support Ticket: {_TICKET} does not exist.",
    "Fault.name": "Error",
    "Fault.statusCode": 404,
    "PartyOut.name": "Ana Ruiz",
    "ServiceIn.id": "NET-AMS-0012",
    "ServiceIn.type": "Port",
    "ServiceOut": {"type": "Port", "value": "NET-AMS-0012", "label": "Amsterdam port, 10G"},
    "NoteOut": {
        "id": "API-Support Note",
        "text": "The optic was replaced. Please check.",
        "@type": "worklog",
        "worklogId": "WLG000000000107",
    },
    "TicketIn.name": "Port is down",
    "TicketOut.creationDate": "2026-03-01T12:00:00.000+0000",
    "TicketOut.id": _TICKET,
    "TicketOut.name": "Port is down",
    "TicketOut.priority": ["High"],
    "TicketOut.status": "In Progress",
    "TokenCompany": {
        "id": "0f8fad5b-d9cb-469f-a165-70867728950e",
        "name": "Example Freight",
        "username": "EXF001",
    },
    "TokenOut.id": _USER,
    "TokenOut.name": "Ana Ruiz",
    "description": "No light on NET-AMS-0012 since 08:00 UTC.",
    "email": "ana@example.com",
    "issueType": "Circuit Down",
    "noteText": "The optic was replaced. Please check.",
    "phone": "+1-555-0100",
}
"""Values by member, by ``Schema.member``, and whole examples by schema. People and companies are the tutorial's."""
