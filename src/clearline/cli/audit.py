"""The audit: what happened, and who did it."""

import json
from datetime import UTC, datetime
from uuid import UUID

import click
import msgspec

from clearline.accounts import usecases as accounts
from clearline.audit import usecases as usecase
from clearline.cli.context import as_json, emit, table, within
from clearline.events.store import Event
from clearline.identity import OPERATOR, PROVIDER_ID
from clearline.platform.database.transactions import Tx
from clearline.tickets import access
from clearline.tickets.domain import ticket_number
from clearline.tickets.note_domain import worklog_id

_TIME = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"])
_SHOWN = 100


@click.command()
@click.option("--since", type=_TIME, help="Not before this time, in UTC.")
@click.option("--until", type=_TIME, help="Before this time, in UTC.")
@click.option("--company", metavar="NAME", help="Only of the company with this name or customer code.")
@click.option("--actor", metavar="EMAIL", help="Only what this person did: one of --company, or else of the provider.")
@click.option("--type", "kind", metavar="TYPE", help="Only this type, or with a dot at its end what begins so: user.")
@click.option("--ticket", metavar="NUMBER", help="Only what happened to this ticket.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many.")
@as_json
def audit(
    *,
    since: datetime | None,
    until: datetime | None,
    company: str | None,
    actor: str | None,
    kind: str | None,
    ticket: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """What happened to everything and who did it, newest first."""

    async def work(tx: Tx) -> list[Event]:
        return await usecase.list_events(
            tx,
            OPERATOR,
            since=_utc(since),
            until=_utc(until),
            user_id=await _who(tx, company, actor),
            kind=kind,
            ticket=None if ticket is None else access.check_number(ticket),
            company=company,
            limit=limit,
        )

    found = within(work)
    if as_json:
        emit([_described(one) for one in found])
        return
    table(
        ("WHEN", "WHO", "WHAT", "ABOUT", "DETAILS"),
        [(one.at, one.actor_name, one.type, about(one), details(one)) for one in found],
    )


def _utc(time: datetime | None) -> datetime | None:
    return None if time is None else time.replace(tzinfo=UTC)


async def _who(tx: Tx, company: str | None, email: str | None) -> UUID | None:
    if email is None:
        return None
    return (await accounts.get_user(tx, OPERATOR, company or PROVIDER_ID, email)).id


def about(one: Event) -> str:
    """What an event is about: a note, a ticket, or something by its name."""
    if one.note_number is not None:
        return worklog_id(one.note_number)
    return one.data.get("name", "") if one.ticket_number is None else ticket_number(one.ticket_number)


def details(one: Event) -> str:
    """What was before and after, cut to a line."""
    changes = one.data.get("changes")
    if changes is None:
        told = ", ".join(f"{name}: {value}" for name, value in one.data.items())
    else:
        told = ", ".join(f"{one['field']}: {_value(one['before'])} -> {_value(one['after'])}" for one in changes)
    return told if len(told) <= _SHOWN else told[: _SHOWN - 3] + "..."


def _value(value: object) -> str:
    return "-" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _described(one: Event) -> dict[str, object]:
    return {
        "id": one.offset.id,
        "at": msgspec.to_builtins(one.at),
        "type": one.type,
        "companyId": one.company_id,
        "ticket": None if one.ticket_number is None else ticket_number(one.ticket_number),
        "note": None if one.note_number is None else worklog_id(one.note_number),
        "actorId": one.actor_id,
        "actor": one.actor_name,
        "data": one.data,
    }
