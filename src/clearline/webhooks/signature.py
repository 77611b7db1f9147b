"""Secrets, headers and signatures of webhooks (Standard Webhooks 1.0).

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID


def derive_key(server_secret: bytes, subscription_id: UUID, generation: int) -> bytes:
    """Return the 32 bytes of a generation of a subscription's secret.

    They are derived from the server's secret, so that no row contains them.
    """
    return hmac.digest(server_secret, f"{subscription_id}:{generation}".encode(), hashlib.sha256)


def format_secret(key: bytes) -> str:
    """Return a secret as receivers configure it."""
    return "whsec_" + b64encode(key).decode()


def signing_keys(
    server_secret: bytes, subscription_id: UUID, generation: int, previous_until: datetime | None, now: datetime
) -> list[bytes]:
    """Return the keys that sign now: the newest, and during a rotation the previous one."""
    generations = [generation]
    if previous_until is not None and now < previous_until:
        generations.append(generation - 1)
    return [derive_key(server_secret, subscription_id, number) for number in generations]


def request_headers(delivery_id: UUID, at: datetime) -> dict[str, str]:
    """Return the headers of an attempt, without the signature."""
    return {
        "content-type": "application/json",
        "user-agent": "Clearline",
        "webhook-id": str(delivery_id),
        "webhook-timestamp": str(int(at.timestamp())),
    }


def sign(keys: Sequence[bytes], delivery_id: UUID, at: datetime, body: bytes) -> str:
    """Return the header webhook-signature: ``id.timestamp.body`` signed with every key, separated by spaces."""
    text = b"%b.%d.%b" % (str(delivery_id).encode(), int(at.timestamp()), body)
    return " ".join("v1," + b64encode(hmac.digest(key, text, hashlib.sha256)).decode() for key in keys)
