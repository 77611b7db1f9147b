"""House API v1: the terms of the provider's lists."""

from typing import Any
from uuid import UUID

from clearline.catalogue import term_usecases as terms
from clearline.identity import Scope
from clearline.wires.house import paging
from clearline.wires.house.catalogue import term_wire as wire
from clearline.wires.house.parameters import EXAMPLE_ID, id_in_path, uuid_of
from clearline.wires.house.records import change_record, get_record
from clearline.wires.house.wire import Page, set_fields
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation

_TERMS = "/api/v1/terms"
_ID = id_in_path("id", "The term's id.", example=EXAMPLE_ID)


def _term_id(call: Call) -> tuple[UUID]:
    return (uuid_of(call.path["id"], terms.KIND),)


def _values(body: wire.TermIn | wire.TermPatch) -> dict[str, Any]:
    values = set_fields(body)
    if "statuses" in values:
        values["statuses"] = tuple(dict.fromkeys(values["statuses"]))
    return values


def _place(kind: int, position: int, label: str, key: str) -> terms.Place:
    return kind, position, label, key


async def list_terms(call: Call) -> Page[wire.TermOut]:
    """List the terms of one list or of all."""
    query: wire.TermListQuery = call.query
    after = paging.read_cursor(call, _place)
    async with call.statement() as tx:
        listed = await terms.list_terms(tx, call.actor, query.kind, after=after, limit=query.limit + 1)
    return paging.page(call, listed, lambda term: [*terms.place_of(term)], wire.term_out)


async def add_term(call: Call) -> wire.TermOut:
    """Add a term to a list."""
    values = _values(call.body(wire.TermIn))
    async with call.transaction() as tx:
        term = await terms.add_term(tx, call.actor, values, now=call.now)
    call.location = f"{_TERMS}/{term.id}"
    return wire.term_out(term)


async def get_term(call: Call) -> wire.TermOut:
    """Return a term."""
    return await get_record(call, _term_id(call), terms.get_term, wire.term_out)


async def change_term(call: Call) -> wire.TermOut:
    """Change a term."""
    ids, values = _term_id(call), _values(call.body(wire.TermPatch))
    return await change_record(call, ids, values, terms.lock_term, terms.change_term, wire.term_out)


OPERATIONS = (
    Operation(
        "listTerms", "GET", _TERMS, list_terms,
        "List terms", "Returns the terms of the provider's lists in their order. Customers get those that they see: "
        "reasons to wait and sub-statuses that have a wording for them.",
        Scope.TICKETS_READ, Page[wire.TermOut], query=wire.TermListQuery, errors=(400,),
    ),
    Operation(
        "addTerm", "POST", _TERMS, add_term,
        "Add a term", "Tickets keep the key, which never changes. For admins.",
        Scope.DESK_WRITE, wire.TermOut, body=wire.TermIn, status=201,
    ),
    Operation(
        "getTerm", "GET", _TERMS + "/{id}", get_term,
        "Get a term", "Returns a term. For the provider's people.",
        Scope.DESK_READ, wire.TermOut, path_parameters=_ID, errors=(404,),
    ),
    Operation(
        "changeTerm", "PATCH", _TERMS + "/{id}", change_term,
        "Change a term", "Sets the values in the merge patch. A term is retired with `is_active` false: tickets that "
        "have it keep it. For admins.",
        Scope.DESK_WRITE, wire.TermOut, body=wire.TermPatch, path_parameters=_ID, errors=(404,), conditional=True,
    ),
)  # fmt: skip
