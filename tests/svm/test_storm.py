"""The storm: random programs, lying services, a crash at every index of the journal, and the run carried on.

Counted at the services, by idempotency key: no acknowledged effect is lost, none is done twice beyond what a person
ordered; the journal assigns once, and its replay has its trace hash. A failure names the command that shows it again.
"""

from __future__ import annotations

import pytest

from svm.storm import storms


@pytest.mark.parametrize("seed", range(24))
def test_a_crash_at_every_journal_index_loses_nothing_and_doubles_nothing(seed: int) -> None:
    assert storms(seed) == ""


@pytest.mark.parametrize("seed", range(200, 212))
def test_reads_that_go_together_survive_a_crash_at_every_index(seed: int) -> None:
    assert storms(seed, together=True) == ""


@pytest.mark.parametrize("seed", range(100, 104))
def test_a_second_crash_while_the_run_is_carried_on_changes_nothing(seed: int) -> None:
    assert storms(seed, twice=True) == ""


@pytest.mark.parametrize(
    ("seed", "crash", "twice"),
    [
        (1046, 34, False), (1259, 25, True), (1289, 10, True), (2059, 56, False), (2163, 53, False), (2377, 54, False),
        (2494, 34, False), (2724, 23, False), (3135, 34, False),
    ],
)  # fmt: skip
def test_what_storms_have_found_once(seed: int, crash: int, twice: bool) -> None:
    assert storms(seed, crash=crash, twice=twice) == ""


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1_000, 1_300))
def test_many_storms(seed: int) -> None:
    assert storms(seed, twice=seed % 2 == 1, together=seed % 3 == 0) == ""
