from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from clearline.webhooks.attempt_domain import (
    SCHEDULE,
    Outcome,
    count_failure,
    outcome_of,
    parse_retry_after,
    pause_after,
)

AT = datetime(2026, 3, 1, 12, 0, 0, 900000, tzinfo=UTC)
ID = UUID(int=7)


@pytest.mark.parametrize(
    ("status", "means"),
    [
        *((status, Outcome.DELIVERED) for status in (200, 201, 202, 204, 299)),
        *((status, Outcome.UNREACHABLE) for status in (None, 429, 502, 503, 504)),
        *((status, Outcome.REFUSED) for status in (300, 301, 302, 307, 308, 400, 401, 404, 409, 413, 500, 501, 505)),
        (410, Outcome.GONE),
    ],
)
def test_the_outcome_of_an_answer_follows_the_standard(status: int | None, means: Outcome) -> None:
    assert outcome_of(status) is means


def test_the_schedule_is_that_of_the_standard_with_ten_percent_jitter() -> None:
    assert [delay.total_seconds() for delay in SCHEDULE] == [0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
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
    assert parse_retry_after(text, AT) == (None if seconds is None else timedelta(seconds=seconds))


def test_short_pauses_that_a_receiver_asks_for_do_not_shorten_the_schedule() -> None:
    assert count_failure(0, None, is_off_schedule=True, now=AT) == 1
    assert count_failure(3, AT, is_off_schedule=False, now=AT) == 4
    assert count_failure(1, AT - timedelta(seconds=4), is_off_schedule=True, now=AT) == 1
    assert count_failure(1, AT - timedelta(seconds=6), is_off_schedule=True, now=AT) == 2
    assert count_failure(5, AT - timedelta(seconds=6), is_off_schedule=True, now=AT) == 5
    schedule = sum(SCHEDULE, timedelta(0))
    assert count_failure(9, AT - schedule + timedelta(seconds=1), is_off_schedule=True, now=AT) == 9
    assert pause_after(count_failure(9, AT - schedule, is_off_schedule=True, now=AT), 0.5) is None
