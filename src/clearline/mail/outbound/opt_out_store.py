"""Mail that its recipients stopped."""

from datetime import datetime

from clearline.mail.outbound.opt_out_domain import OptOut
from clearline.platform.database.transactions import Tx


async def exists(tx: Tx, opt_out: OptOut) -> bool:
    """Return whether the mail was stopped. Served by the primary key."""
    stopped = await tx.fetchval(
        """select exists (select from mail_opt_out where company_id = $1 and recipient = lower($2) and topic = $3)""",
        opt_out.company_id,
        opt_out.recipient,
        opt_out.topic,
    )
    return stopped is True


async def add(tx: Tx, opt_out: OptOut, *, now: datetime) -> None:
    """Store that the mail is stopped; nothing changes when it already is."""
    await tx.write(
        """insert into mail_opt_out (company_id, recipient, topic, created_at)
           select id, lower($2), $3, $4 from company where id = $1
           on conflict do nothing""",
        opt_out.company_id,
        opt_out.recipient,
        opt_out.topic,
        now,
    )


async def delete(tx: Tx, opt_out: OptOut) -> None:
    """Store that the mail is sent again."""
    await tx.write(
        "delete from mail_opt_out where company_id = $1 and recipient = lower($2) and topic = $3",
        opt_out.company_id,
        opt_out.recipient,
        opt_out.topic,
    )
