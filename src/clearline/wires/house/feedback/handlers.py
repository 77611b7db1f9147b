"""House API v1: how customers rated the resolution of tickets."""

from clearline.feedback import usecases as feedback
from clearline.feedback.domain import Feedback
from clearline.identity import Scope
from clearline.tickets import access
from clearline.tickets.domain import ticket_number
from clearline.wires.house import paging
from clearline.wires.house.feedback import wire
from clearline.wires.house.parameters import EXAMPLE_ID, id_in_path, query_refusals, uuid_of
from clearline.wires.house.records import get_record, newest_key, not_before_since, time_and_id_keys
from clearline.wires.house.wire import CompanyRef, Page
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation

_FEEDBACK = "/api/v1/feedback"
_ID = id_in_path("id", "The id of the feedback.", example=EXAMPLE_ID)


def feedback_out(given: Feedback) -> wire.FeedbackOut:
    """Return feedback as a body."""
    company = CompanyRef(given.company.id, given.company.name, given.company.code)
    return wire.FeedbackOut(
        str(given.id), company, ticket_number(given.ticket_number), given.resolved_at, given.recipient, given.rating,
        given.comment, given.created_at, given.updated_at,
    )  # fmt: skip


async def list_feedback(call: Call) -> Page[wire.FeedbackOut]:
    """List feedback, newest first."""
    query: wire.FeedbackQuery = call.query
    before = newest_key(call)
    number = None if query.ticket is None else access.parse_number(query.ticket)
    with query_refusals():
        async with call.statement() as tx:
            page = await feedback.list_feedback(
                tx, call.actor, number=number, rating=query.rating, before=before, limit=query.limit + 1
            )
    page = not_before_since(call, page, lambda given: given.created_at)
    return paging.page(call, page, time_and_id_keys, feedback_out)


async def get_feedback(call: Call) -> wire.FeedbackOut:
    """Return feedback."""
    return await get_record(call, (uuid_of(call.path["id"], feedback.KIND),), feedback.get_feedback, feedback_out)


OPERATIONS = (
    Operation(
        "listFeedback", "GET", _FEEDBACK, list_feedback,
        "List feedback", "How customers rated the resolution of tickets, newest first. For the provider's people.",
        Scope.TICKETS_READ, Page[wire.FeedbackOut], query=wire.FeedbackQuery, errors=(400,),
    ),
    Operation(
        "getFeedback", "GET", _FEEDBACK + "/{id}", get_feedback,
        "Get feedback", "For the provider's people.",
        Scope.TICKETS_READ, wire.FeedbackOut, path_parameters=_ID, errors=(404,),
    ),
)  # fmt: skip
