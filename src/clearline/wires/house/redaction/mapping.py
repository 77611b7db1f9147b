"""House API v1: redactions as they travel."""

from uuid import UUID

from clearline.errors import InvalidInput, RuleCode, Violation
from clearline.redaction.domain import Place, Preview, Redaction, Target
from clearline.tickets.domain import ticket_number
from clearline.tickets.note_domain import parse_worklog_id, worklog_id
from clearline.wires.house.redaction import wire


def place_of(body: wire.PlaceIn) -> Place:
    """Return what a body asks to redact.

    Raises:
        InvalidInput: naming members that are missing, or that the target does not have.
    """
    violations = []
    needs_id = body.target in {Target.NOTE, Target.MAIL, Target.ATTACHMENT}
    if needs_id and body.id is None:
        violations.append(Violation("id", "is required", RuleCode.REQUIRED))
    if not needs_id and body.id is not None:
        violations.append(Violation("id", "must not be there: the target has none", RuleCode.UNKNOWN))
    has_range = body.start is not None or body.length is not None
    if body.target is Target.ATTACHMENT:
        if body.text is not None or has_range:
            violations.append(Violation("text", "must not be there: a file is removed as a whole", RuleCode.UNKNOWN))
    elif body.text is None and (body.start is None or body.length is None):
        violations.append(Violation("text", "is required, or start and length", RuleCode.REQUIRED))
    elif body.text is not None and has_range:
        violations.append(Violation("start", "must not be there beside text", RuleCode.UNKNOWN))
    if violations:
        raise InvalidInput(violations)
    note = (parse_worklog_id(body.id or "") or 0) if body.target is Target.NOTE else None
    return Place(body.target, note, None if note is not None else _uuid(body.id), body.text, body.start, body.length)


def _uuid(text: str | None) -> UUID | None:
    """Return an id; one that is malformed is that of nothing."""
    try:
        return None if text is None else UUID(text)
    except ValueError:
        return UUID(int=0)


def preview_out(preview: Preview) -> wire.PreviewOut:
    """Return what a redaction would rewrite."""
    return wire.PreviewOut(
        preview.places, [*map(ticket_number, preview.tickets)], preview.texts, preview.mails, preview.others
    )


def redaction_out(redaction: Redaction) -> wire.RedactionOut:
    """Return a redaction."""
    target_id = redaction.target_id
    if redaction.target is Target.NOTE:
        target_id = worklog_id(int(target_id))
    user_id = None if redaction.user_id is None else str(redaction.user_id)
    return wire.RedactionOut(
        str(redaction.id), ticket_number(redaction.ticket_number), redaction.target, target_id or None,
        redaction.reason, wire.RedactedBy(user_id, redaction.user_name),
        redaction.created_at, [*map(ticket_number, redaction.tickets)], redaction.places, redaction.finished_at,
    )  # fmt: skip
