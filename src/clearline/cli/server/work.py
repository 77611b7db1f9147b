"""Do the work that no request waits for, without serving."""

import asyncio
import signal

import click

from clearline import logs
from clearline.app import shared_jobs
from clearline.cli.context import run, settings
from clearline.platform.database.transactions import Database
from clearline.platform.work.runner import Runner
from clearline.tickets.attachments.blobs import open_blobs


@click.command()
def work() -> None:
    """Do the work that no request waits for by itself, until Ctrl-C or SIGTERM.

    Routing, search, bulk jobs, webhooks and the rest. A running server does it too, unless CLEARLINE_WORKERS is off;
    both together are fine, and so is any number of these. What is under way when it is told to stop has 5 s to end.
    """
    found = settings()
    logs.configure(found.log_format, found.log_level)

    async def until_told(database: Database) -> None:
        runner = Runner(shared_jobs(database, open_blobs(found), found), yields_to_requests=False)
        for told in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(told, runner.stop)
        click.echo("Clearline works (Ctrl-C stops it)", err=True)
        await runner.run()

    run(until_told)
