"""Refusals of one more: there are as many of a kind as there may be."""

from clearline.errors import Conflict, TooMany


class TooManyLinks(Conflict):
    """One of the tickets has as many links as a ticket may have."""

    code = "too_many_links"

    def __init__(self, number: str, most: int) -> None:
        super().__init__(f"ticket {number} has {most} links already")
        self.number, self.most = number, most


class TooManyAttachments(TooMany):
    """The ticket has as many attachments as one may have."""

    code = "too_many_attachments"
    rule = "a ticket has at most {most} attachments"


class TooManyCases(TooMany):
    """The ticket has as many cases at third parties as one may have."""

    code = "too_many_cases"
    rule = "a ticket has at most {most} cases at third parties"


class TooManyTicketTemplates(TooMany):
    """The company has as many ticket templates as one may have."""

    code = "too_many_ticket_templates"
    rule = "a company has at most {most} ticket templates"


class TooManyNotes(TooMany):
    """The ticket has as many notes as it can have."""

    code = "too_many_notes"
    rule = "a ticket has at most {most} notes: raise a new ticket and link it"


class AttachmentsFull(TooMany):
    """The files of the company have as many bytes as they may have."""

    code = "attachments_full"
    rule = "the attachments of your company may have {most} bytes in all: delete some first"


class TooManyKeys(TooMany):
    """The company has as many keys in force as its own admins may issue."""

    code = "too_many_keys"
    rule = "a company can issue at most {most} API keys: revoke one that you do not need"


class TooManyKeysInADay(TooMany):
    """The admins of the company issued as many keys within a day as they may."""

    code = "too_many_keys_in_a_day"
    rule = "your company can issue at most {most} API keys in a day: go on tomorrow"


class TooManyJobs(TooMany):
    """The company has as many unfinished jobs as it may have."""

    code = "too_many_jobs"
    rule = "{most} jobs of your company are not finished: wait for one of them, or cancel it"


class TooManyUsers(TooMany):
    """The company has as many users as its own admins may add."""

    code = "too_many_users"
    rule = "you can add at most {most} users to your company: ask the provider to add more"


class TooManyInvitations(TooMany):
    """The company had as many addresses invited as it may within a day."""

    code = "too_many_invitations"
    rule = "your company can invite at most {most} addresses in a day: go on tomorrow, or bind your mail domain"


class TooManyMailDomains(TooMany):
    """The company has as many mail domains as its own admins may add."""

    code = "too_many_mail_domains"
    rule = "your company can add at most {most} mail domains: delete one, or ask the provider to add it"


class TooManyViews(TooMany):
    """The user has as many saved views as one may have."""

    code = "too_many_views"
    rule = "a user has at most {most} saved views: delete one first"


class TooManyDrafts(TooMany):
    """The person has as many drafts as one may have."""

    code = "too_many_drafts"
    rule = "a person has at most {most} drafts: send or discard one first"


class TooManySubscriptions(TooMany):
    """The company has as many subscriptions as one may have."""

    code = "too_many_subscriptions"
    rule = "a company has at most {most} subscriptions: delete one first"


class TooManyFields(TooMany):
    """The kind of record has as many own fields as it may have."""

    code = "too_many_fields"
    rule = "tickets, services and companies have at most {most} own fields each: delete one first"
