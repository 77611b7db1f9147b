"""How reports of presence reach every process: as notifications of PostgreSQL, which are stored nowhere."""

import msgspec

from clearline.platform.database.transactions import Tx
from clearline.presence.domain import Report

CHANNEL = "clearline_presence"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Report).decode


async def notify(tx: Tx, report: Report) -> None:
    """Notify every process of a report when the transaction commits. It writes nothing, and waits for no disk."""
    await tx.fetchval("select pg_notify($1, $2)", CHANNEL, _encode(report).decode())


def report_in(payload: str) -> Report | None:
    """Return the report in a notification; None for what a later version may send."""
    try:
        return _decode(payload)
    except msgspec.DecodeError:
        return None
