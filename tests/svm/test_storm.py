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


@pytest.mark.parametrize("seed", range(100, 104))
def test_a_second_crash_while_the_run_is_carried_on_changes_nothing(seed: int) -> None:
    assert storms(seed, twice=True) == ""


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1_000, 1_300))
def test_many_storms(seed: int) -> None:
    assert storms(seed, twice=seed % 2 == 1) == ""
