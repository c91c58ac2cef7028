"""One server for tests that only ask."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from server.running import Running, running


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    """A real server with the first examples deployed; tests of one module share it."""
    with running() as made:
        yield made
