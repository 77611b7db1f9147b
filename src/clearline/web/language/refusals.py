"""What a refusal says in the reader's language: the texts of rules and errors are in English."""

import re

from clearline.errors import (
    AlreadyExists,
    AttachmentTooLarge,
    CompanyInactive,
    DeskError,
    Forbidden,
    IllegalTransition,
    InvalidInput,
    LastAdmin,
    MergedInto,
    TicketFinished,
    TooMany,
    Violation,
)
from clearline.language.languages import ENGLISH
from clearline.language.marks import gettext_noop
from clearline.language.reader import reader
from clearline.language.words import gettext
from clearline.sign_in.domain import StepUpNeeded, TooManyAttempts
from clearline.sign_in.second_factors.domain import CodeRefused
from clearline.web.looks import STATUSES

_RULES = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (
            r"must have (?P<least>\d+) to (?P<most>\d+) characters",
            gettext_noop("must have %(least)s to %(most)s characters"),
        ),
        (r"must have at most (?P<most>\d+) bytes", gettext_noop("must have at most %(most)s bytes")),
        (r"must be an e-mail address of at most \d+ characters", gettext_noop("must be an e-mail address")),
        (r"must not contain the NUL character.*", gettext_noop("must not contain control characters")),
        (r"must not be your e-mail address", gettext_noop("must not be your e-mail address")),
        (
            r"must not be a common password or easy to guess.*",
            gettext_noop("must not be a common password or easy to guess: use several words, or a password manager"),
        ),
        (r"must be the name of an IANA time zone.*", gettext_noop("must be a time zone, such as Europe/Amsterdam")),
        (r"is required.*|must not be (blank|empty).*", gettext_noop("is required")),
        (r"must be one of .*|must be the key of an active .*", gettext_noop("must be one of the choices")),
        (
            r"does not apply to services of the type (?P<type>.+)",
            gettext_noop("does not apply to services of the type %(type)s"),
        ),
        (r"must be of the type (?P<type>.+)", gettext_noop("must be of the type %(type)s")),
        (r"must name a role", gettext_noop("must have a role")),
        (r"must be either roles or a copy.*", gettext_noop("must be either roles or a copy")),
        (r"must be chosen", gettext_noop("must be chosen")),
        (r"must not lie in the future", gettext_noop("must not lie in the future")),
        (r"must not be before the year 2000", gettext_noop("must not be before the year 2000")),
        (r"must be a day and a time.*", gettext_noop("must be a day and a time, such as 2026-01-31 14:30")),
        (r"is only for consent to tests.*", gettext_noop("is only for consent to tests within hours")),
        (r"must be at most (?P<most>\S+)", gettext_noop("must be at most %(most)s")),
        (r"must be at least (?P<least>\S+)", gettext_noop("must be at least %(least)s")),
        (r"must be (?P<least>\S+) to (?P<most>\S+)", gettext_noop("must be between %(least)s and %(most)s")),
        (r"must be a single line", gettext_noop("must be a single line")),
        (r"must match the pattern (?P<pattern>.+)", gettext_noop("must have the form %(pattern)s")),
        (r"must be a whole number", gettext_noop("must be a whole number")),
        (r"must be a number", gettext_noop("must be a number")),
        (r"must be a date such as .*", gettext_noop("must be a date")),
        (r"must be a moment with its zone.*", gettext_noop("must be a day and a time, such as 2026-01-31 14:30")),
        (r"must be an address that begins with http.*", gettext_noop("must begin with http:// or https://")),
        (r"must be an e-mail address", gettext_noop("must be an e-mail address")),
        (r"must be an IP address or prefix.*", gettext_noop("must be an IP address or prefix")),
        (
            r"must be a prefix without host bits.*",
            gettext_noop("must be a prefix without host bits, such as 192.0.2.0/24"),
        ),
        (r"must be a phone number.*", gettext_noop("must be a phone number")),
        (r"must be the id of a (?:service|company|user)", gettext_noop("must be an id that exists")),
        (
            r"(?P<id>.+) is not in the inventory of .+",
            gettext_noop("%(id)s is not in the inventory: choose another, or say that it is not listed"),
        ),
        (r"is missing: open the form again", gettext_noop("is missing: send the form once more")),
        (
            r"must be an active user of the ticket's company.*",
            gettext_noop("must be the e-mail address of a colleague who can sign in"),
        ),
        (
            r"left this ticket by the link.*",
            gettext_noop("left this ticket with the link in a mail: only the support team can add the address again"),
        ),
        (r"must not be named twice", gettext_noop("is there already")),
        (r"is the contact of the ticket", gettext_noop("is the contact of the ticket already")),
        (r"must have a letter or a digit", gettext_noop("must have a letter or a digit")),
        (r"must have at most (?P<most>\d+) characters.*", gettext_noop("must have at most %(most)s characters")),
        (
            r"must have at most (?P<most>\d+) words and filters",
            gettext_noop("must have at most %(most)s words and filters"),
        ),
        (
            r"has no filter (?P<name>\S+): .*",
            gettext_noop("has no filter %(name)s: put words with a colon in quotation marks"),
        ),
        (
            r"has (?:an unknown|a filter) (?P<name>[\w-]+)(?: without a value)?(?::.*)?",
            gettext_noop("has the filter %(name)s with a value that does not exist"),
        ),
        (
            r"takes longer than (?P<seconds>\S+) seconds: .*",
            gettext_noop("takes longer than %(seconds)s seconds: add a word that few tickets have, or a filter"),
        ),
        (
            r"has more than (?P<most>\S+) matches: add a word, or a filter",
            gettext_noop("has more than %(most)s matches: add a word, or a filter"),
        ),
        (r"(?P<file>.+): must .*", gettext_noop("%(file)s cannot be accepted")),
    )
)


def rule_text(violation: Violation) -> str:
    """Return the rule that a value breaks; one without a translation is only said to be broken."""
    if reader().language == ENGLISH:
        return violation.rule
    for pattern, words in _RULES:
        if (match := pattern.fullmatch(violation.rule)) is not None:
            return gettext(words) % match.groupdict()
    return gettext("is not valid")


def refusal_text(error: DeskError) -> str:
    """Return why something was refused; in another language than English an error that it does not know is general."""
    if isinstance(error, IllegalTransition):  # its text has the names of statuses that programs use
        return gettext("A ticket that is “%(current)s” cannot become “%(requested)s”.") % {
            "current": gettext(STATUSES[error.current].label),
            "requested": gettext(STATUSES[error.requested].label),
        }
    return str(error) if reader().language == ENGLISH else _translated(error)


def _translated(error: DeskError) -> str:  # noqa: C901, PLR0911 - a table
    match error:
        case AttachmentTooLarge():
            return gettext("The file is larger than %(most)s bytes.") % {"most": error.most}
        case InvalidInput():
            return "; ".join(rule_text(violation) for violation in error.violations)
        case MergedInto():
            return gettext("The ticket was merged into %(into)s. Write there.") % {"into": error.into}
        case TicketFinished():
            return gettext("The ticket has another status by now, in which this is not possible.")
        case AlreadyExists():
            return gettext("%(name)s exists already.") % {"name": error.name}
        case LastAdmin():
            return gettext("The last active admin must stay an admin: make another admin first.")
        case CompanyInactive():
            return gettext("Your company is deactivated.")
        case TooMany():
            return gettext("There may be at most %(most)s of them.") % {"most": error.most}
        case TooManyAttempts():
            return gettext("Too many attempts failed. Wait some minutes, then try again.")
        case CodeRefused():
            return gettext("The code is wrong or was used already. Try the next one, or sign in again.")
        case StepUpNeeded():
            return gettext("Confirm that it is you: enter your password again.")
        case Forbidden():
            return gettext("You may not do this.")
    return gettext("This is not possible in the present state.")
