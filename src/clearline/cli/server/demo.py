"""Load the demo."""

from dataclasses import replace
from email.utils import parseaddr

import click
from rich.console import Console

from clearline.app import shared_jobs
from clearline.bulk import worker as jobs
from clearline.cli.context import as_json, emit, run, settings
from clearline.clock import now
from clearline.demo import demo as demo_data
from clearline.demo.demo import DemoKey
from clearline.platform.database.transactions import Database
from clearline.schedule import CONSUMERS
from clearline.setting_values import Bind
from clearline.tickets.attachments.blobs import open_blobs


@click.command()
@as_json
def demo(*, as_json: bool) -> None:
    """Load an invented desk and two companies with services and tickets, and print a new key for each.

    Safe to repeat: what is there stays, and each call issues keys that last 30 days.
    """
    keys = run(load, may_migrate=True)
    if as_json:
        emit({"companies": [_described(key) for key in keys]})
        return
    for key in keys:
        click.echo(f"{key.company.name} ({key.company.code}): {key.secret}")


async def load(database: Database) -> list[DemoKey]:
    """Load what is missing, with a sign of life on a terminal."""
    with Console(stderr=True).status("Loading the demo ...") as status:
        keys = await demo_data.load(
            database,
            open_blobs(settings()),
            mailbox=parseaddr(settings().mail_from)[1],
            now=now(),
            progress=lambda name: status.update(f"Loading the demo: {name} ..."),
        )
        status.update("Routing the tickets, and making them findable ...")
        # Nobody is to be written to about what is invented.
        silent = replace(settings(), smtp=None)
        for job in shared_jobs(database, open_blobs(silent), silent):
            while job.name in {jobs.NAME, *CONSUMERS} and await job.run():
                pass
        return keys


def invitation(keys: list[DemoKey], bind: Bind) -> str:
    """What to try first, with commands that work when pasted."""
    host = "127.0.0.1" if bind.host in {"0.0.0.0", "::"} else bind.host  # noqa: S104 - compared, not bound
    base = f"http://{f'[{host}]' if ':' in host else host}:{bind.port}"
    body = (
        '{"name":"Port is slow","description":"Slow since 08:00 UTC","issueType":"Slow Response",'
        '"service":{"id":"NET-AMS-0012","type":"Port"}}'
    )
    key, agent = keys[0], keys[-1]
    auth = f"-H 'Authorization: Bearer {key.secret}'"
    return f"""
Demo company: {key.company.name} ({key.company.code})
API key:      {key.secret}
Agent's key:  {agent.secret}

Try, in another terminal:
  curl {auth} '{base}/v2/support-tickets?status=open'
  curl {auth} {base}/v2/support-tickets/services
  curl {auth} -H 'Content-Type: application/json' -d '{body}' {base}/v2/support-tickets

As the desk sees them, with everything an agent can do:
  curl -H 'Authorization: Bearer {agent.secret}' '{base}/api/v1/tickets?state=open'
  curl -H 'Authorization: Bearer {agent.secret}' '{base}/api/v1/search?q=amsterdam'

Reference: {base}/docs and {base}/docs/api
"""


def _described(key: DemoKey) -> dict[str, object]:
    return {
        "id": key.company.id,
        "name": key.company.name,
        "code": key.company.code,
        "key": key.secret,
        "keyExpiresAt": key.expires_at,
    }
