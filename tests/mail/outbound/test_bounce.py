"""Which mails are delivery reports, in the standard format and in those of old mail servers, and which people wrote."""

from base64 import encodebytes
from time import process_time

import pytest

from clearline.mail.format.parts import message_of, read_message
from clearline.mail.outbound.bounce import Bounce, read_bounce, refuses_address
from tests.patience import stretched

OURS = "<42@desk.example.net>"
COPY = (
    f"Received: from desk.example.net\nMessage-ID: {OURS}\nFrom: Support <support@example.net>\n"
    "Subject: Delayed traffic\n\nYour traffic is delayed. We will retry at 10:00.\n"
)
OLD = {
    "sendmail 8.6": "The original mail was received\n\n----- The following addresses had permanent fatal errors -----\n"
    "<ada@example.org>\n\n----- Transcript of session follows -----\n550 <ada@example.org>... User unknown\n",
    "qmail": "Hi. The MTA program at mx.example.org was unable to deliver your message.\n\n"
    "<ada@example.org>:\nSorry, no mailbox here by that name.\n\n--- Below this line is a copy of the message.\n",
    "Exchange 5.5": "Your message did not reach some or all of the intended recipients.\n\n"
    "The following recipient(s) could not be reached:\n  Ada did not reach the following recipient(s):\n\n"
    "ada@example.org on Sun, 1 Mar 2026 11:00:00 +0000\n  The recipient name is not recognized\n  MSEXCH:IMS:EXAMPLE\n",
    "Googlemail": "Delivery to the following recipient failed permanently:\n\n     ada@example.org\n\n"
    "----- Original message -----\n",
    "Smail": "|------------------------ Failed addresses follow: ---------------------|\n ada@example.org ... unknown\n"
    "|------------------------- Message text follows: ------------------------|\n",
    "earthlink": "Sorry, unable to deliver your message to ada@example.org for the following reason:\n\n"
    "552 Quota violation\n\nA copy of the original message is below.\n",
    "mail.ru": "A message that you sent was rejected by the local scanning code\n ada@example.org\n"
    "This is a copy of your message\n",
}
WARNING = (
    "Delivery to the following recipient has been delayed:\n\n     ada@example.org\n\nMessage will be retried "
    "for 2 more day(s)\n\n"
)
REPORT = (
    "Reporting-MTA: dns; mx.example.org\n\nFinal-Recipient: rfc822; ada@example.org\nAction: {action}\n"
    "Status: {status}\nDiagnostic-Code: smtp; 550 no such user\n"
)


def bounce_of(raw: str, envelope_from: str = "") -> Bounce | None:
    content = raw.encode()
    message = message_of(content)
    parsed = read_message(message)
    return read_bounce(content, message, parsed.headers, parsed.text, envelope_from=envelope_from)


def plain(
    text: str, sender: str = "MAILER-DAEMON@mx.example.org", subject: str = "Returned mail", head: str = ""
) -> str:
    return f"From: {sender}\nSubject: {subject}\n{head}\n{text}"


def parts(kind: str, *bodies: tuple[str, str], sender: str = "MAILER-DAEMON@mx.example.org") -> str:
    mark = f"b{len(str(bodies))}"
    inner = "".join(f"--{mark}\nContent-Type: {part}\n\n{body}\n" for part, body in bodies)
    return f"From: {sender}\nSubject: Undelivered\nContent-Type: {kind}; boundary={mark}\n\n{inner}--{mark}--\n"


@pytest.mark.parametrize("name", OLD)
def test_the_reports_of_old_servers_say_that_a_mail_came_back(name: str) -> None:
    bounce = bounce_of(plain(OLD[name] + "\n" + COPY))
    assert bounce is not None
    assert (bounce.message_ids, bounce.bad_addresses, bounce.is_permanent) == ((OURS,), (), True)


def test_a_report_without_a_copy_names_our_mail_in_its_headers() -> None:
    bounce = bounce_of(plain(OLD["qmail"], head=f"References: {OURS}\n"))
    assert bounce is not None
    assert bounce.message_ids == (OURS,)
    unnamed = bounce_of(plain(OLD["qmail"]))
    assert unnamed is not None
    assert (unnamed.message_ids, unnamed.is_certain) == ((), True)


def test_a_warning_of_an_old_server_is_no_failure() -> None:
    bounce = bounce_of(plain(WARNING + COPY))
    assert bounce is not None
    assert not bounce.is_permanent


@pytest.mark.parametrize("kind", ["multipart/report; report-type=delivery-status", "multipart/mixed"])
@pytest.mark.parametrize(
    ("action", "status", "is_permanent", "is_bad"),
    [
        ("failed", "5.1.1", True, True),
        ("failed", "4.4.7", True, False),
        ("failed (no such user)", "5.1.1", True, True),
        ("Failed", "", True, False),
        ("error", "5.1.1", True, True),
        ("delayed", "4.4.7", False, False),
        ("delayed (greylisted)", "5.1.1", False, False),
        ("relayed", "2.0.0", False, False),
    ],
)
def test_the_action_of_a_report_decides(
    kind: str, action: str, status: str, *, is_permanent: bool, is_bad: bool
) -> None:
    report = REPORT.format(action=action, status=status)
    bounce = bounce_of(
        parts(kind, ("text/plain", "Sorry."), ("message/delivery-status", report), ("message/rfc822", COPY))
    )
    assert bounce is not None
    assert (bounce.message_ids, bounce.is_permanent) == ((OURS,), is_permanent)
    assert bounce.bad_addresses == (("ada@example.org",) if is_bad else ())


def test_every_part_of_a_report_is_read() -> None:
    delayed, failed = REPORT.format(action="delayed", status="4.4.7"), REPORT.format(action="failed", status="5.1.1")
    bounce = bounce_of(
        parts("multipart/report", ("message/delivery-status", delayed), ("message/delivery-status", failed))
    )
    assert bounce is not None
    assert (bounce.is_permanent, bounce.bad_addresses) == (True, ("ada@example.org",))


FAILED = REPORT.format(action="failed", status="5.1.1")
BAD = ("ada@example.org",)


@pytest.mark.parametrize(
    ("kind", "report"),
    [
        ("message/global-delivery-status", FAILED),
        ("message/delivery-status\nContent-Transfer-Encoding: base64", encodebytes(FAILED.encode()).decode()),
        ("message/global-delivery-status\nContent-Transfer-Encoding: base64", encodebytes(FAILED.encode()).decode()),
        ("message/global-delivery-status\nContent-Transfer-Encoding: quoted-printable", FAILED.replace("@", "=40")),
        ("message/delivery-status", FAILED.replace("Action: failed\n", "")),
    ],
)
def test_a_report_is_read_in_every_encoding(kind: str, report: str) -> None:
    raw = parts("multipart/report; report-type=delivery-status", (kind, report), ("message/rfc822", COPY))
    for linesep in ("\n", "\r\n"):
        bounce = bounce_of(raw.replace("\n", linesep))
        assert bounce is not None
        assert (bounce.message_ids, bounce.is_permanent, bounce.bad_addresses) == ((OURS,), True, BAD)


@pytest.mark.parametrize(
    ("kind", "copy"),
    [
        ("message/global", COPY),
        ("message/global-headers", COPY),
        ("message/rfc822-headers", COPY),
        ("text/rfc822-headers", COPY.partition("\n\n")[0]),
        ("message/rfc822\nContent-Transfer-Encoding: base64", encodebytes(COPY.encode()).decode()),
        ("message/rfc822", COPY.replace("Message-ID: ", "Message-ID:\n ") + "\nMessage-ID: <other@example.net>\n"),
    ],
)
def test_the_returned_mail_is_found_in_every_form(kind: str, copy: str) -> None:
    raw = parts("multipart/report; report-type=delivery-status", ("message/delivery-status", FAILED), (kind, copy))
    for linesep in ("\n", "\r\n"):
        bounce = bounce_of(raw.replace("\n", linesep))
        assert bounce is not None
        assert bounce.message_ids == (OURS,)


def test_a_report_without_the_returned_mail_names_it_in_its_headers() -> None:
    raw = parts("multipart/report; report-type=delivery-status", ("message/delivery-status", FAILED))
    bounce = bounce_of(f"In-Reply-To: {OURS}\n{raw}")
    assert bounce is not None
    assert bounce.message_ids == (OURS,)


def test_a_report_in_the_returned_mail_is_not_the_report() -> None:
    inner = parts("multipart/report", ("message/delivery-status", REPORT.format(action="failed", status="5.1.1")))
    outer = REPORT.format(action="delayed", status="4.4.7")
    bounce = bounce_of(parts("multipart/report", ("message/delivery-status", outer), ("message/rfc822", inner)))
    assert bounce is not None
    assert (bounce.is_permanent, bounce.bad_addresses) == (False, ())


@pytest.mark.parametrize("text", [*OLD.values(), WARNING])
def test_a_person_who_quotes_a_report_is_no_report(text: str) -> None:
    sender = "ada@example.org"
    assert bounce_of(plain(f"What does this mean?\n\n{text}\n{COPY}", sender), sender) is None
    inner = parts("multipart/report", ("message/delivery-status", REPORT.format(action="failed", status="5.1.1")))
    forwarded = parts("multipart/mixed", ("text/plain", "See the mail."), ("message/rfc822", inner), sender=sender)
    assert bounce_of(forwarded, sender) is None


def test_a_postmaster_who_writes_is_no_report_unless_about_a_mail_of_ours() -> None:
    sender = "postmaster@example.org"
    assert bounce_of(plain("All mail delivery failed since noon.", sender, "Mail delivery failed"), sender) is None
    for subject in ("Re: Returned mail", "AW: Returned mail", "回复：Returned mail"):  # noqa: RUF001
        assert bounce_of(plain(OLD["qmail"] + COPY, sender, subject), sender) is None
    bounce = bounce_of(plain(OLD["qmail"] + COPY, sender), sender)
    assert bounce is not None
    assert not bounce.is_certain


@pytest.mark.parametrize("filler", ["x" * 500_000, " " * 500_000, "<" * 500_000, "\n" * 500_000, "a@" * 250_000])
def test_reports_that_are_made_to_take_long_do_not(filler: str) -> None:
    opened = "".join(text.partition("\n\n")[0] + "\n" for text in OLD.values())
    bounce_of(plain(f"{opened}Your message could not be delivered to\n{filler}"))


def test_an_encoded_report_with_countless_blocks_takes_no_time() -> None:
    report = encodebytes(b"A: b\n\n" * 1_000_000).decode()
    kind = "message/delivery-status\nContent-Transfer-Encoding: base64"
    start = process_time()
    assert bounce_of(parts("multipart/report", (kind, report))) is not None
    assert process_time() - start < stretched(4)


@pytest.mark.parametrize("kind", ["disposition-notification", "feedback-report"])
def test_a_receipt_or_a_complaint_is_no_delivery_report(kind: str) -> None:
    text = "Your message\n\n  ada@example.org\n\nwas read.\n"
    raw = parts(f"multipart/report; report-type={kind}", ("text/plain", text), ("message/rfc822", COPY))
    assert bounce_of(raw) is None


@pytest.mark.parametrize(
    ("code", "text", "at_rcpt", "at_data"),
    [
        (550, "5.1.1 no such user", True, True),
        (550, "5.1.10 null MX", True, True),
        (554, "5.1.2 no such domain", True, True),
        (550, "5.1.1 no such user\n5.1.1 see example.org", True, True),
        (550, "5.1.8 your sender address is bad", False, False),
        (550, "5.1.19 unknown", False, False),
        (550, "5.2.1 too many mails", False, False),
        (552, "5.2.2 mailbox full", False, False),
        (550, "5.7.1 no such user here, or refused by policy", False, False),
        (450, "4.1.1 no such user yet", False, False),
        (450, "5.1.1 no such user", False, False),
        (550, "no such user", True, False),
        (551, "user not local", True, False),
        (553, "mailbox name not allowed", True, False),
        (550, "relay not permitted", False, False),
        (550, "Administrative prohibition", False, False),
        (550, "Authentication required", False, False),
        (550, "Sender verify failed", False, False),
        (552, "message too large", False, False),
        (554, "refused", False, False),
        (503, "bad sequence", False, False),
        (450, "mailbox busy", False, False),
        (421, "shutting down", False, False),
    ],
)
def test_a_reply_that_says_that_the_recipient_does_not_exist(
    code: int, text: str, *, at_rcpt: bool, at_data: bool
) -> None:
    assert refuses_address(code, text, is_rcpt=True) is at_rcpt
    assert refuses_address(code, text, is_rcpt=False) is at_data
