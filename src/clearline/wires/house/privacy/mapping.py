"""House API v1: erasures as they travel."""

from clearline.privacy.erasure_domain import Erasure
from clearline.wires.house.privacy import wire


def erasure_out(erasure: Erasure) -> wire.ErasureOut:
    """Return an erasure."""
    pseudonym = erasure.pseudonym
    return wire.ErasureOut(
        str(erasure.id), erasure.is_dry_run, erasure.reason,
        wire.PseudonymOut(pseudonym.name, pseudonym.address, pseudonym.phone), [*map(str, erasure.accounts)],
        [*erasure.hints], wire.AskedBy(None if erasure.user_id is None else str(erasure.user_id), erasure.user_name),
        erasure.created_at, round(erasure.progress, 3), erasure.rows,
        [wire.ErasedFileOut(file.ticket, str(file.id), file.size, file.is_own, file.holds_words)
         for file in erasure.files],
        erasure.finished_at,
    )  # fmt: skip
