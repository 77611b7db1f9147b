"""A reply to a mail of ours: its lines are found in any language and place, and what its author wrote is kept."""

from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.mail.format.own_quote import KNOWN_MAX, KnownMails
from clearline.mail.format.reply_text import SplitReply, split_reply
from tests.patience import stretched

OURS = """INC000000000042: Port is slow
Ben Ito added a note

Ben Ito, 1 March 2026, 11:00:

  Which port is it? We see errors on two of them, and "<down>" & 'up' in
  the log of the router.

  Is the light there?

Service:   SVC-1

https://desk.example.net/tickets/INC000000000042

Reply to this mail to add a note to the ticket.

--\x20
You receive this mail because you are the contact of the ticket.
"""
KNOWN = KnownMails((OURS,), ("support", "support@example.net", "support+"))
LINES = OURS.strip().split("\n")
MARKED = "\n".join(f"> {line}".rstrip() for line in LINES)
WRAPPED = MARKED.replace("errors on two of them, and", "errors on two\n> of them, and")
ESCAPED = MARKED.replace('"<down>" & ', "&quot;&lt;down&gt;&quot; &amp; ")
SPACED = "\n".join(f">   {line.strip()}  ".rstrip() for line in LINES)
NESTED = MARKED.replace("> ", ">> ").replace("\n>\n", "\n>>\n")
SAFE_LINK = MARKED.replace("https://desk.example.net", "https://links.example.org/?url=https%3A%2F%2Fdesk.example.net")
UNMARKED = "\n".join(line.strip() for line in LINES)
BULLETED = MARKED.replace("> Service:", "> *Service:*")
FORMS = {
    "marked": MARKED, "wrapped": WRAPPED, "escaped": ESCAPED, "spaced": SPACED, "nested": NESTED,
    "safe link": SAFE_LINK, "without marks": UNMARKED, "emphasis": BULLETED,
    "with bars": MARKED.replace("\n>", "\n|").replace("> INC", "| INC"),
}  # fmt: skip
INTRODUCTIONS = {
    "Zulu": "NgoMgqibelo, 1 Mashi 2026, uSupport <support@example.net> ubhale:",
    "no address": "Pada 1 Mac 2026, Support telah berkata:",
    "reply address": "Af 1 Mhe 2026 11:00 <support+INC000000000042-abc@example.net> ~ :",
    "fields": "Avsändande: Support\nTid: 1 mars\nMottagare: Ada\nRubrik: Port is slow",
    "fields with dashes": "-------- Original Message --------\nA: Support\nB: 1 mars\nC: Ada\nD: Port is slow",
    "a rule and fields": "________________________________\nFrom: Support <support@example.net>\nSent: Sunday\nTo: Ada",
    "dashes": "-----Original Message-----",
    "an address": "Support <support+INC000000000042-abc@example.net>",
    "an address alone": "support@example.net",
    "nothing": "",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("introduction", INTRODUCTIONS)
def test_a_reply_above_our_mail_is_found(introduction: str, form: str) -> None:
    quote = f"{INTRODUCTIONS[introduction]}\n\n{FORMS[form]}".strip()
    reply = split_reply(f"Port 7 is down.\n\nBoth fail:\nPort 8, too.\n\n{quote}", known=KNOWN)
    assert reply.text == "Port 7 is down.\n\nBoth fail:\nPort 8, too."
    assert "".join(reply.trimmed.split()) == "".join(quote.split())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("introduction", INTRODUCTIONS)
def test_a_reply_below_our_mail_is_found(introduction: str, form: str) -> None:
    quote = f"{INTRODUCTIONS[introduction]}\n\n{FORMS[form]}".strip()
    assert split_reply(f"{quote}\n\nPort 7.\n> 1 192.0.2.1 3 ms", known=KNOWN) == SplitReply(
        "Port 7.\n> 1 192.0.2.1 3 ms", quote.rstrip()
    )


@pytest.mark.parametrize(
    "banner",
    [
        "CAUTION: This email originated from outside of the organization.",
        "[EXTERNAL EMAIL]",
        "You don't often get email from support@example.net. Learn why this is important",
        "Warning: the sender of this message is external.\nDo not open links unless you know the sender.",
        "ACHTUNG: Diese E-Mail stammt von außerhalb. Öffnen Sie keine Anhänge.",
        "Ce message provient de l'extérieur de l'entreprise.",
        "EXTERN: Sei vorsichtig mit Links in dieser E-Mail.",
    ],
)
@pytest.mark.parametrize("mark", ["", "> "])
@pytest.mark.parametrize("introduction", ["Zulu", "no address", "dashes", "nothing"])
def test_the_warning_of_a_gateway_above_our_mail_is_part_of_the_quote(
    banner: str, mark: str, introduction: str
) -> None:
    quoted = "\n".join(f"{mark}{line}".rstrip() for line in [*banner.split("\n"), "", *LINES])
    quote = f"{INTRODUCTIONS[introduction]}\n{quoted}".strip()
    reply = split_reply(f"Port 7 is down.\n\n{quote}", known=KNOWN)
    assert reply.text == "Port 7 is down."
    assert "".join(reply.trimmed.split()) == "".join(quote.split())


@pytest.mark.parametrize(
    "words",
    [
        "Warning: port 8 is down, too.",
        "Attention, the site has external power.",
        "Write to support@example.net",
        "cleo@contact.example.org",
        "Ada Okoro <ada@example.com>",
    ],
)
def test_words_directly_above_our_mail_are_kept(words: str) -> None:
    assert split_reply(f"Port 7 is down.\n\n{words}\n{MARKED}", known=KNOWN).text == f"Port 7 is down.\n\n{words}"


def test_a_reply_around_our_mail_is_found() -> None:
    reply = split_reply(f"Port 7.\n\n{INTRODUCTIONS['Zulu']}\n{MARKED}\n\nAnd port 8.\n\n-- \nAda", known=KNOWN)
    assert reply.text == "Port 7.\n\n\nAnd port 8."


@pytest.mark.parametrize("mark", ["> ", ""])
@pytest.mark.parametrize("introduction", INTRODUCTIONS)
def test_answers_between_our_lines_keep_the_question(introduction: str, mark: str) -> None:
    above = "\n".join(f"{mark}{line}".rstrip() for line in LINES[:4])
    below = "\n".join(f"{mark}{line}".rstrip() for line in LINES[9:])
    one = (
        f"{mark}Which port is it? We see errors on two of them, and \"<down>\" & 'up' in\n{mark}the log of the router."
    )
    two = f"{mark}Is the light there?"
    text = f"See below.\n\n{INTRODUCTIONS[introduction]}\n{above}\n\n{one}\n\n[Ada] ae3\n\n{two}\nNo.\n\n{below}"
    reply = split_reply(text, known=KNOWN)
    assert [line for line in reply.text.split("\n") if line] == [
        "See below.",
        *one.split("\n"),
        "[Ada] ae3",
        two,
        "No.",
    ]


def test_the_last_answer_below_our_lines_is_kept() -> None:
    fields = "From: Support <support@example.net>\nSent: Sunday\nTo: Ada\nSubject: Port is slow"
    text = f"See below.\n\n{fields}\n\nWhich port?\n[Ada] ae3"
    known = KnownMails(("INC000000000042: Port is slow\n\n  Which port?\n",), ("support",))
    assert split_reply(text, known=known) == SplitReply("See below.\n\n[Ada] ae3", f"{fields}\n\nWhich port?")


@pytest.mark.parametrize(
    "text",
    [
        "Port is slow\n\nIs the light there?\n\nYes, and it still fails.",
        "SVC-1\nService: SVC-1 is down again",
        "Ben Ito wrote that it works. Reply to this mail, he said.",
        "Is the light there?",
    ],
)
def test_words_of_ours_that_a_person_writes_again_are_kept(text: str) -> None:
    assert split_reply(text, known=KNOWN) == SplitReply(text, "")


def test_a_quote_of_another_mail_is_found_by_its_structure() -> None:
    quote = "On 1 Mar 2026, at 11:00, Cid <cid@example.com> wrote:\n> Did you ask them?"
    assert split_reply(f"Please help.\n\n{quote}", known=KNOWN) == SplitReply("Please help.", quote)


def test_nothing_but_our_mail_is_kept_whole() -> None:
    assert split_reply(MARKED, known=KNOWN) == SplitReply(MARKED, "")


@given(st.text(alphabet="aIs >\n", max_size=200), st.text(alphabet="aIs \n", max_size=200))
def test_nothing_is_lost(text: str, ours: str) -> None:
    reply = split_reply(text, known=KnownMails((ours,), ("support",)))
    assert sorted("".join((reply.text + reply.trimmed).split())) == sorted("".join(text.split()))


@pytest.mark.parametrize("line", ["a", "a" * 500, "> a", "Is the light there?"])
def test_finding_our_lines_is_fast(line: str) -> None:
    began = perf_counter()
    split_reply(f"{line}\n" * 5000, known=KnownMails(("a" * KNOWN_MAX + OURS,) * 5, ("support",)))
    assert perf_counter() - began < stretched(2)
