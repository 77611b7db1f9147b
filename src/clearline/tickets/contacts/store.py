"""The people of tickets besides their contacts."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from clearline.identity import Actor
from clearline.platform.database.transactions import Tx
from clearline.tickets import store as ticket_store
from clearline.tickets.columns import PEOPLE, next_version, people_in
from clearline.tickets.contact import NOBODY, People, Person, PersonKind
from clearline.tickets.contacts.domain import Difference
from clearline.tickets.contacts.domain import added as added_fact


async def people(tx: Tx, company_id: UUID, number: int) -> People:
    """Return the people of a ticket. Served by the primary key."""
    value = await tx.fetchval(
        f"select {PEOPLE} from ticket t where t.company_id = $1 and t.number = $2", company_id, number
    )
    return people_in(value) if value else NOBODY


_INSERT = """
    insert into ticket_contact (company_id, ticket_number, kind, email, name, phone, roles, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8)
    on conflict (company_id, ticket_number, lower(email)) where email <> '' do nothing
    """
_UPDATE = """
    update ticket_contact set kind = $4, email = $5, name = $6, phone = $7, roles = $8
     where company_id = $1 and ticket_number = $2 and id = $3
    """


async def save(tx: Tx, company_id: UUID, number: int, changed: Difference, *, now: datetime) -> None:
    """Store the people of a locked ticket that are new or changed, and delete those that are gone."""
    if changed.deleted:
        await tx.write(
            "delete from ticket_contact where company_id = $1 and ticket_number = $2 and id = any($3::bigint[])",
            company_id,
            number,
            changed.deleted,
        )
    if updated := [person for person in changed.stored if person.id]:
        await tx.write_many(_UPDATE, [(company_id, number, person.id, *_values(person)) for person in updated])
    if new := [person for person in changed.stored if not person.id]:
        await tx.write_many(_INSERT, [(company_id, number, *_values(person), now) for person in new])


def _values(person: Person) -> tuple[object, ...]:
    return person.kind, person.email, person.name, person.phone, [*person.roles]


async def touch(tx: Tx, company_id: UUID, number: int, *, now: datetime) -> None:
    """Increment the version of a locked ticket whose people change: its customer sees them."""
    await tx.write(
        f"update ticket set {next_version('$3')} where company_id = $1 and number = $2", company_id, number, now
    )


_COPY = """
    with source as (
        select kind, email, name, phone, roles from ticket_contact
         where company_id = $1 and ticket_number = $2 and kind in ('contact', 'cc')
           and lower(email) <> (select lower(contact_email) from ticket where company_id = $1 and number = $3)
         order by id
         limit greatest(0, $5 - (select count(*) from ticket_contact where company_id = $1 and ticket_number = $3))
    ), copied as (
        insert into ticket_contact (company_id, ticket_number, kind, email, name, phone, roles, created_at)
        select $1, $3, kind, email, name, phone, roles, $4 from source
        on conflict (company_id, ticket_number, lower(email)) where email <> '' do nothing
        returning id, kind, email, name, phone, roles
    )
    select json_agg(json_build_array(kind, email, name, phone, roles, id) order by id) from copied
    """


async def copy(
    tx: Tx, actor: Actor, company_id: UUID, number: int, to: int, *, most: int, now: datetime
) -> Sequence[Person]:
    """Copy the contacts and copies of a ticket to another ticket of the company, with an event for each; return them.

    Those who are among the people of the other already, or left it, are left out, and so are those beyond ``most``.
    """
    row = await tx.write(_COPY, company_id, number, to, now, most)
    copied = people_in(None if row is None else row[0]).all
    if copied:
        facts = [added_fact(person) for person in copied]
        await ticket_store.append_facts(tx, actor, company_id, to, facts, now=now)
    return copied


async def find(tx: Tx, company_id: UUID, number: int, address: str) -> Person | None:
    """Return the one of a ticket's people who has an address, in any case. Served by ``ticket_contact_email``."""
    row = await tx.fetchrow(
        """select kind, email, name, phone, roles, id from ticket_contact
            where company_id = $1 and ticket_number = $2 and lower(email) = lower($3) and email <> ''""",
        company_id,
        number,
        address,
    )
    return None if row is None else Person(PersonKind(row[0]), row[1], row[2], row[3], tuple(row[4]), row[5])


async def suggest(
    tx: Tx, company_id: UUID, number: int, persons: Sequence[Person], *, most: int, now: datetime
) -> None:
    """Store who was in Cc of a mail, up to ``most`` suggestions of a ticket; who is known already is left as it is."""
    await tx.write(
        """
        insert into ticket_contact (company_id, ticket_number, kind, email, name, phone, roles, created_at)
        select $1, $2, 'suggested', p.email, p.name, '', '{}', $5
          from unnest($3::text[], $4::text[]) with ordinality p (email, name, place)
         where p.place <= $6 - (select count(*) from ticket_contact
                                 where company_id = $1 and ticket_number = $2 and kind = 'suggested')
         order by p.place
        on conflict (company_id, ticket_number, lower(email)) where email <> '' do nothing
        """,
        company_id,
        number,
        [person.email for person in persons],
        [person.name for person in persons],
        now,
        most,
    )
