"""What processes of one server have in common: figures that add up, rates that hold for all of them."""

from __future__ import annotations

import os

import pytest
from prometheus_client.parser import text_string_to_metric_families

from eyeflow.server.limits import Bucket, Buckets
from eyeflow.server.metrics import Figure, Metrics
from eyeflow.server.sharing import BOARD_BYTES, CELLS, Share, Sharing


def samples(metrics: Metrics) -> dict[str, float]:
    """Figures as a Prometheus server reads them, without those that tell when."""
    found = {}
    for family in text_string_to_metric_families(metrics.text().decode()):
        for each in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(each.labels.items()))
            found[f"{each.name}{{{labels}}}"] = each.value
    return found


def pair() -> tuple[Sharing, Metrics, Metrics]:
    sharing = Sharing(2)
    return sharing, Metrics(Share(sharing, 0)), Metrics(Share(sharing, 1))


ANSWERED = "eyeflow_http_requests_total{method=GET,route=/x,status=200}"


def test_whichever_process_is_asked_tells_of_all_of_them() -> None:
    _, one, two = pair()
    for metrics, times in ((one, 3), (two, 4)):
        for _ in range(times):
            metrics.request("GET", "/x", 200, 0.003)
        metrics.source(lambda: (Figure(name="eyeflow_runs_started", doc="d", kind="counter", value=10),))
        metrics.source(lambda: (Figure(name="eyeflow_waiting", doc="d", kind="gauge", value=2),))
        metrics.write()
    for metrics in (one, two):
        found = samples(metrics)
        assert found[ANSWERED] == 7
        assert found["eyeflow_http_request_seconds_count{route=/x}"] == 7
        assert found["eyeflow_http_request_seconds_bucket{le=0.005,route=/x}"] == 7
        assert found["eyeflow_http_request_seconds_bucket{le=0.0025,route=/x}"] == 0
        assert found["eyeflow_runs_started_total{}"] == 20
        assert found["eyeflow_waiting{}"] == 4
        assert found["eyeflow_processes{}"] == 2


def test_a_process_that_replaces_another_never_counts_back() -> None:
    sharing, one, two = pair()
    two.request("GET", "/x", 200, 0.1)
    two.source(lambda: (Figure(name="eyeflow_waiting", doc="d", kind="gauge", value=2),))
    two.write()
    after = Metrics(Share(sharing, 1))
    assert samples(one)[ANSWERED] == samples(after)[ANSWERED] == 1
    after.request("GET", "/x", 200, 0.1)
    after.write()
    assert samples(one)[ANSWERED] == 2
    assert "eyeflow_waiting{}" not in samples(after), "what waited in the one that is gone does not wait any more"


def test_the_only_process_tells_of_itself() -> None:
    metrics = Metrics()
    metrics.request("GET", "/x", 200, 0.1)
    found = samples(metrics)
    assert (found[ANSWERED], found["eyeflow_processes{}"]) == (1, 1)


def test_what_is_too_long_for_a_board_leaves_it_as_it_was() -> None:
    board = Share(Sharing(1), 0).own
    assert board.read() == b"" and not board.fresh
    assert board.write(b"short")
    assert not board.write(b"x" * BOARD_BYTES)
    assert board.read() == b"short" and board.fresh


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes share memory by fork")
def test_a_board_is_read_by_a_process_that_did_not_write_it() -> None:
    sharing = Sharing(2)
    child = os.fork()
    if not child:
        Share(sharing, 1).own.write(b"hello")
        os._exit(0)
    os.waitpid(child, 0)
    assert Share(sharing, 0).others[0].read() == b"hello"


def test_a_rate_holds_for_all_processes_together() -> None:
    cells = Share(Sharing(2), 0).cells
    one, two = Bucket(60, cells, "key/a"), Bucket(60, cells, "key/a")
    let_in = 0
    for number in range(30):
        taken = (one, two)[number % 2].take(100.0 + number / 1000)
        assert taken is not None
        let_in += not taken.wait_s
    assert let_in == 10, "a minute's sixth at once, whoever is asked"
    taken = one.take(100.03)
    assert taken is not None and 0.9 < taken.wait_s <= 1.0 and taken.remaining == 0
    assert all((each := bucket.take(101.5)) and not each.wait_s for bucket in (two,))
    other = Bucket(60, cells, "key/b").take(100.0)
    assert other is not None and not other.wait_s and other.remaining == 9


@pytest.mark.parametrize("per_minute", [1, 6, 60, 6_000])
def test_a_shared_bucket_does_what_a_bucket_of_ones_own_does(per_minute: int) -> None:
    own, shared = Bucket(per_minute), Bucket(per_minute, Share(Sharing(1), 0).cells, "x")
    now = 1000.0
    for step in range(400):
        now += (0.0, 0.001, 0.3, 2.0, 61.0)[(step * 7) % 5]
        first, second = own.take(now), shared.take(now)
        assert first is not None and second is not None
        assert bool(first.wait_s) == bool(second.wait_s), (step, first, second)
        assert first.wait_s == pytest.approx(second.wait_s, abs=1e-6)
        assert abs(first.remaining - second.remaining) <= 1 and first.limit == second.limit


def test_many_more_callers_than_cells_are_bounded_and_let_in() -> None:
    buckets = Buckets(60, cells=Share(Sharing(1), 0).cells, kind="webhook")
    for number in range(CELLS + 1000):
        taken = buckets.of(f"caller {number}").take(50.0 + number / 1e6)
        assert taken is not None and not taken.wait_s
