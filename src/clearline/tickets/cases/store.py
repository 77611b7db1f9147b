"""The cases of tickets at third parties."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec.structs import astuple

from clearline.platform.database.transactions import Tx
from clearline.tickets.columns import next_version
from clearline.tickets.third_parties.domain import Case

_SAVE = """
    insert into ticket_case (company_id, ticket_number, id, party, number, kind, state, opened_at, expected_at,
                             contact_name, contact_phone, contact_email, notes, created_at, created_by, updated_at,
                             updated_by)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
    on conflict (company_id, ticket_number, id) do update
       set party = excluded.party, number = excluded.number, kind = excluded.kind, state = excluded.state,
           opened_at = excluded.opened_at, expected_at = excluded.expected_at, contact_name = excluded.contact_name,
           contact_phone = excluded.contact_phone, contact_email = excluded.contact_email, notes = excluded.notes,
           updated_at = excluded.updated_at, updated_by = excluded.updated_by
    """


async def save(tx: Tx, company_id: UUID, number: int, cases: Sequence[Case]) -> None:
    """Store cases of a locked ticket, new or changed."""
    await tx.write_many(_SAVE, [(company_id, number, *astuple(case)) for case in cases])


async def delete(tx: Tx, company_id: UUID, number: int, case_id: UUID) -> None:
    """Delete a case of a locked ticket."""
    await tx.write(
        "delete from ticket_case where company_id = $1 and ticket_number = $2 and id = $3", company_id, number, case_id
    )


async def touch(tx: Tx, company_id: UUID, number: int, *, now: datetime) -> None:
    """Increment the version of a locked ticket whose cases change; its customer does not see them."""
    await tx.write(
        f"update ticket set {next_version('$3', visible='false')} where company_id = $1 and number = $2",
        company_id,
        number,
        now,
    )


_PARTIES = """
    with recursive known (party) as (
        (select party from ticket_case order by party limit 1)
        union all
        select (select k.party from ticket_case k where k.party > known.party order by k.party limit 1)
          from known where known.party is not null
    )
    select party from known where party is not null limit $1
    """


async def parties(tx: Tx, *, limit: int) -> list[str]:
    """Return the third parties of all cases, by name, each once. Served by ``ticket_case_by_party``."""
    return [row[0] for row in await tx.fetch(_PARTIES, limit)]
