"""The settings of retention: how long data is kept."""

from dataclasses import dataclass

from clearline.settings.server import ServerSettings
from clearline.settings.values import days


@dataclass(frozen=True, slots=True)
class RetentionSettings(ServerSettings):
    """The second part of ``Settings``: how long data is kept, in days."""

    keep_idempotency_keys_days: int = days(
        1,
        1,
        "answers to requests with an `Idempotency-Key`",
        "the first request",
        "The answer is deleted, and the same key makes a new request.",
    )
    keep_drafts_days: int = days(1, 30, "drafts of messages", "the draft's last change", "The draft is deleted.")
    keep_jobs_days: int = days(
        1, 90, "bulk jobs and imports", "the job finished", "The job and the results of its items are deleted."
    )
    keep_deliveries_days: int = days(
        1,
        30,
        "deliveries of webhooks",
        "the delivery succeeded or failed permanently",
        "The delivery, its body and its attempts are deleted, and it cannot be replayed any more.",
    )
    keep_outbound_mail_days: int = days(
        7,
        90,
        "sent mails",
        "the mail was sent or failed permanently",
        "The mail is deleted. Its Message-ID stays, so that replies still reach the ticket.",
    )
    keep_inbound_mail_days: int = days(
        7,
        90,
        "received mails",
        "the mail was classified or reviewed, or received when it is in quarantine",
        "Its content is deleted. Its sender, subject and result stay, and so do the note and the attachments that "
        "were made from it.",
    )
    keep_unnotified_events_days: int = days(
        1,
        1,
        "events that nobody was notified of",
        "the event",
        "They notify nobody, so that a Clearline that did not run for a while does not send old news. The events "
        "themselves stay.",
    )
    keep_notifications_days: int = days(
        7, 14, "notifications that wait for their mail", "the event", "The notification is deleted without a mail."
    )
    keep_orphaned_attachments_days: int = days(
        1,
        1,
        "files that belong to no attachment, such as interrupted uploads,",
        "the file was stored",
        "The file is deleted.",
    )
    keep_audit_days: int = days(
        365,
        0,
        "events about everything but tickets: people, keys, companies, settings,",
        "the event",
        "The event is deleted: the audit, the stream and replays of webhooks have it no more. No consumer may be "
        "behind it. Events of tickets stay as long as their tickets.",
        may_be_off=True,
    )
