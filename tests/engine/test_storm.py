"""The seeded storm over the engine: crashes at every write of the store. `engine.storm` says how."""

from __future__ import annotations

import pytest

from engine.storm import frozen, retried, storms


@pytest.mark.parametrize("seed", [3, 4])
def test_a_crash_at_any_write_loses_nothing_and_doubles_nothing(seed):
    assert storms(seed) == ""


@pytest.mark.parametrize("seed", [10, 11, 12, 14, 15])
def test_some_crashes(seed):
    assert storms(seed, points=range(seed % 5, 200, 9), twice=True) == ""


@pytest.mark.parametrize(("seed", "points"), [
    (3, range(5, 70, 7)), (10, range(2, 70, 7)), (14, range(6, 70, 7)), (20, range(2, 70, 7)),
    (12, [2]),  # cancelled while ON_FAILURE runs
    (304, [36]), (370, [28]),  # answered after it was cancelled
])  # fmt: skip
def test_a_process_that_stands_still_is_fenced_off(seed, points):
    assert frozen(seed, points) == ""


@pytest.mark.parametrize("seed", [0, 5, 42, 77])
def test_a_run_is_done_again(seed):
    assert retried(seed) == ""


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1200))
def test_many_runs_are_done_again(seed):
    assert retried(seed) == ""


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(200, 220))
def test_many_processes_stand_still(seed):
    assert frozen(seed, range(1, 120)) == ""


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 120))
def test_many_storms(seed):
    assert storms(seed, points=range(seed % 3, 400, 3), twice=seed % 2 == 0) == ""
