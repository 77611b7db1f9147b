import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

from clearline.webhooks.delivery_domain import BODY_MAX, derive_delivery_id, limit_body

AT = datetime(2026, 3, 1, 12, 0, 0, 900000, tzinfo=UTC)
ID = UUID(int=7)


def test_a_delivery_has_the_same_id_whenever_the_event_is_read() -> None:
    assert derive_delivery_id(ID, 5, AT) == derive_delivery_id(ID, 5, AT)
    later = AT + timedelta(microseconds=1)
    different = {
        derive_delivery_id(ID, 5, AT),
        derive_delivery_id(ID, 6, AT),
        derive_delivery_id(UUID(int=8), 5, AT),
        derive_delivery_id(ID, 5, later),
    }
    assert len(different) == 4


def test_a_body_that_is_too_long_is_sent_without_the_data_of_the_event() -> None:
    short = json.dumps({"type": "t", "timestamp": "x", "data": {"id": "1", "data": {"a": "b"}}}).encode()
    assert limit_body(short) is short
    long = json.dumps({"type": "t", "timestamp": "x", "data": {"id": "1", "data": {"a": "b" * BODY_MAX}}}).encode()
    assert json.loads(limit_body(long)) == {
        "type": "t", "timestamp": "x", "data": {"id": "1", "data": {}, "shortened": True}
    }  # fmt: skip


def test_the_longest_body_fits_the_schema() -> None:
    assert BODY_MAX == 100_000
