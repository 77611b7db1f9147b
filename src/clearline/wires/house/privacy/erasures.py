"""House API v1: erase people, and read what was done."""

import msgspec

from clearline.identity import Scope
from clearline.privacy import erasure_usecases as erasures
from clearline.privacy.erasure_domain import ERASURE
from clearline.wires.house import paging
from clearline.wires.house.parameters import EXAMPLE_ID, id_in_path, uuid_of
from clearline.wires.house.privacy import wire
from clearline.wires.house.privacy.mapping import erasure_out
from clearline.wires.house.records import newest_key, not_before_since
from clearline.wires.house.wire import DatedPageQuery, Page
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation

_ERASURES = "/api/v1/erasures"
_ID = id_in_path("id", "The erasure's id.", example=EXAMPLE_ID)
_decode_certificate = msgspec.json.Decoder(wire.CertificateOut).decode


async def add_erasure(call: Call) -> wire.ErasureOut:
    """Erase a person, or count what would be rewritten."""
    body = call.body(wire.ErasureIn)
    async with call.transaction() as tx:
        erasure = await erasures.erase(
            tx, call.actor, body.address, reason=body.reason, others=tuple(body.also), is_dry_run=body.dry_run,
            secret_key=call.services.settings.secret_key, now=call.now,
        )  # fmt: skip
    call.location = f"{_ERASURES}/{erasure.id}"
    return erasure_out(erasure)


async def list_erasures(call: Call) -> Page[wire.ErasureOut]:
    """List erasures, newest first."""
    before = newest_key(call)
    async with call.statement() as tx:
        page = await erasures.list_erasures(tx, call.actor, after=before, limit=call.query.limit + 1)
    page = not_before_since(call, page, lambda erasure: erasure.created_at)
    return paging.page(call, page, lambda erasure: [erasure.created_at.isoformat(), str(erasure.id)], erasure_out)


async def get_erasure(call: Call) -> wire.ErasureOut:
    """Return an erasure."""
    async with call.statement() as tx:
        return erasure_out(await erasures.get_erasure(tx, call.actor, uuid_of(call.path["id"], ERASURE)))


async def get_certificate(call: Call) -> wire.CertificateOut:
    """Return the certificate of an erasure."""
    async with call.transaction() as tx:
        text = await erasures.get_certificate(tx, call.actor, uuid_of(call.path["id"], ERASURE))
    return _decode_certificate(text)


OPERATIONS = (
    Operation(
        "listErasures", "GET", _ERASURES, list_erasures,
        "List erasures", "Returns erasures of people and dry runs, newest first. For the provider's admins.",
        Scope.PEOPLE_ERASE, Page[wire.ErasureOut], query=DatedPageQuery, errors=(400,),
    ),
    Operation(
        "addErasure", "POST", _ERASURES, add_erasure,
        "Erase a person", "Puts a pseudonym in the place of the name, address and phone numbers of the person with an "
        "e-mail address, in everything that is stored: tickets, notes, events, mails as they were received and sent, "
        "webhooks, kept answers, jobs, settings, the search. Its accounts end at once, with their sessions and keys; "
        "the workers do the rest, page by page, twice, and `finished_at` says when all is done. Tickets and figures "
        "stay. It cannot be undone: ask with `dry_run` first, which counts the rows by table. For the provider's "
        "admins whose access is not limited; nobody can erase itself.",
        Scope.PEOPLE_ERASE, wire.ErasureOut, body=wire.ErasureIn, errors=(409,), status=201,
    ),
    Operation(
        "getErasure", "GET", _ERASURES + "/{id}", get_erasure,
        "Get an erasure", "Returns an erasure or a dry run, and how far it is. For the provider's admins.",
        Scope.PEOPLE_ERASE, wire.ErasureOut, path_parameters=_ID, errors=(404,),
    ),
    Operation(
        "getErasureCertificate", "GET", _ERASURES + "/{id}/certificate", get_certificate,
        "Get the certificate of an erasure", "Returns what was done, when, by whom, and in which tables, with the "
        "SHA-256 of it. It does not hold the words that were erased. 409 while the erasure is not done, and for a dry "
        "run. For the provider's admins.",
        Scope.PEOPLE_ERASE, wire.CertificateOut, path_parameters=_ID, errors=(404, 409),
    ),
)  # fmt: skip
