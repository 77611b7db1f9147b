"""The Console Connect wire, whole bodies, over the real application and a real PostgreSQL."""

import httpx

from tests.conftest import Tenant


async def test_a_created_ticket_is_answered_whole(client: httpx.AsyncClient, tenant: Tenant) -> None:
    answer = await client.post(
        "/v2/support-tickets",
        headers=tenant.headers,
        json={
            "name": "Port down",
            "description": "No light since 08:00 UTC",
            "issueType": "Circuit Down",
            "service": {"id": "SVC-1", "type": "Port"},
        },
    )
    assert answer.status_code == 200
    body = answer.json()
    number, created = body.pop("id"), body.pop("creationDate")
    assert number.startswith("INC")
    assert created.endswith("+0000")
    assert body == {
        "name": "Port down",
        "description": "No light since 08:00 UTC",
        "priority": ["Critical"],
        "status": "Acknowledged",
        "ticketType": "Incident",
        "notes": [
            {"id": "category", "text": "Console Connect", "@type": "faultsymptom"},
            {"id": "item", "text": "Circuit Down", "@type": "faultsymptom"},
            {"id": "type", "text": "Port", "@type": "faultsymptom"},
        ],
        "relatedParty": [{"name": tenant.user.name, "phone": tenant.user.phone, "email": tenant.user.email}],
        "relatedEntity": [
            {"name": tenant.company.code, "role": "customerId", "@type": "RelatedEntity", "@referredType": "Profile"}
        ],
        "channel": {"name": "API", "@type": "Customer"},
        "@type": "troubleTicket",
    }
