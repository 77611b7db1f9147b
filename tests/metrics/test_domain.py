"""What a process counts of its requests, and the sums over several processes."""

from clearline.metrics.domain import (
    BOUNDS,
    MAIL,
    METHODS,
    NO_ANSWER,
    OTHER,
    SERVER,
    RequestCounts,
    RequestSeries,
    Route,
    Snapshot,
    add_up,
    gathered,
)

TICKETS, NOTES = Route("house", "/api/v1/tickets"), Route("house", "/api/v1/tickets/{number}/notes")


def counts_of(*seconds: float) -> list[int]:
    counts = RequestCounts()
    for one in seconds:
        counts.add(TICKETS, "GET", 200, one)
    [series] = counts.series()
    assert series.seconds == sum(seconds)
    return series.counts


def test_a_duration_is_counted_in_the_first_bucket_whose_bound_it_does_not_exceed() -> None:
    for place, bound in enumerate(BOUNDS):
        expected = [0] * (len(BOUNDS) + 1)
        expected[place] = 1
        assert counts_of(bound) == expected
    assert counts_of(BOUNDS[-1] + 0.001) == [0] * len(BOUNDS) + [1]
    assert counts_of(0.0) == [1] + [0] * len(BOUNDS)


def test_requests_are_counted_by_route_method_and_status() -> None:
    counts = RequestCounts()
    for route, method, status in (
        (TICKETS, "GET", 200),
        (TICKETS, "GET", 200),
        (NOTES, "POST", 201),
        (NOTES, "GET", 0),
    ):
        counts.add(route, method, status, 0.0)
    assert {(one.route, one.method, one.status): sum(one.counts) for one in counts.series()} == {
        (TICKETS.template, "GET", "200"): 2,
        (NOTES.template, "POST", "201"): 1,
        (NOTES.template, "GET", NO_ANSWER): 1,
    }


def test_methods_that_clients_invent_make_one_series() -> None:
    counts = RequestCounts()
    for number in range(1000):
        counts.add(TICKETS, f"METHOD{number}", 405, 0.0)
    for method in METHODS:
        counts.add(TICKETS, method, 200, 0.0)
    by_method = {one.method: sum(one.counts) for one in counts.series()}
    assert by_method == {OTHER: 1000, **dict.fromkeys(METHODS, 1)}


def series(route: str, *first: int, seconds: float = 1.0) -> RequestSeries:
    return RequestSeries("house", route, "GET", "200", [*first, *[0] * (len(BOUNDS) + 1 - len(first))], seconds)


def test_the_counts_of_processes_are_added_up_and_stay_when_one_ends() -> None:
    one = Snapshot(
        SERVER, 10, [series("/a", 1, 2), series("/b", 5)], {"key": 1}, open_streams=3, pool_in_use=2, pool_size=20,
        pool_waiting=1, cpu_seconds=1.5, memory_bytes=100,
    )  # fmt: skip
    other = Snapshot(
        SERVER, 11, [series("/a", 10, 20, seconds=2.0)], {"key": 2, "company": 4}, pool_size=20, cpu_seconds=2.0,
        memory_bytes=50,
    )  # fmt: skip
    mail = Snapshot(MAIL, 12, pool_size=20, cpu_seconds=0.5)
    for snapshots, streams, running in (([one, other, mail], 3, 2), ([*gathered([one]), other, mail], 0, 1)):
        totals = add_up(snapshots)
        assert {key[1]: (found.counts[:2], found.seconds) for key, found in totals.requests.items()} == {
            "/a": ([11, 22], 3.0), "/b": ([5, 0], 1.0),
        }  # fmt: skip
        assert totals.refused == {"key": 3, "company": 4}
        assert totals.open_streams == streams
        server = totals.processes[SERVER]
        assert (server.running, server.pool_size, server.cpu_seconds) == (running, 20 * running, 3.5)
        assert totals.processes[MAIL].running == 1
    assert add_up(gathered([one])).processes[SERVER].memory_bytes == 0


def test_ended_processes_are_one_snapshot_of_each_kind() -> None:
    ended = gathered([Snapshot(SERVER, pid, [series("/a", 1)], {"key": 1}, cpu_seconds=1.0) for pid in range(1, 6)])
    assert ended == [Snapshot(SERVER, 0, [series("/a", 5, seconds=5.0)], {"key": 5}, cpu_seconds=5.0)]
    assert gathered([*ended, Snapshot(MAIL, 3)]) == [*ended, Snapshot(MAIL, 0)]
