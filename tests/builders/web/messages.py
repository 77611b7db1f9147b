"""Messages that agents sent and can still take back."""

from clearline.clock import now
from clearline.drafts.worker import send_job
from clearline.platform.database.transactions import Database


async def send_due(database: Database) -> None:
    """Send every message at once, as if nobody could take it back any more."""
    async with database.transaction() as tx:
        await tx.write("update pending_message set due_at = created_at where failure = ''")
    await send_job(database, now).run()
    async with database.transaction() as tx:  # waits for a worker of the application that sends one
        await tx.fetch("select from pending_message where failure = '' for update")
