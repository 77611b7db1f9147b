"""When mail may be sent: quiet hours, quiet days and digests, in the recipient's time zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from clearline.language.reader import zone_of
from clearline.notifications.domain import DigestFrequency, NotificationPreferences

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)


def quiet_until(settings: NotificationPreferences, at: datetime) -> datetime:
    """Return the first moment, ``at`` or later, that is not quiet, in UTC.

    Quiet hours are local times. When the clocks go back, a quiet hour is quiet twice; when they go forward past the end
    of the quiet hours, quiet time ends at the change.
    """
    if settings.quiet_from is None and not settings.quiet_days:
        return at
    zone = zone_of(settings.time_zone)
    moment = at.astimezone(UTC)
    while _is_quiet(settings, local := moment.astimezone(zone)):
        moment = _or_change(moment, moment + _left(settings, local.replace(tzinfo=None)), zone)
    return moment


def _is_quiet(settings: NotificationPreferences, local: datetime) -> bool:
    if local.isoweekday() in settings.quiet_days:
        return True
    begin, end = settings.quiet_from, settings.quiet_to
    if begin is None or end is None:
        return False
    time = local.time()
    return begin <= time < end if begin < end else time >= begin or time < end


def _left(settings: NotificationPreferences, wall: datetime) -> timedelta:
    """Return how far the local clock has to advance until the current quiet time is over."""
    midnight = wall.replace(hour=0, minute=0, second=0, microsecond=0)
    if wall.isoweekday() in settings.quiet_days or settings.quiet_to is None:
        return midnight + _DAY - wall
    end = datetime.combine(wall.date(), settings.quiet_to)
    return end - wall if end > wall else end + _DAY - wall


def _or_change(begin: datetime, end: datetime, zone: ZoneInfo) -> datetime:
    """Return ``end``, or the second before it at which the UTC offset of the zone changes."""
    offset = begin.astimezone(zone).utcoffset()
    if end.astimezone(zone).utcoffset() == offset:
        return end
    low, high = int(begin.timestamp()), int(end.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)


def _next_full_hour(at: datetime, zone: ZoneInfo) -> datetime:
    """Return the next moment after ``at`` at which local clocks show minute 0, in UTC.

    Clocks may change by half an hour (Lord Howe Island), so that this is up to 90 minutes away.
    """
    moment = at.astimezone(UTC)
    while True:
        wall = moment.astimezone(zone).replace(tzinfo=None)
        full = wall.replace(minute=0, second=0, microsecond=0) + _HOUR
        moment = _or_change(moment, moment + (full - wall), zone)
        local = moment.astimezone(zone)
        if local.minute == local.second == local.microsecond == 0:
            return moment


def next_digest(settings: NotificationPreferences, at: datetime) -> datetime:
    """Return when the next digest after ``at`` is due, in UTC.

    An hourly digest is due at the next full hour, or when quiet time ends after it. A daily digest is due at
    ``digest_at`` on the next day that is not quiet. When the clocks skip that time, it is due as long after the change
    as it would have been without it; when they show it twice, the first time (RFC 5545, section 3.3.5).
    """
    zone = zone_of(settings.time_zone)
    if settings.digest is DigestFrequency.HOURLY:
        return quiet_until(settings, _next_full_hour(at, zone))
    day = at.astimezone(zone).date()
    while True:
        due = datetime.combine(day, settings.digest_at, tzinfo=zone).astimezone(UTC)
        if due > at and day.isoweekday() not in settings.quiet_days:
            return due
        day += _DAY
