"""The command that runs a worker."""

import asyncio
import contextlib
import signal

import click

from clearline import logs
from clearline.app import shared_jobs
from clearline.cli.context import Start, current_settings, exit_cleanly, run
from clearline.platform.database.horizon import HorizonMonitor
from clearline.platform.database.transactions import Database
from clearline.platform.work.runner import Runner
from clearline.schedule import database_jobs
from clearline.tickets.attachments.blobs import open_blobs


@click.command()
def work() -> None:
    """Run a worker until Ctrl-C or SIGTERM.

    Workers do what no request waits for: routing, search, bulk jobs, webhooks, mail and the rest. A server has a
    worker of its own unless CLEARLINE_WORKERS is off; any number of workers may run beside it. A worker waits until
    the database is available and migrated. When it is stopped, its running work has 5 s to end.
    """
    settings = current_settings()
    logs.configure(settings.log_format, settings.log_level)

    async def run_jobs(database: Database) -> None:
        jobs = [
            *database_jobs(database, HorizonMonitor(database)),
            *shared_jobs(database, open_blobs(settings), settings),
        ]
        runner = Runner(jobs, yields_to_requests=False)
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, runner.stop)
        click.echo("Worker started (Ctrl-C to stop)", err=True)
        await runner.run()

    signal.signal(signal.SIGTERM, exit_cleanly)
    with contextlib.suppress(KeyboardInterrupt):
        run(run_jobs, start=Start.AWAITED)
