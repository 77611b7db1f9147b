"""A desk whose background work a test runs itself, to look at what it keeps."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from clearline import clock, schedule
from clearline.platform.database.transactions import Database
from clearline.redaction.worker import work_on
from clearline.settings.settings import Settings
from clearline.tickets.attachments.blobs import open_blobs
from clearline.web import mail
from clearline.wires.house.event_stream.webhook_body import webhook_body
from tests.builders.mail.inbound_rig import InboundMailRig

_LATER = timedelta(minutes=5)
"""Notifications wait for others, so that one mail says all."""
_RUN = {"routing", "search", "webhooks", "notifications", "notification mail", "jobs", "address mail"}


class Desk:
    """A desk whose jobs a test runs itself, and where its database and its files are."""

    def __init__(self, settings: Settings, database: Database, client: httpx.AsyncClient, rig: InboundMailRig) -> None:
        assert settings.database_url is not None
        self.settings, self.database, self.client, self.rig = settings, database, client, rig
        self.url, self.files = settings.database_url, Path(settings.attachments)
        self.blobs = open_blobs(settings)

    async def post(self, path: str, headers: dict[str, str], body: Any, status: int = 201) -> Any:
        """Send a body; return the answer."""
        answer = await self.client.post(f"/api/v1/{path}", headers=headers, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def run_jobs(self) -> None:
        """Run every job until it has nothing to do, without those that send: there is no network."""
        jobs = schedule.shared_jobs(
            self.database, self.blobs, self.settings, webhook_body, mail.render, lambda: clock.now() + _LATER
        )
        for job in [job for job in jobs if job.name in _RUN] * 2:
            while await job.run():
                pass

    async def redact_all(self) -> int:
        """Do the work of all redactions, both rounds; return how many pages it had."""
        pages = 0
        while await work_on(self.database, self.blobs, clock.now, secret_key=None, settle=timedelta()):
            pages += 1
            assert pages < 1000
        return pages
