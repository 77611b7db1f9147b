"""Who is on the page of a ticket, as far as reports say."""

from uuid import UUID, uuid4

import pytest

from clearline.event_stream.event_signal import Listener
from clearline.presence import presence_board
from clearline.presence.domain import GONE_AFTER_SECONDS, Activity, Present, Report
from clearline.presence.presence_board import PresenceBoard, Subscription

ANA, BEN = uuid4(), uuid4()
NAMES = {ANA: "Ana Silva", BEN: "Ben Ito"}
WRITING, VIEWING, HIDDEN, GONE = Activity.WRITING, Activity.VIEWING, Activity.HIDDEN, Activity.GONE


def a_report(who: UUID, activity: Activity = VIEWING, *, tab: str = "a", number: int = 1) -> Report:
    return Report(number, who, NAMES.get(who, "Somebody"), tab, activity)


def shown(board: PresenceBoard, at: float, number: int = 1) -> list[tuple[str, str]]:
    return [(person.name, person.activity) for person in board.present(number, at)]


def test_a_person_is_there_until_it_leaves_or_is_silent() -> None:
    board = PresenceBoard()
    board.take(a_report(ANA), 0)
    board.take(a_report(BEN), 40)
    assert shown(board, 44) == [("Ana Silva", "viewing"), ("Ben Ito", "viewing")]
    assert shown(board, GONE_AFTER_SECONDS) == [("Ben Ito", "viewing")]
    board.take(a_report(BEN, GONE), 46)
    assert shown(board, 46) == []
    assert shown(board, 46, number=2) == []


@pytest.mark.parametrize(
    ("tabs", "expected"),
    [
        ((VIEWING, WRITING, HIDDEN), WRITING), ((HIDDEN, VIEWING), VIEWING), ((HIDDEN, HIDDEN), HIDDEN),
        ((WRITING, VIEWING), WRITING), ((VIEWING, GONE), VIEWING),
    ],
)  # fmt: skip
def test_of_several_tabs_the_foremost_activity_is_that_of_the_person(
    tabs: tuple[Activity, ...], expected: Activity
) -> None:
    board = PresenceBoard()
    for at, activity in enumerate(tabs):
        board.take(a_report(ANA, activity, tab=f"t{at}"), 0)
    assert board.present(1, 1) == [Present(ANA, "Ana Silva", expected)]


def test_those_who_write_come_first() -> None:
    board = PresenceBoard()
    board.take(a_report(ANA, HIDDEN), 0)
    board.take(a_report(BEN, WRITING), 0)
    assert shown(board, 0) == [("Ben Ito", "writing"), ("Ana Silva", "hidden")]


def test_only_others_on_the_ticket_are_told_and_only_of_changes() -> None:
    board = PresenceBoard()
    ana, elsewhere = Subscription(ANA), Subscription(uuid4())
    listener, idle = Listener(), Listener()
    with board.subscribe(ana, listener), board.subscribe(elsewhere, idle):
        board.take(a_report(ANA), 0)
        assert ana.take() == []
        board.take(a_report(BEN), 1)
        assert listener._event.is_set()  # noqa: SLF001 - what wakes the stream
        assert (ana.take(), ana.take()) == ([1], [])
        board.take(a_report(BEN), 21)
        assert ana.take() == [], "the same again is no change"
        for activity in (WRITING, VIEWING, HIDDEN, GONE):
            board.take(a_report(BEN, activity), 22)
            assert ana.take() == [1]
        board.take(a_report(BEN, number=2), 23)
        board.take(a_report(BEN, GONE), 23)
        assert (ana.take(), elsewhere.take()) == ([], [])
        assert not idle._event.is_set()  # noqa: SLF001 - what wakes the stream
    board.take(a_report(BEN), 24)
    assert ana.take() == [], "a stream that has ended is told nothing"


def test_what_is_kept_is_bounded_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence_board, "TABS_MAX", 3)
    board = PresenceBoard()
    for at in range(5):
        board.take(a_report(uuid4(), tab=f"t{at}"), 1)
    assert len(board.present(1, 1)) == 3
    for number in range(100):
        board.take(a_report(ANA, number=number), 2)
    board.take(a_report(BEN, number=500), 2 + 2 * GONE_AFTER_SECONDS)
    assert [*board._tickets] == [500]  # noqa: SLF001 - what must not grow for ever
    board.take(a_report(BEN, GONE, number=500), 100)
    board.take(a_report(BEN, GONE, number=500), 100)
    assert board._tickets == {}  # noqa: SLF001 - what must not grow for ever


def test_one_person_with_many_tabs_leaves_room_for_others() -> None:
    board = PresenceBoard()
    for at in range(presence_board.TABS_MAX + 1):
        board.take(a_report(ANA, HIDDEN, tab=f"t{at}"), 1)
    board.take(a_report(BEN), 1)
    board.take(a_report(ANA, VIEWING, tab="t0"), 2)
    assert shown(board, 2) == [("Ana Silva", "viewing"), ("Ben Ito", "viewing")]
    assert len(board._tickets[1]) == presence_board.PERSON_TABS_MAX + 1  # noqa: SLF001 - what must not grow


@pytest.mark.parametrize("payload", ["", "x", "{}", '{"number":1}', "[]"])
def test_a_notification_of_another_version_is_ignored(payload: str) -> None:
    board = PresenceBoard()
    board.receive(payload)
    assert board._tickets == {}  # noqa: SLF001 - nothing was taken
