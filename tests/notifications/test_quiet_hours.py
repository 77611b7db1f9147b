"""Quiet time and digests in local time, and on the days on which the clocks change."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clearline.notifications.domain import DigestFrequency, NotificationPreferences
from clearline.notifications.quiet_hours import next_digest, quiet_until

ZONES = (
    "UTC",
    "Europe/Amsterdam",
    "America/New_York",
    "America/St_Johns",
    "Australia/Lord_Howe",  # its clocks change by half an hour
    "Asia/Kathmandu",
    "Pacific/Chatham",
    "America/Sao_Paulo",  # clocks changed at midnight until 2019
    "Africa/Casablanca",  # and twice within weeks
    "Pacific/Apia",  # once without a Friday
)
CHANGES = (
    datetime(2026, 3, 29, tzinfo=UTC),
    datetime(2026, 10, 25, tzinfo=UTC),
    datetime(2026, 3, 8, tzinfo=UTC),
    datetime(2026, 11, 1, tzinfo=UTC),
    datetime(2026, 4, 4, tzinfo=UTC),
    datetime(2018, 11, 4, tzinfo=UTC),
    datetime(2011, 12, 30, tzinfo=UTC),
    datetime(2026, 2, 15, tzinfo=UTC),
    datetime(2026, 7, 14, tzinfo=UTC),
)
clocks = st.builds(time, st.integers(0, 23), st.sampled_from((0, 1, 15, 30, 59)))
moments = st.builds(
    lambda day, minutes, seconds: day + timedelta(minutes=minutes, seconds=seconds),
    st.sampled_from(CHANGES),
    st.integers(-2880, 2880),
    st.sampled_from((0, 1, 30.5)),
)
settings = st.builds(
    lambda zone, hours, days, digest, at: NotificationPreferences(
        zone, hours[0], hours[1], tuple(sorted(days)), digest, at
    ),
    st.sampled_from(ZONES),
    st.just((None, None)) | st.tuples(clocks, clocks).filter(lambda hours: hours[0] != hours[1]),
    st.sets(st.integers(1, 7), max_size=3),
    st.sampled_from(DigestFrequency),
    clocks,
)


LORD_HOWE = NotificationPreferences("Australia/Lord_Howe", digest=DigestFrequency.HOURLY)


def is_quiet(preferences: NotificationPreferences, moment: datetime) -> bool:
    """Return whether a time is quiet: the rule, written again with the minutes of the local day."""
    local = moment.astimezone(ZoneInfo(preferences.time_zone))
    if local.isoweekday() in preferences.quiet_days:
        return True
    if preferences.quiet_from is None or preferences.quiet_to is None:
        return False
    begin, end = (clock.hour * 60 + clock.minute for clock in (preferences.quiet_from, preferences.quiet_to))
    return (local.hour * 60 + local.minute - begin) % 1440 < (end - begin) % 1440


@given(settings, moments)
@example(NotificationPreferences("Europe/Amsterdam", time(1), time(2, 30)), datetime(2026, 3, 29, 0, 30, tzinfo=UTC))
@example(NotificationPreferences("Europe/Amsterdam", time(22), time(2, 30)), datetime(2026, 10, 25, 0, 29, tzinfo=UTC))
@example(NotificationPreferences("America/Sao_Paulo", quiet_days=(6,)), datetime(2018, 11, 3, 12, tzinfo=UTC))
def test_mail_waits_until_quiet_time_ends_and_no_longer(preferences: NotificationPreferences, moment: datetime) -> None:
    end = quiet_until(preferences, moment)
    assert end >= moment
    assert not is_quiet(preferences, end)
    if end == moment:
        return
    assert end.second == end.microsecond == 0
    assert is_quiet(preferences, end - timedelta(seconds=1))
    step = moment
    while step < end:
        assert is_quiet(preferences, step)
        step += timedelta(minutes=15)


@given(settings, moments)
@example(LORD_HOWE, datetime(2026, 4, 4, 14, 10, tzinfo=UTC))
@example(LORD_HOWE, datetime(2026, 10, 3, 15, 10, tzinfo=UTC))
def test_a_digest_is_due_after_its_notifications_and_never_on_quiet_days(
    preferences: NotificationPreferences, moment: datetime
) -> None:
    due = next_digest(preferences, moment)
    local = due.astimezone(ZoneInfo(preferences.time_zone))
    assert due > moment
    assert local.isoweekday() not in preferences.quiet_days or preferences.time_zone == "Pacific/Apia"
    if preferences.digest is DigestFrequency.HOURLY:
        assert not is_quiet(preferences, due)
        if preferences.quiet_from is None and not preferences.quiet_days:
            assert local.minute == local.second == local.microsecond == 0
        if preferences.quiet_from is None and not preferences.quiet_days:
            assert due - moment <= timedelta(minutes=90)
    elif not preferences.quiet_days:
        assert due - moment <= timedelta(hours=50 if preferences.time_zone == "Pacific/Apia" else 26)


@pytest.mark.parametrize(
    ("zone", "at", "until"),
    [
        # 22:00 to 07:00 in Amsterdam; clocks go forward on 29 March and back on 25 October 2026
        ("Europe/Amsterdam", "2026-03-27T21:30", "2026-03-28T06:00"),
        ("Europe/Amsterdam", "2026-03-28T23:00", "2026-03-29T05:00"),
        ("Europe/Amsterdam", "2026-10-24T22:00", "2026-10-25T06:00"),
        ("Europe/Amsterdam", "2026-07-01T20:00", "2026-07-02T05:00"),
        ("Europe/Amsterdam", "2026-07-01T19:59", "2026-07-01T19:59"),
        ("Asia/Kathmandu", "2026-07-01T17:00", "2026-07-02T01:15"),
        ("no/such_zone", "2026-07-01T23:00", "2026-07-02T07:00"),
    ],
)
def test_quiet_hours_end_by_local_time(zone: str, at: str, until: str) -> None:
    preferences = NotificationPreferences(zone, time(22), time(7))
    assert quiet_until(preferences, datetime.fromisoformat(f"{at}Z")) == datetime.fromisoformat(f"{until}Z")


@pytest.mark.parametrize(
    ("at", "due"),
    [
        ("2026-03-27T05:59", "2026-03-27T07:00"),  # a Friday
        ("2026-03-27T07:00", "2026-03-30T06:00"),  # the weekend is quiet, and clocks change in it
        ("2026-03-28T12:00", "2026-03-30T06:00"),
    ],
)
def test_a_daily_digest_skips_quiet_days_and_keeps_its_hour(at: str, due: str) -> None:
    preferences = NotificationPreferences("Europe/Amsterdam", quiet_days=(6, 7), digest_at=time(8))
    assert next_digest(preferences, datetime.fromisoformat(f"{at}Z")) == datetime.fromisoformat(f"{due}Z")


def test_an_hourly_digest_is_due_at_the_full_local_hour() -> None:
    preferences = NotificationPreferences("Asia/Kathmandu", digest=DigestFrequency.HOURLY)
    assert next_digest(preferences, datetime(2026, 7, 1, 12, 20, tzinfo=UTC)) == datetime(
        2026, 7, 1, 13, 15, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("zone", "at", "due"),
    [
        # Lord Howe Island: from 2:00 back to 1:30 on 5 April 2026, from 2:00 on to 2:30 on 4 October 2026
        ("Australia/Lord_Howe", "2026-04-04T13:50", "2026-04-04T14:00"),  # 0:50, due at 1:00
        ("Australia/Lord_Howe", "2026-04-04T14:10", "2026-04-04T15:30"),  # 1:10, due at 2:00, 80 minutes later
        ("Australia/Lord_Howe", "2026-04-04T14:59:59.5", "2026-04-04T15:30"),
        ("Australia/Lord_Howe", "2026-04-04T15:00", "2026-04-04T15:30"),  # the second 1:30
        ("Australia/Lord_Howe", "2026-04-04T15:30", "2026-04-04T16:30"),
        ("Australia/Lord_Howe", "2026-10-03T14:30", "2026-10-03T16:00"),  # 1:00, due at 3:00, 90 minutes later
        ("Australia/Lord_Howe", "2026-10-03T15:10", "2026-10-03T16:00"),
        ("Australia/Lord_Howe", "2026-10-03T15:30", "2026-10-03T16:00"),  # 2:30
        ("Asia/Pyongyang", "2018-05-04T14:40", "2018-05-04T15:00"),  # from 23:30 to 0:00
        ("America/Caracas", "2016-05-01T06:40", "2016-05-01T07:00"),  # from 2:30 to 3:00
        ("Europe/Amsterdam", "2026-10-25T00:20", "2026-10-25T01:00"),
        ("Europe/Amsterdam", "2026-03-29T00:20", "2026-03-29T01:00"),
        ("Antarctica/Troll", "2026-03-29T00:20", "2026-03-29T01:00"),  # by two hours
        ("Australia/Eucla", "2026-03-29T00:20", "2026-03-29T01:15"),
    ],
)
def test_an_hourly_digest_is_due_at_minute_zero_when_clocks_change(zone: str, at: str, due: str) -> None:
    preferences = NotificationPreferences(zone, digest=DigestFrequency.HOURLY)
    assert next_digest(preferences, datetime.fromisoformat(f"{at}Z")) == datetime.fromisoformat(f"{due}Z")


@pytest.mark.parametrize(
    ("digest_at", "at", "due"),
    [
        (time(1, 45), "2026-04-04T10:00", "2026-04-04T14:45"),  # shown twice: the first time
        (time(1, 45), "2026-04-04T14:50", "2026-04-05T15:15"),
        (time(2, 15), "2026-10-03T10:00", "2026-10-03T15:45"),  # skipped: 15 minutes after the change
        (time(2, 30), "2026-10-03T10:00", "2026-10-03T15:30"),
        (time(8), "2026-04-04T10:00", "2026-04-04T21:30"),
        (time(8), "2026-10-03T10:00", "2026-10-03T21:00"),
    ],
)
def test_a_daily_digest_is_due_at_its_minute_when_clocks_change_by_half_an_hour(
    digest_at: time, at: str, due: str
) -> None:
    preferences = NotificationPreferences("Australia/Lord_Howe", digest_at=digest_at)
    assert next_digest(preferences, datetime.fromisoformat(f"{at}Z")) == datetime.fromisoformat(f"{due}Z")
