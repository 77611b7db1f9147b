"""What a person wrote stays in the note, however much it looks like what a program adds."""

import pytest

from clearline.mail.format.own_quote import KnownMails
from clearline.mail.format.reply_text import SplitReply, split_reply

ADA = ("Ada Okoro", "ada")
FIELDS = "From: Support <support@example.net>\nSent: Sunday, 1 March 2026 11:00\nTo: Ada\nSubject: Port is slow"
QUOTE = "On Sun, 1 Mar 2026 at 11:00, Support <support@example.net> wrote:\n> Which port?"
VENDOR = "From: Vendor <noc@example.org>\nDate: Sun, 1 Mar 2026 11:00\nSubject: Fibre cut\nTo: Ada <ada@example.com>"

WHOLE = {
    "words below a closing": "Port A down.\n\nBest regards\nAda\n\nPS: port B is down too",
    "words below a closing, without PS": "Port A down.\n\nBest regards\nAda\n\nPort B is down too.",
    "words below a closing, below a number": "Port A down.\n\nRegards\nAda\n+1-555-0142\n\nPort B is down too",
    "words above a number": "Port A down.\n\nRegards\nAda\nPort B is down too\n+1-555-0142",
    "a number in a sentence": "Port A down.\n\nThanks\nAda\ncall me at +1-555-0142 when B is up",
    "a postscript below a number": "Port A down.\n\nRegards\nAda\n+1-555-0142\nP.S. port B is down too",
    "a postscript below a signature": "Port A down.\n\n-- \nAda\n\nPS: port B is down too",
    "a list below a closing": "Please check these:\n\nThanks\n\nPort A\nPort B",
    "a list below a closing and a name": "Please check these:\n\nThanks\nAda\n\nPort A\nPort B",
    "ids below a closing": "Please check these:\n\nThanks,\nSVC-1\nSVC-2",
    "one port below a closing": "Please check this:\n\nThanks\n\nPort A",
    "an address below a closing": "Write to him.\n\nThanks\nCid\ncid@example.org",
    "thanks alone": "It is up again.\n\nThanks",
    "a closing in another language": "Port A ist gestört.\n\nViele Grüße\nAda\n\nPort B auch.",
    "a rule of dashes": "Port A: down since 10:00\n--\nPort B: down since 11:00",
    "a forward by Gmail": "FYI:\n\n---------- Forwarded message ---------\n" + VENDOR + "\n\nFibre cut",
    "a forward by Apple Mail": "FYI:\n\nBegin forwarded message:\n\n" + VENDOR + "\n\nFibre cut",
    "a forward by Apple Mail, German": "FYI:\n\nAnfang der weitergeleiteten Nachricht:\n\n" + VENDOR + "\n\nFibre cut",
    "a forward by Thunderbird": "FYI:\n\n-------- Forwarded Message --------\n" + VENDOR + "\n\nFibre cut",
    "a forward, French": "Voir :\n\n---------- Message transféré ---------\n" + VENDOR + "\n\nFibre cut",
    "a forward with a quote": f"FYI:\n\n---------- Forwarded message ---------\n{VENDOR}\n\nCut.\n\n{QUOTE}",
    "a forward with a signature": f"FYI:\n\n---------- Forwarded message ---------\n{VENDOR}\n\nCut.\n\nPort 7",
    "what somebody wrote": "On 28 Nov 2026 the vendor wrote:\n\nThe optic is bad.\n\nSo please replace it.",
    "what somebody wrote, in a text": "See:\nOn 28 Nov 2026 the vendor wrote:\n\nIt is bad.\n\nPlease replace it.",
    "what somebody wrote, German": "Hallo\n\nAm 28.11.2026 schrieb der Hersteller:\n\nDefekt.\n\nBitte tauschen.",
    "what somebody wrote, French": "Bonjour\n\nLe 28 nov. 2026 le fournisseur a écrit :\n\nDéfectueux.\n\nChangez-le.",
    "what an address wrote": "See:\n\nnoc@example.org wrote:\n\nThe optic is bad.\n\nSo please replace it.",
    "an output": "This is what we see:\n\n> 1 192.0.2.1 3 ms\n> 2 192.0.2.9 * * *",
    "an output at a time": "Traceroute at 10:00:\n> 1 192.0.2.1 3 ms\n\nWhat now?",
    "an output on a date": "Output of 28 Nov 2026 10:00:\n> 1 192.0.2.1 3 ms\n\nWhat now?",
    "a prompt": "I typed this:\n\n> show interface 7\nIt is down since 2026-11-28 10:00.",
    "where a path goes": "The path that fails:\nFrom: Amsterdam\nTo: London\nDate: tomorrow\nIt worked yesterday.",
    "a form": "Site: Berlin\nDate: 28 Nov 2026 10:00\nContact: ada@example.com\nPort: 7",
    "times of a maintenance": "Window\nDate: 28 Nov 2026\nFrom: 22:00\nTo: 23:30\nSubject: Works\nPlease confirm.",
    "days of a maintenance": "Window\nFrom: 28 Nov 2026 22:00\nTo: 29 Nov 2026 01:00\nSubject: Works\nPlease confirm.",
    "hosts of a path": "Lossy path\nFrom: 192.0.2.1\nTo: 192.0.2.2\nDate: 28 Nov 2026 10:00\nLoss 50 %.",
    "hosts of a path, IPv6": "Lossy path\nFrom: 2001:db8::1\nTo: 2001:db8::2\nDate: 28 Nov 2026 10:00\nLoss 50 %.",
    "an output of a host": "log of root@router7:\n> link down\n> link up\n\nSee that?",
    "a mail between dashes that is announced": f"Our NMS sent:\n\n-----Original Message-----\n{VENDOR}\n\nae3 down",
    "an appointment": "Window:\n\nDate: Saturday, 28 Nov 2026\nTime: 22:00\nAddress: 1 Main Street\n\nBe there.",
    "an answer in a quote without marks": f"See below.\n\n{FIELDS}\n\nWhich port?\n[Ada] ae3",
    "answers in a quote without marks": f"Hello\n\n{FIELDS}\n\nWhich port?\n[Ada]: ae3\nLight?\n[AO] No.",
    "answers that are announced": f"My answers inline.\n\n{FIELDS}\n\nWhich port?\nae3",
    "answers that are announced, German": f"Antwort unten.\n\n{FIELDS}\n\nWhich port?\nae3",
    "a phone in a sentence": "Sent from my desk, it fails, too.\nSent from the phone of Cid: it works",
    "a phone that is the matter": "The mail was sent from my phone and never came.",
    "a rule": "Port 7\n------------------\nPort 8",
    "a line between dashes": "--- Port 7 ---\nDown.\n--- Port 8 ---\nUp.",
}
SPLIT = {
    "a closing with the sender's name": ("Up.\n\nBest regards\nAda Okoro", "Up."),
    "a closing with contact data": (
        "Up.\n\nBest regards,\nAda Okoro\nOperations\nExample Ltd\n\nM: +1-555-0199\nada@example.com",
        "Up.",
    ),
    "a closing in another language": ("Geht.\n\nMit freundlichen Grüßen\nAda Okoro\nTel. +1-555-0199", "Geht."),
    "a signature": ("Up.\n-- \nanything\nthat stands here.\n\nReally?", "Up."),
    "a phone": ("Up.\n\nSent from my iPhone", "Up."),
    "a phone above words": ("Port A is up.\n\nSent from my iPhone\n\nB is not.", "Port A is up.\n\n\nB is not."),
    "a phone, German": ("Geht.\n\nVon meinem iPhone gesendet", "Geht."),
    "Outlook on a phone": ("Up.\n\nGet Outlook for iOS<https://example.com/x>", "Up."),
    "a phone above a quote": (f"Up.\n\nSent from my Galaxy\n\n{QUOTE}", "Up."),
    "fields": (f"Up.\n\n{FIELDS}\n\nWhich port?", "Up."),
    "a rule above fields": (f"Up.\n\n________________________________\n{FIELDS}\n\nWhich port?", "Up."),
    "a quote between words": (f"Up.\n\n{QUOTE}\n\nThank you!", "Up.\n\nThank you!"),
    "an attribution in a quote": (f"Up.\n\n> {QUOTE}".replace("\n> W", "\n> > W"), "Up."),
    "an attribution on the line of the reply": ("Up. On Sun, 1 Mar 2026 at 11:00, Bo wrote:\n> Hi", "Up."),
    "a quote without marks": (
        "Up.\n\nOn Sun, 1 Mar 2026 at 11:00, Support <support@example.net> wrote:\n\nWhich port?", "Up.",
    ),
    "a forward in the quote": (f"Up.\n\n{QUOTE}\n> -- Forwarded message --\n> " + VENDOR.replace("\n", "\n> "), "Up."),
}  # fmt: skip


@pytest.mark.parametrize("name", WHOLE)
def test_words_of_a_person_are_not_trimmed(name: str) -> None:
    assert split_reply(WHOLE[name], sender_names=ADA) == SplitReply(WHOLE[name].replace("-- \n", "--\n"), "")


@pytest.mark.parametrize("name", WHOLE)
def test_words_of_a_person_are_not_trimmed_above_a_quote(name: str) -> None:
    if "quote" in name or "forward" in name or "announced" in name:
        return
    reply = split_reply(f"{WHOLE[name]}\n\n{QUOTE}", sender_names=ADA)
    assert reply == SplitReply(WHOLE[name].replace("-- \n", "--\n"), QUOTE)


@pytest.mark.parametrize("name", SPLIT)
def test_what_a_program_adds_is_trimmed(name: str) -> None:
    text, wanted = SPLIT[name]
    reply = split_reply(text, sender_names=ADA)
    assert reply.text == wanted
    assert sorted("".join((reply.text + reply.trimmed).split())) == sorted("".join(text.split()))


@pytest.mark.parametrize(
    "subject", ["Fwd: Fibre cut", "FW: Fibre cut", "WG: Fibre cut", "TR : x", "Fwd: Re: x", "转发\uff1ax"]
)
def test_a_forwarded_mail_is_content(subject: str) -> None:
    text = f"FYI\n\n{FIELDS}\n\nFibre cut"
    assert split_reply(text, subject=subject) == SplitReply(text, "")
    for reply in ("Re: Port forwarding fails", "Re: Fwd: Fibre cut", "AW: WG: x", "Re: [INC000000000042] Fwd: x"):
        assert split_reply(text, subject=reply).text == "FYI"


@pytest.mark.parametrize(
    "answer",
    ["Ada: ae3", "<Ada> ae3", "Ada> ae3", "AO: ae3", "*Ada:* ae3", "[Ada]: ae3", "--> ae3", "=> ae3", "\u2192 ae3"],
)
def test_a_quote_with_answers_of_its_author_stays(answer: str) -> None:
    text = f"Hi Ben,\n\n{FIELDS}\n\nWhich port?\n{answer}"
    assert split_reply(text, sender_names=("Ada Okoro",)) == SplitReply(text, "")


@pytest.mark.parametrize("line", ["Ben: which port?", "Port: ae3", "To do: ae3", "O: ae3", "->", "Note: ae3"])
def test_a_quote_without_answers_of_its_author_is_trimmed(line: str) -> None:
    text = f"It is ae3.\n\n{FIELDS}\n\n{line}"
    assert split_reply(text, sender_names=("Ada Okoro",)).text == "It is ae3."


@pytest.mark.parametrize(
    "above",
    [
        "My answers are in capitals below.",
        "Please find the replies in red.",
        "Our comments in the text",
        "Meine Kommentare siehe unten",
        "Mes réponses sont dans le texte",
        "mis comentarios abajo",
        "The vendor says:",
        "FYI, from the carrier:",
        "下記のとおり回答します\uff1a",
    ],
)
def test_a_quote_that_is_announced_stays(above: str) -> None:
    text = f"{above}\n\n{FIELDS}\n\nWhich port?"
    assert split_reply(text) == SplitReply(text, "")


def test_a_closing_with_a_colon_announces_nothing() -> None:
    assert split_reply(f"It is ae3.\nBest regards:\n\n{FIELDS}\n\nWhich port?").text == "It is ae3.\nBest regards:"


@pytest.mark.parametrize(
    "greeting", ["Hello,", "Hi Ben", "Guten Tag Herr Ito,", "Bonjour,", "你好\uff0c", "Здравствуйте!"]
)
def test_what_is_cited_below_a_greeting_stays(greeting: str) -> None:
    text = f"{greeting}\n\nOn 28 Nov 2026 at 10:00 vendor@example.com wrote:\n\nThe optic is bad.\n\nPlease replace it."
    assert split_reply(text) == SplitReply(text, "")


def test_what_is_cited_above_the_reply_stays_when_the_quote_is_at_the_end() -> None:
    reply = "Hello,\n\nOn 28 Nov 2026 the vendor wrote:\n> The optic is bad.\n\nSo please replace it."
    quote = "On Sun, 1 Mar 2026 at 11:00, Support <support@example.net> wrote:\n> Which port?\n> And which optic?"
    assert split_reply(f"{reply}\n\n{quote}") == SplitReply(reply, quote)


@pytest.mark.parametrize("closing", ["Thanks", "Best regards\nAda", "Best regards\n\nAda Okoro"])
def test_a_list_that_the_text_announces_is_no_signature(closing: str) -> None:
    text = f"Please check these:\n\n{closing}\n\nhttps://example.com/port-a\n+1-555-0142"
    assert split_reply(text, sender_names=("Ada Okoro",)) == SplitReply(text, "")


OURS = KnownMails(("We look into it.\nWhich port is it?\n",), ("support", "support@example.net", "support+"))
INTRODUCTIONS = (
    "On 28 Nov 2026 at 10:00, {} wrote:\n",
    "From: {}\nSent: Saturday, 28 November 2026 10:00\nTo: Ada Okoro\nSubject: Optic\n",
    "-----Original Message-----\nFrom: {}\nSent: Saturday, 28 November 2026 10:00\nTo: Ada Okoro\nSubject: Optic\n",
)


@pytest.mark.parametrize("introduction", INTRODUCTIONS)
def test_what_somebody_else_wrote_stays_when_our_mail_is_known(introduction: str) -> None:
    cited = f"Port 7 is down.\n\n{introduction.format('Vendor <vendor@example.com>')}\nThe optic is bad.\n\nReplace it."
    assert split_reply(cited, known=OURS) == SplitReply(cited, "")
    quote = f"{introduction.format('Support <support@example.net>')}\nOptics are in stock.\n\nRegards"
    assert split_reply(f"Port 7 is down.\n\n{quote}", known=OURS) == SplitReply("Port 7 is down.", quote)


@pytest.mark.parametrize(
    "postscript",
    [
        "PS: port B too", "P.S. port B too", "PPS port B too", "Post scriptum: port B too", "PD: el puerto B",
        "Nachtrag: Port B auch", "ΥΓ: και η B", "З.Ы.: порт B", "追伸\uff1aB", "추신: B",  # noqa: RUF001
        "One more thing: port B is down.",
    ],
)  # fmt: skip
@pytest.mark.parametrize("above", ["-- \nAda", "Best regards\nAda Okoro\n+1-555-0142"])
def test_a_postscript_stays_in_every_language(postscript: str, above: str) -> None:
    reply = split_reply(f"Port A down.\n\n{above}\n\n{postscript}", sender_names=("Ada Okoro",))
    assert reply.text.endswith(postscript)
    assert reply.trimmed == ""


@pytest.mark.parametrize("line", ["PD Dr. Okoro", "UI Design", "PSTN: +1-555-0142"])
def test_a_line_of_a_signature_is_no_postscript(line: str) -> None:
    assert split_reply(f"Port A down.\n\n-- \nAda\n{line}").text == "Port A down."
