"""The mark of a mail that goes to the customer."""

import pytest

from clearline.mail.format.own_quote import NO_MAILS, KnownMails
from clearline.mail.format.public_mark import Unfit, marked_reply, may_have_mark
from clearline.mail.format.reply_text import SplitReply, split_reply

NOTE = "The optic of the core router is broken.\nThe customer must not hear of it before Monday."
KNOWN = KnownMails((f"INC000000000042: Port is slow\n\nMara Lind (internal):\n\n{NOTE}",), ("support@example.net",))


def marked(text: str, known: KnownMails = NO_MAILS, subject: str = "Re: Port") -> SplitReply | Unfit | None:
    reply = split_reply(text, subject=subject, sender_names=("Ben Ito",), known=known)
    result = marked_reply(text, reply, known, subject=subject, most=4000)
    assert may_have_mark(text) or result is None
    return result


@pytest.mark.parametrize("first", ["#public", "#PUBLIC", "  #Public\t ", "\n\n \n#public", "\u00a0#public\u00a0"])
def test_the_line_of_the_mark_is_cut(first: str) -> None:
    assert marked(f"{first}\n\nIt works again.\n\nPort 7 is up.") == SplitReply("It works again.\n\nPort 7 is up.", "")


def test_quote_and_signature_below_the_text_are_cut() -> None:
    quote = "On 29 Nov 2026 at 10:00, Support <support@example.net> wrote:\n> " + NOTE.replace("\n", "\n> ")
    result = marked(f"#public\nIt works again.\n-- \nBen Ito\n\n{quote}", KNOWN)
    assert isinstance(result, SplitReply)
    assert result.text == "It works again."


@pytest.mark.parametrize(
    "text",
    [
        "It works again.",
        "> #public\nIt works again.",
        "It works again.\n-- \n#public",
        "It works again.\n\n#public",
        "#publication of the report\nIs on Monday.",
        "#publicly known\nIs it not?",
        "public\nIt works again.",
        "[public]\nIt works again.",
        "The customer wrote:\n\n#public\nOpen the door.",
        "On 29 Nov 2026 at 10:00, Cleo Marsh <cleo@example.com> wrote:\n> #public\n> Open the door.\n\nNo.",
        "#p\u0443blic\nIt works again.",
    ],
)
def test_a_mail_without_the_mark_in_its_first_line_is_not_marked(text: str) -> None:
    assert marked(text) is None


@pytest.mark.parametrize(
    "first",
    [
        "#public It works again.", "#public: it works again", "*#public*", "#public.",
        "#pub\u2060lic", "\u200d#public", "#public\u00ad", "\uff03public", "\u202e#public", "-#public",
    ],
)  # fmt: skip
def test_what_looks_like_the_mark_is_not_it_but_is_explained(first: str) -> None:
    assert marked(f"{first}\nPort 7 is up.") is Unfit.NOT_ALONE


def test_a_mark_below_a_quote_is_not_in_the_first_line() -> None:
    quote = "On 29 Nov 2026 at 10:00, Support <support@example.net> wrote:\n> Port is slow\n"
    assert marked(f"{quote}\n#public\nIt works again.") is Unfit.NOT_ALONE


@pytest.mark.parametrize(
    "below",
    [
        "",
        "\n \n",
        "-- \nBen Ito",
        "-----Original Message-----\nThe optic is broken.",
        "\nOn 29 Nov 2026 at 10:00, Ada <ada@example.com> wrote:\n> Port is slow",
    ],
)
def test_a_mark_without_text_sends_nothing(below: str) -> None:
    assert marked(f"#public\n{below}") is Unfit.NO_TEXT


@pytest.mark.parametrize(
    "below",
    [
        "> The optic is broken.\nNot any more.",
        "See below.\n> The optic is broken.\nThat is done.\n> The router is old.\nThat, too.",
        "---------- Forwarded message ---------\nFrom: Mara Lind <mara@provider.example.org>\n\nThe optic is broken.",
        (
            "For you:\n\nFrom: Mara Lind <mara@provider.example.org>\nSent: 29 November 2026 10:00\nTo: Ben Ito\n"
            "Subject: Optic\n\nThe optic is broken."
        ),
        (
            "I answer in the text.\n\nOn 29 Nov 2026 at 10:00, Mara Lind <mara@provider.example.org> wrote:\n"
            "The optic is broken.\n[Ben] Not any more."
        ),
    ],
)
def test_a_quote_that_is_left_in_the_text_sends_nothing(below: str) -> None:
    assert marked(f"#public\n{below}") is Unfit.QUOTE_LEFT


def test_lines_of_a_known_mail_never_go_to_the_customer() -> None:
    for quote in (NOTE, f"Mara Lind (internal):\n\n{NOTE}", NOTE.replace("\n", " \u200b\n  ")):
        result = marked(f"#public\nIt works again.\n\n{quote}\n\nRegards", KNOWN)
        assert result is Unfit.QUOTE_LEFT or (isinstance(result, SplitReply) and "optic" not in result.text)


@pytest.mark.parametrize("subject", ["Fwd: Port", "WG: Port", "FW:Port"])
def test_a_forwarded_mail_never_goes_to_the_customer(subject: str) -> None:
    assert marked("#public\nPlease see this.", subject=subject) is Unfit.QUOTE_LEFT


@pytest.mark.parametrize(
    "part", ["#public\n", "#", "\u200d", "\n", "On 29 Nov 2026 at 10:00, Ada wrote:\n", "> ", "\ufdfa"]
)
def test_a_hostile_text_takes_time_in_proportion_to_it(part: str) -> None:
    assert not isinstance(marked(f"#public\n{part * 200_000}"), SplitReply)
    assert not isinstance(marked(part * 200_000), SplitReply)


def test_a_text_that_is_too_long_is_not_shortened() -> None:
    assert isinstance(marked("#public\n" + "x" * 4000), SplitReply)
    assert marked("#public\n" + "x" * 4001) is Unfit.TOO_LONG
