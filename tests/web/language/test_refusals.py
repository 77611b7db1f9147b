"""What a refusal says in German; English readers get the text of the error itself."""

import pytest

from clearline.errors import (
    AlreadyExists,
    AttachmentTooLarge,
    CompanyInactive,
    DeskError,
    Forbidden,
    InvalidInput,
    MergedInto,
    TicketFinished,
    Violation,
)
from clearline.language.reader import Reader, read_by
from clearline.limit_errors import TooManyKeys
from clearline.sign_in.domain import StepUpNeeded, TooManyAttempts
from clearline.sign_in.second_factors.domain import CodeRefused
from clearline.text import check_email, check_text
from clearline.web.language.refusals import refusal_text, rule_text


@pytest.mark.parametrize(
    ("error", "german"),
    [
        (AttachmentTooLarge(10), "Die Datei ist größer als 10 Bytes."),
        (InvalidInput(check_text("title", "", most=9)), "muss 1 bis 9 Zeichen haben"),
        (MergedInto("closed", "INC000000000042"), "mit INC000000000042 zusammengeführt"),
        (TicketFinished("closed"), "hat inzwischen einen anderen Status"),
        (AlreadyExists("user", "ada@example.com"), "ada@example.com gibt es schon."),
        (CompanyInactive("Birke"), "Ihr Unternehmen ist deaktiviert."),
        (TooManyKeys(5), "höchstens 5"),
        (TooManyAttempts(60), "Zu viele Versuche"),
        (StepUpNeeded(), "Geben Sie Ihr Passwort noch einmal ein."),
        (CodeRefused(), "Der Code ist falsch"),
        (Forbidden("no"), "Sie dürfen das nicht."),
        (DeskError("anything"), "im jetzigen Zustand nicht möglich"),
    ],
)
def test_a_refusal_is_explained_in_the_language_of_its_reader(error: DeskError, german: str) -> None:
    assert refusal_text(error) == str(error)
    with read_by(Reader("de")):
        assert german in refusal_text(error)


def test_a_rule_that_nobody_translated_is_only_said_to_be_broken() -> None:
    [address] = check_email("email", "nobody")
    unknown = Violation("quiet_days", "must be at most six different days of the week")
    with read_by(Reader("de")):
        assert rule_text(address) == "muss eine E-Mail-Adresse sein"
        assert rule_text(unknown) == "ist nicht gültig"
    assert rule_text(unknown) == unknown.rule
