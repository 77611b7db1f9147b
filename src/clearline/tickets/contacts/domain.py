"""What differs between the people that a ticket has and those that it is to have, and the events of it."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from clearline.events.domain import (
    ContactAdded,
    ContactChanged,
    ContactRemoved,
    CopyAdded,
    CopyRemoved,
    TicketFact,
    changes_between,
)
from clearline.tickets.contact import People, Person, PersonKind


class Difference(Struct, frozen=True):
    """What to store and what to delete, by ids, and the events. A person to store has an id, or 0 when it is new."""

    stored: list[Person]
    deleted: list[int]
    facts: list[TicketFact]


class _Values(Struct, frozen=True):
    """The values of a contact that an event shows."""

    name: str
    email: str
    phone: str
    roles: list[str]


def _values(person: Person) -> _Values:
    return _Values(person.name, person.email, person.phone, [*person.roles])


def added(person: Person) -> TicketFact:
    """Return the event of somebody who became one of the people of a ticket."""
    if person.kind is PersonKind.CC:
        return CopyAdded(person.name, person.email)
    return ContactAdded(person.name, person.email, [*person.roles])


def removed(person: Person) -> TicketFact:
    """Return the event of somebody who is none of the people of a ticket any more."""
    if person.kind is PersonKind.CC:
        return CopyRemoved(person.name, person.email)
    return ContactRemoved(person.name, person.email, [*person.roles])


def difference(before: People, wanted: Sequence[Person], kinds: Sequence[PersonKind]) -> Difference:
    """Return what turns the people of these kinds into the wanted ones, who have no ids yet.

    Somebody who was suggested, or left, and is wanted now, is no more than that. A copy without a name keeps the one
    that it has.
    """
    known = {person.key: person for person in before.all}
    result = Difference([], [], [])
    for person in wanted:
        old = known.pop(person.key, None)
        if old is None or old.kind is not person.kind:
            if old is not None and old.kind in _PRESENT:
                result.facts.append(removed(old))
            result.stored.append(replace(person, id=0 if old is None else old.id))
            result.facts.append(added(person))
            continue
        name = person.name or old.name
        new = replace(person, id=old.id, name=name, user_id=old.user_id)
        changes = changes_between(_values(old), _values(new))
        if changes:
            result.stored.append(new)
            if new.kind is PersonKind.CONTACT:
                result.facts.append(ContactChanged(new.name, new.email, changes))
    gone = [person for person in known.values() if person.kind in kinds]
    result.deleted.extend(person.id for person in gone)
    result.facts[:0] = [removed(person) for person in gone]
    return result


_PRESENT = (PersonKind.CONTACT, PersonKind.CC)
