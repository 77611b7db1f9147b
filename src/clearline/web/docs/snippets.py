"""Programs on the pages of the reference that no operation gives: each runs as it stands."""

PAGING = """import os

import httpx

key = os.environ["CLEARLINE_KEY"]
api = httpx.Client(
    base_url=os.environ["CLEARLINE_URL"],
    headers={"Authorization": f"Bearer {key}"},
)
query = {"limit": 100}
while True:
    answer = api.get("/api/v1/tickets", params=query)
    page = answer.raise_for_status().json()
    for ticket in page["data"]:
        print(ticket["number"], ticket["title"])
    if not page["has_more"]:
        break
    query["cursor"] = page["next_cursor"]"""

RETRIES = """import os
import time
import uuid

import httpx

key = os.environ["CLEARLINE_KEY"]
api = httpx.Client(
    base_url=os.environ["CLEARLINE_URL"],
    headers={"Authorization": f"Bearer {key}"},
)
ticket = {
    "title": "Port is down",
    "description": "No light since 08:00 UTC.",
    "issue_type": "Circuit Down",
    "service": {"id": "none", "type": "Non-Console Service"},
}
headers = {"Idempotency-Key": str(uuid.uuid4())}
for pause in (1, 2, 4, 8):
    try:
        answer = api.post("/api/v1/tickets", json=ticket, headers=headers)
    except httpx.TransportError:
        time.sleep(pause)
        continue
    if answer.status_code not in (409, 429, 503):
        break
    time.sleep(float(answer.headers.get("Retry-After", pause)))
print(answer.raise_for_status().json()["number"])"""

VERIFY = """import base64
import hashlib
import hmac
import time


def is_authentic(secret: str, headers, body: bytes) -> bool:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    stamp = headers["webhook-timestamp"]
    if abs(time.time() - int(stamp)) > 300:
        return False  # too old: somebody may send it again
    start = f"{headers['webhook-id']}.{stamp}.".encode()
    digest = hmac.digest(key, start + body, hashlib.sha256)
    expected = "v1," + base64.b64encode(digest).decode()
    return any(
        hmac.compare_digest(expected, signature)
        for signature in headers["webhook-signature"].split(" ")
    )"""

REQUEST = """POST /desk HTTP/1.1
Host: hooks.example.com
Content-Type: application/json
User-Agent: Clearline
webhook-id: 0f8fad5b-d9cb-469f-a165-70867728950e
webhook-timestamp: 1772366400
webhook-signature: v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="""
