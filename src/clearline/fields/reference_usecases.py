"""References of own fields: the names of what they name, and what can be chosen. Names stay within a company."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from clearline.accounts import permissions
from clearline.fields import store as field_store
from clearline.fields.domain import Field, FieldType, RecordKind, RefersTo
from clearline.fields.usecases import definitions
from clearline.identity import PROVIDER_ID, Actor
from clearline.platform.database.transactions import Tx

CHOICES_MAX = 200
"""The most references that a form offers to choose from; beyond that they are typed."""
Names = Mapping[tuple[RefersTo, str], str]
"""The names of services, companies and users by what they are and their ids."""
Choices = Mapping[RefersTo, Sequence[tuple[str, str]]]
"""The ids and names that can be chosen, by what they are."""


async def reference_names(
    tx: Tx, actor: Actor, company_id: UUID, records: Iterable[tuple[RecordKind, Mapping[str, Any]]]
) -> Names:
    """Return the names of what the values of records of a company refer to, with one statement, or none.

    What the actor may not see has no name, nor what is there no more.
    """
    known = await definitions(tx)
    wanted: dict[RefersTo, set[str]] = {kind: set() for kind in RefersTo}
    for kind, values in records:
        for key, value in values.items():
            field = known.of(kind).get(key)
            if field is not None and field.refers_to is not None and isinstance(value, str):
                wanted[field.refers_to].add(value)
    wanted[RefersTo.COMPANY] = {each for each in wanted[RefersTo.COMPANY] if may_refer_to(actor, each)}
    wanted[RefersTo.USER] = {each for each in wanted[RefersTo.USER] if _is_id(each)}
    if not any(wanted.values()):
        return {}
    return await field_store.reference_names(tx, company_id, wanted)


class NamesInList:
    """The names of what the records of a list refer to, each as the company of its record has it."""

    __slots__ = ("_names",)

    def __init__(self, names: Iterable[tuple[RefersTo, UUID, str, str]] = ()) -> None:
        self._names = {(kind, owner if kind in _OWNED else None, each): name for kind, owner, each, name in names}

    def of(self, company_id: UUID, refers_to: RefersTo, value: str) -> str | None:
        """Return the name of what a record of a company refers to; None if there is none to show.

        A service is one of the company, a user one of the company or of the provider.
        """
        owners = {
            RefersTo.SERVICE: (company_id,),
            RefersTo.COMPANY: (None,),
            RefersTo.USER: (company_id, PROVIDER_ID),
        }[refers_to]
        return next((name for owner in owners if (name := self._names.get((refers_to, owner, value)))), None)


_OWNED = frozenset({RefersTo.SERVICE, RefersTo.USER})
NO_NAMES = NamesInList()


async def names_in_list(
    tx: Tx, actor: Actor, fields: Iterable[Field], records: Iterable[tuple[UUID, Mapping[str, Any]]]
) -> NamesInList:
    """Return the names of what some fields of records refer to, each with its company: with one statement, or none.

    What the actor may not see has no name, nor what is there no more.
    """
    references = [field for field in fields if field.refers_to is not None]
    wanted: dict[RefersTo, set[tuple[UUID, str]]] = {kind: set() for kind in RefersTo}
    for company_id, values in records:
        for field in references:
            value = values.get(field.key)
            if field.refers_to is not None and isinstance(value, str):
                wanted[field.refers_to].add((company_id, value))
    companies = {value for _owner, value in wanted[RefersTo.COMPANY] if may_refer_to(actor, value)}
    users = {value for _owner, value in wanted[RefersTo.USER] if _is_id(value)}
    services = sorted(wanted[RefersTo.SERVICE])
    if not (services or companies or users):
        return NamesInList()
    return NamesInList(await field_store.names_of_many(tx, services, companies, users))


def _is_id(text: str) -> bool:
    """Return whether a value is an id: the history may have one of an earlier field of the key, or a redacted one."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def may_refer_to(actor: Actor, company_id: str) -> bool:
    """Return whether an actor may see the company of an id, so that its name can be shown, and the id be set."""
    try:
        return permissions.may_see_company(actor, UUID(company_id))
    except ValueError:
        return False


async def reference_choices(tx: Tx, actor: Actor, kind: RecordKind, company_id: UUID | None) -> Choices:
    """Return what the references of a record of a company can be: the first by name, one more than ``CHOICES_MAX``.

    With None the record can be of any company: no services are offered, because no two companies share one. Nothing is
    read for what no active field refers to.
    """
    fields = (await definitions(tx)).active(kind, for_staff=actor.is_staff)
    kinds = {field.refers_to for field in fields if field.type is FieldType.REFERENCE}
    owner_id = PROVIDER_ID if company_id is None else company_id
    choices: dict[RefersTo, Sequence[tuple[str, str]]] = {}
    for refers_to in RefersTo:
        if refers_to not in kinds or (refers_to is RefersTo.SERVICE and company_id is None):
            continue
        only: tuple[UUID, ...] | None = None if actor.is_staff else (owner_id,)
        if refers_to is RefersTo.COMPANY and actor.is_staff:
            only = permissions.only_companies(actor)
        if refers_to is RefersTo.USER and not permissions.may_see_company(actor, owner_id):
            continue  # a parent does not see the people of its child
        choices[refers_to] = await field_store.reference_choices(
            tx, refers_to, owner_id, only=only, limit=CHOICES_MAX + 1
        )
    return choices
