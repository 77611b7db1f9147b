"""Every mail in ``tests/builders/mail/corpus``, and its outcome."""

from typing import NamedTuple

import pytest

from clearline.identity import OPERATOR
from clearline.mail.inbound.domain import InboundState
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import ticket_number
from clearline.tickets.note_domain import Source, Visibility
from tests.builders.mail.inbound_rig import CORPUS, InboundMailRig


class Note(NamedTuple):
    """A note of the ticket, with exactly this text, and files of these names."""

    text: str
    files: tuple[str, ...] = ()
    source: Source = Source.BUYER
    author: str = "Ada Okoro"
    seen_by: Visibility = Visibility.PUBLIC


class New(NamedTuple):
    """A new ticket."""

    title: str
    text: str
    service: str


class No(NamedTuple):
    """Neither a note nor a ticket, and the reason."""

    state: InboundState
    reason: str


QUARANTINED, IGNORED, BOUNCE = InboundState.QUARANTINED, InboundState.IGNORED, InboundState.BOUNCE
STRANGER = No(QUARANTINED, "its sender may not write to the ticket that it replies to")
UNCLEAR = No(QUARANTINED, "its From header does not name exactly one sender")
LOOP = No(IGNORED, "it is from one of our own addresses: a mail loop")
UNPROVED = No(QUARANTINED, "it is from the provider's staff, but replies to no mail that was sent to them")
UNKNOWN = No(QUARANTINED, "its sender is unknown")
WROTE = "On Sun, 1 Mar 2026 at 11:00, Support <support@example.net> wrote:"
FIELDS = (
    "From: Support <support@example.net>\nSent: Sunday, 1 March 2026 11:00\nTo: Ada Okoro\n"
    "Subject: [@@NUMBER@@] Port is slow"
)
INLINE = "On Sun, 1 Mar 2026 at 11:00, Support wrote:\n> Is the port up?\nYes.\n> And the light?\n-3 dBm."

OUTCOMES: dict[str, Note | New | No] = {
    # the text of the reply, without the quoted text
    "plain-reply": Note("The port is up again."),
    "plain-signature": Note("It still flaps."),
    "closing-words": Note("Power is fine on our side."),
    "thanks-is-no-signature": Note("Thanks,\nthe port flapped again at 10:00 and we need an answer."),
    "german-quote": Note("Der Port ist wieder da."),
    "french-quote": Note("Le lien est rétabli."),
    "spanish-quote": Note("El puerto funciona."),
    "japanese-quote": Note("ポートは復旧しました。"),
    "outlook-headers": Note("Please close it."),
    "original-message": Note("Light levels attached below: -3 dBm"),
    "below-the-quote": Note("Yes, since 10:55."),
    "between-the-lines": Note(INLINE.removeprefix("On Sun, 1 Mar 2026 at 11:00, Support wrote:\n")),
    "only-a-quote": Note("> We look into it."),
    "only-a-quote-outlook": Note(f"{FIELDS}\n\nWe look into it.\n> Is it the optic?\nThe carrier says so."),
    "only-a-signature": Note(f"--\nAda Okoro\n+1-555-0142\n\n{WROTE}\n> We look into it."),
    "list-with-hyphens": Note("We tried:\n- another cable\n- another optic\n- /var/log shows nothing\nData: 42 drops"),
    "from-to-in-text": Note("The path that fails:\nFrom: Amsterdam\nTo: London\nIt worked yesterday."),
    "pasted-output": Note("This is what we see:\n\n> 1 192.0.2.1 3 ms\n> 2 192.0.2.9 * * *"),
    "outlook-german": Note("Bitte schließen."),
    "bold-headers": Note("Done."),
    "unknown-language": Note("Port siap."),
    "sent-from-phone": Note("Still down."),
    "empty-body": Note("(The mail has no text.)"),
    "long-text": Note("", ("mail.txt",)),
    # charsets and encodings
    "utf8-undeclared": Note("Größe stimmt"),
    "latin1-undeclared": Note("Größe stimmt"),
    "wrong-charset": Note("Größe stimmt"),
    "unknown-charset": Note("Largeur d'été"),
    "gb2312": Note("端口已恢复\uff1a镕"),
    "iso-2022-jp": Note("復旧しました"),
    "koi8-r": Note("Порт работает"),
    "utf-7": Note("Link ändert sich"),
    "codec-that-is-no-charset": Note("Nothing to unzip"),
    "quoted-printable": Note("Größe = 9 µm, " + "sehr lang " * 20 + "Ende"),
    "broken-base64": Note("Hello world"),
    "format-flowed": Note("The light on the port went out at 10:00 and came back at 10:05, we lost two sessions."),
    "nul-bytes": Note("Beforeafter done"),
    # headers
    "encoded-subject": Note("New optic is in."),
    "broken-encoded-words": Note("Fine now."),
    "eight-bit-headers": Note("All good."),
    "huge-header": Note("Fine."),
    "no-mime-version": Note("No MIME here."),
    "folded-message-id": Note("Folded."),
    "two-subjects": Note("Twice."),
    "group-recipient": Note("To a group."),
    # parts
    "alternative": Note("Plain wins."),
    "alternative-with-empty-text": Note("HTML has the text."),
    "html-only": Note("First line\n\nSecond & last"),
    "html-gmail-quote": Note("Optic replaced."),
    "html-broken": Note("Open bold and\na cell"),
    "attachment": Note("See the file.", ("log.txt",)),
    "file-names": Note("Names.", ("Köln.txt", "München.txt", "agnp.txt", "file-5.pdf", "passwd")),
    "refused-attachment": Note(
        "A program.\n\n[Not attached: fix.exe (files of type application/x-msdownload are not accepted)]"
    ),
    "inline-images": Note("See", ("shot.png",)),
    "mail-in-mail": Note("Forwarded.", ("Carrier note.eml",)),
    "tnef": Note("TNEF.", ("winmail.dat",)),
    "calendar": Note("Window at 22:00 UTC.", ("file-1.ics",)),
    "smime-signed": Note("Signed by us."),
    "pgp-signed": Note("Signed with PGP."),
    "pgp-encrypted": No(QUARANTINED, "it is encrypted"),
    "smime-enveloped": No(QUARANTINED, "it is encrypted"),
    "nested": Note("Deep text.", ("data.csv",)),
    "missing-boundary": Note("No end of it."),
    "boundary-never-comes": Note("Just text after all."),
    "zip-that-nobody-opens": Note("A bomb.", ("bomb.zip",)),
    # senders, and the tickets that they write about
    "no-from": UNCLEAR,
    "several-from": UNCLEAR,
    "two-from-headers": UNCLEAR,
    "address-in-name": STRANGER,
    "odd-from": UNCLEAR,
    "stranger": STRANGER,
    "other-company": STRANGER,
    "inactive-user": STRANGER,
    "staff": Note("We replaced the optic.", source=Source.SELLER, author="Ben Ito", seen_by=Visibility.INTERNAL),
    "staff-only-a-signature": Note(
        f"--\nBen Ito\n\n{WROTE}\n> Internal: the customer has not paid.",
        source=Source.SELLER,
        author="Ben Ito",
        seen_by=Visibility.INTERNAL,
    ),
    "staff-with-a-file": Note(
        "See the log.", ("log.txt",), source=Source.SELLER, author="Ben Ito", seen_by=Visibility.INTERNAL
    ),
    "staff-by-subject": UNPROVED,
    "staff-by-reference-of-another": UNPROVED,
    "contact": Note("I am the contact.", author="Cleo Marsh"),
    "dmarc-fail": No(QUARANTINED, "its sender failed DMARC (dmarc=fail)"),
    "forged-token": New("Hello", "Wrong token.", "not named"),
    "by-reference": Note("By reference."),
    "by-subject": Note("By subject."),
    "subject-of-another": New("Re: [@@NUMBER@@] Port is slow", "Not mine.", "not named"),
    "new-matter": New("No internet", "SVC-3 has no route since 09:00.\n\nPlease help.\n-- \nAda", "SVC-3"),
    "new-without-service": New("Help", "Something is wrong.", "not named"),
    "new-without-subject": New("(no subject)", "Something else is wrong.", "not named"),
    "new-from-stranger": UNKNOWN,
    "new-from-staff": No(QUARANTINED, "it is from the provider's staff: choose the company"),
    # automatic mail
    "vacation": No(IGNORED, "it has the header Auto-Submitted: auto-replied"),
    "auto-generated": No(IGNORED, "it has the header Auto-Submitted: auto-generated (monitoring)"),
    "auto-submitted-no": Note("A person wrote this."),
    "precedence-bulk": Note("Bulk."),
    "x-autoreply": Note("Away."),
    "mailing-list": Note("To the list."),
    "out-of-office-subject": Note("Away until Monday."),
    "abwesenheit": Note("Bin weg."),
    "suppress-header": Note("Outlook adds a header; a person wrote this."),
    "read-receipt": No(IGNORED, "it is a report, such as a receipt"),
    "from-ourselves": LOOP,
    "from-our-reply-address": LOOP,
    # delivery reports
    "bounce": No(BOUNCE, "5.1.1 smtp; 550 5.1.1 no such user"),
    "bounce-headers-only": No(BOUNCE, "5.2.1 smtp; 550 disabled"),
    "bounce-exim": No(BOUNCE, "host mx.example.com: 550 5.1.1 unknown user"),
    "bounce-qmail": No(BOUNCE, "Hi. This is the qmail-send program at mx.example.com."),
    "bounce-delayed": No(IGNORED, "a delivery report without a permanent failure"),
    "bounce-temporary-failure": No(BOUNCE, "4.4.7 smtp; 451 greylisted"),
    "bounce-exim-delayed": No(IGNORED, "a delivery report without a permanent failure"),
    "bounce-of-nobody": No(IGNORED, "a delivery report about a mail that is not ours"),
}


def test_every_mail_has_an_outcome() -> None:
    assert {path.stem for path in CORPUS.glob("*.eml")} == set(OUTCOMES)


@pytest.mark.parametrize("name", OUTCOMES)
async def test_each_mail_has_the_outcome_in_the_table(rig: InboundMailRig, name: str) -> None:
    ticket = await rig.ticket()
    mail = await rig.receive(rig.corpus_mail(name, ticket, await rig.send_mail(ticket)))
    match OUTCOMES[name]:
        case Note() as expected:
            assert (mail.state, mail.reason, mail.ticket_number) == (InboundState.ACCEPTED, None, ticket.number)
            [note] = await rig.notes(ticket.number)
            assert (note.number, note.channel) == (mail.note_number, "Email")
            if name == "long-text":
                assert len(note.text) == 4000
                assert note.text.endswith("[Shortened. The whole text is attached as mail.txt.]")
            else:
                assert note.text == expected.text.replace("@@NUMBER@@", ticket_number(ticket.number))
            assert (note.source, note.author, note.visibility) == (expected.source, expected.author, expected.seen_by)
            files = await rig.files(ticket.number)
            assert tuple(sorted(file.name for file in files)) == expected.files
            assert {file.visibility for file in files} <= {expected.seen_by}
        case New() as new:
            assert (mail.state, mail.reason) == (InboundState.ACCEPTED, None)
            assert mail.ticket_number not in {None, ticket.number}
            async with rig.database.transaction() as tx:
                created = (await tickets.get_ticket(tx, OPERATOR, mail.ticket_number or 0)).ticket
            content = (
                created.title.replace(str(ticket.number).zfill(12), "@@"),
                created.description,
                created.service_id,
            )
            assert content == (new.title.replace("@@NUMBER@@", "INC@@"), new.text, new.service)
            assert created.channel == "Email"
            assert await rig.notes(ticket.number) == []
        case No() as no:
            assert (mail.state, mail.reason) == (no.state, no.reason)
            assert await rig.notes(ticket.number) == []
            assert (mail.decided_at is None) == (no.state is QUARANTINED)
