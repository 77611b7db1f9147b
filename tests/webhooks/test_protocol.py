import base64
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from clearline.webhooks import protocol as webhook
from clearline.webhooks.protocol import (
    BODY_MAX,
    SCHEDULE,
    Verdict,
    asked_pause,
    delivery_id,
    failures_after,
    headers_of,
    keys_of,
    pause_after,
    secret_key,
    shortened,
    shown_secret,
    signature,
    verdict,
)

AT = datetime(2026, 3, 1, 12, 0, 0, 900000, tzinfo=UTC)
ID = UUID(int=7)


def test_a_signature_is_that_of_the_examples_of_the_standard() -> None:
    # the example that the libraries of Standard Webhooks test with
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1614265330, UTC)
    text = b'{"test": 2432232314}'

    class Named(str):
        __slots__ = ()

    found = signature([key], Named("msg_p5jXN8AQM9LWM0D4loKWxJek"), at, text)  # type: ignore[arg-type]
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_is_shown_as_the_standard_says() -> None:
    key = secret_key(b"server", ID, 1)
    assert len(key) == 32
    assert base64.b64decode(shown_secret(key).removeprefix("whsec_")) == key
    assert len({secret_key(b"server", ID, 1), secret_key(b"server", ID, 2), secret_key(b"other", ID, 1),
                secret_key(b"server", UUID(int=8), 1)}) == 4  # fmt: skip


def test_both_secrets_sign_until_the_rotation_is_over() -> None:
    old, new = secret_key(b"s", ID, 4), secret_key(b"s", ID, 5)
    assert keys_of(b"s", ID, 5, None, AT) == [new]
    assert keys_of(b"s", ID, 5, AT + timedelta(seconds=1), AT) == [new, old]
    assert keys_of(b"s", ID, 5, AT, AT) == [new]
    assert signature([new, old], ID, AT, b"{}").split(" ") == [signature([one], ID, AT, b"{}") for one in (new, old)]


def test_the_headers_of_an_attempt_are_those_of_the_standard() -> None:
    assert headers_of(ID, AT) == {
        "content-type": "application/json",
        "user-agent": "Clearline",
        "webhook-id": str(ID),
        "webhook-timestamp": "1772366400",
    }


@pytest.mark.parametrize(
    ("status", "means"),
    [
        *((one, Verdict.DELIVERED) for one in (200, 201, 202, 204, 299)),
        *((one, Verdict.UNREACHABLE) for one in (None, 429, 502, 503, 504)),
        *((one, Verdict.REFUSED) for one in (300, 301, 302, 307, 308, 400, 401, 404, 409, 413, 500, 501, 505)),
        (410, Verdict.GONE),
    ],
)
def test_an_answer_means_what_the_standard_says(status: int | None, means: Verdict) -> None:
    assert verdict(status) is means


def test_the_schedule_is_that_of_the_standard_with_a_tenth_more_or_less() -> None:
    assert [one.total_seconds() for one in SCHEDULE] == [0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
    for failures in range(1, 10):
        least, middle, most = (pause_after(failures, chance) for chance in (0, 0.5, 1))
        assert (least, middle, most) == (SCHEDULE[failures] * 0.9, SCHEDULE[failures], SCHEDULE[failures] * 1.1)
    assert pause_after(10, 0.5) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("120", 120),
        (" 7 ", 7),
        ("0", 1),
        ("999999999999", 86400),
        ("Sun, 01 Mar 2026 12:01:00 GMT", 59.1),
        ("Sunday, 01-Mar-26 12:01:00 GMT", 59.1),
        ("Sun, 01 Mar 2020 12:01:00 GMT", 1),
        ("Sun, 01 Mar 2036 12:01:00 GMT", 86400),
        ("Sun, 01 Mar 99999999999999999999 12:01:00 GMT", None),
        ("Sun, 01 Mar 2026 12:01:00 +9999", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("", None),
        ("\u0663", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(text: str | None, seconds: float | None) -> None:
    assert asked_pause(text, AT) == (None if seconds is None else timedelta(seconds=seconds))


def test_a_receiver_that_asks_for_short_pauses_is_not_given_up_sooner() -> None:
    assert failures_after(0, None, was_asked=True, now=AT) == 1
    assert failures_after(3, AT, was_asked=False, now=AT) == 4
    assert failures_after(1, AT - timedelta(seconds=4), was_asked=True, now=AT) == 1
    assert failures_after(1, AT - timedelta(seconds=6), was_asked=True, now=AT) == 2
    assert failures_after(5, AT - timedelta(seconds=6), was_asked=True, now=AT) == 5
    whole = sum(SCHEDULE, timedelta(0))
    assert failures_after(9, AT - whole + timedelta(seconds=1), was_asked=True, now=AT) == 9
    assert pause_after(failures_after(9, AT - whole, was_asked=True, now=AT), 0.5) is None


def test_a_delivery_has_the_same_id_whenever_the_event_is_read() -> None:
    assert delivery_id(ID, 5, AT) == delivery_id(ID, 5, AT)
    later = AT + timedelta(microseconds=1)
    different = {
        delivery_id(ID, 5, AT), delivery_id(ID, 6, AT), delivery_id(UUID(int=8), 5, AT), delivery_id(ID, 5, later)
    }  # fmt: skip
    assert len(different) == 4


def test_a_body_that_is_too_long_goes_without_the_events_own_data() -> None:
    short = json.dumps({"type": "t", "timestamp": "x", "data": {"id": "1", "data": {"a": "b"}}}).encode()
    assert shortened(short) is short
    long = json.dumps({"type": "t", "timestamp": "x", "data": {"id": "1", "data": {"a": "b" * BODY_MAX}}}).encode()
    assert json.loads(shortened(long)) == {
        "type": "t", "timestamp": "x", "data": {"id": "1", "data": {}, "shortened": True}
    }  # fmt: skip


def test_the_longest_body_is_what_the_schema_takes() -> None:
    assert webhook.BODY_MAX == 100_000
