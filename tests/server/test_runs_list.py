"""The list of runs: a search in errors finds what failed, however it ended, newest first and page by page."""

from __future__ import annotations

from pathlib import Path

from server.house import House, house

DIVIDE = "TASK divide\n  INPUT by number\n\n  ACTION share\n    TYPE transform\n    VALUE DIV(12, input.by)\n"


async def ran(held: House, by: int) -> str:
    reply = await held.ask("POST", "/api/tasks/run", json={"task": "divide", "input": {"by": by}})
    return str(reply.json["execution_id"])


async def test_a_text_is_found_in_the_errors_of_runs(tmp_path: Path) -> None:
    async with house(tmp_path) as held:
        assert (await held.ask("POST", "/api/tasks", json={"text": DIVIDE})).status == 201
        runs = [(by, await ran(held, by)) for by in (3, 0, 4, 0, 0)]
        failed = [name for by, name in reversed(runs) if by == 0]
        word = (await held.ask("GET", f"/api/executions/{failed[0]}")).json["error"].split()[0]
        whole = (await held.ask("GET", f"/api/executions?text={word.upper()}")).json
        assert [item["execution_id"] for item in whole["items"]] == failed
        first = (await held.ask("GET", f"/api/executions?text={word}&limit=2")).json
        rest = (await held.ask("GET", f"/api/executions?text={word}&limit=2&cursor={first['next']}")).json
        assert [item["execution_id"] for page in (first, rest) for item in page["items"]] == failed
        assert rest["next"] is None
        for further in ("&status=success", "&status=cancelled", "&until=2020-01-01T00:00:00Z"):
            assert (await held.ask("GET", f"/api/executions?text={word}{further}")).json["items"] == [], further
        narrow = await held.key_for("viewer", tasks=("divide",))
        assert (await held.ask("GET", f"/api/executions?text={word}", key=narrow)).json == whole
        other = await held.key_for("viewer", tasks=("nothing",))
        assert (await held.ask("GET", f"/api/executions?text={word}", key=other)).json["items"] == []
