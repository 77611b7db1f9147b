"""Let recipients stop mail, and get it again. The token of a link is the right to do so: no actor is needed."""

from datetime import datetime

from clearline.mail.outbound import opt_out_store
from clearline.mail.outbound.opt_out_domain import OptOut, read_token
from clearline.mail.outbound.usecases import mail_secret
from clearline.platform.database.transactions import Tx


async def opt_out_of(tx: Tx, token: str) -> OptOut | None:
    """Return the mail that the token of a link names; None when the token is not ours."""
    return read_token(token, await mail_secret(tx))


async def is_stopped(tx: Tx, opt_out: OptOut) -> bool:
    """Return whether the mail was stopped."""
    return await opt_out_store.exists(tx, opt_out)


async def stop(tx: Tx, opt_out: OptOut, *, now: datetime) -> None:
    """Stop the mail. Notifications that wait for their mail are dropped when they become due."""
    await opt_out_store.add(tx, opt_out, now=now)


async def resume(tx: Tx, opt_out: OptOut) -> None:
    """Send the mail again from now on."""
    await opt_out_store.delete(tx, opt_out)
