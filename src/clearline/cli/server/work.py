"""The command that runs a worker."""

import asyncio
import contextlib
import signal

import click

from clearline import logs
from clearline.app import shared_jobs
from clearline.cli.context import Start, current_settings, database_url, exit_cleanly, run
from clearline.cli.server.mail_supervisor import MailSupervisor
from clearline.clock import now
from clearline.platform.database.horizon import HorizonMonitor
from clearline.platform.database.transactions import Database
from clearline.platform.work.runner import Runner
from clearline.schedule import database_jobs
from clearline.tickets.attachments.blobs import open_blobs
from clearline.tickets.attachments.marks.worker import StoreMonitor


@click.command()
def work() -> None:
    """Run a worker until Ctrl-C or SIGTERM.

    Workers do what no request waits for: routing, search, bulk jobs, webhooks, mail and the rest. A server has a
    worker of its own unless CLEARLINE_WORKERS is off; any number of workers may run beside it. A worker waits until
    the database is available and migrated. Mail that comes in is polled and filed in a second process, which starts
    with the first mailbox. When the worker is stopped, its running work has 5 s to end.
    """
    settings = current_settings()
    logs.configure(settings.log_format, settings.log_level)
    with database_url(settings, start=Start.AWAITED) as (url, _is_own):
        mail = MailSupervisor(url, None, files_mail=True)

    async def run_jobs(database: Database) -> None:
        blobs = open_blobs(settings)
        jobs = [
            *database_jobs(database, HorizonMonitor(database)),
            StoreMonitor(database, blobs, now).job(),
            *shared_jobs(database, blobs, settings),
        ]
        runner = Runner(jobs, yields_to_requests=False)
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop, runner)
        click.echo("Worker started (Ctrl-C to stop)", err=True)
        async with asyncio.TaskGroup() as group:
            group.create_task(mail.run(), name="mail process")
            group.create_task(runner.run(), name="worker")

    def stop(runner: Runner) -> None:
        runner.stop()
        mail.stop()

    signal.signal(signal.SIGTERM, exit_cleanly)
    with contextlib.suppress(KeyboardInterrupt):
        run(run_jobs, start=Start.AWAITED)
