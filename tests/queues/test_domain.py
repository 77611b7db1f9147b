from uuid import UUID

import pytest
from msgspec.structs import replace

from clearline.queues.domain import Agent, Assignment, Choice, Queue, check_queue, choose_agent
from tests.builders.people import NOW

ANN, BEN, CLEO = (Agent(UUID(int=n), name, load) for n, name, load in ((3, "Ann", 2), (2, "Ben", 1), (1, "Cleo", 1)))
QUEUE = Queue(UUID(int=30), "NOC", "", None, Assignment.MANUAL, None, NOW)


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (None, ANN),
        (("Ann", ANN.id), BEN),
        (("Ben", BEN.id), CLEO),
        (("Cleo", CLEO.id), ANN),
        (("Bella", UUID(int=99)), BEN),
        (("Ben", UUID(int=1)), BEN),
    ],
    ids=["nobody yet", "first", "second", "last", "one who left", "a namesake with a smaller id"],
)
def test_turns_go_by_name_and_continue_after_the_last_agent(last: tuple[str, UUID] | None, expected: Agent) -> None:
    assert choose_agent(Assignment.ROUND_ROBIN, [CLEO, ANN, BEN], last).agent == expected


def test_the_least_loaded_agent_is_chosen_and_the_first_by_name_among_equals() -> None:
    assert choose_agent(Assignment.LEAST_LOADED, [CLEO, ANN, BEN], None) == Choice(
        BEN, "has the fewest open tickets: 1"
    )


@pytest.mark.parametrize(
    ("mode", "agents", "why"),
    [
        (Assignment.MANUAL, [ANN], "the queue leaves it to people"),
        (Assignment.ROUND_ROBIN, [], "nobody of the team is available"),
        (Assignment.LEAST_LOADED, [], "nobody of the team is available"),
    ],
)
def test_the_choice_of_nobody_has_a_reason(mode: Assignment, agents: list[Agent], why: str) -> None:
    assert choose_agent(mode, agents, None) == Choice(None, why)


@pytest.mark.parametrize(
    ("values", "broken"),
    [
        ({}, []),
        ({"name": "x" * 256}, ["name"]),
        ({"description": "x" * 1001}, ["description"]),
        ({"assignment": Assignment.ROUND_ROBIN}, ["team_id"]),
        ({"assignment": Assignment.LEAST_LOADED}, ["team_id"]),
        ({"assignment": Assignment.LEAST_LOADED, "team_id": UUID(int=40)}, []),
    ],
)
def test_a_queue_keeps_its_limits_and_has_a_team_when_it_assigns_automatically(
    values: dict[str, object], broken: list[str]
) -> None:
    assert [violation.field for violation in check_queue(replace(QUEUE, **values))] == broken
