"""What the bench makes of what it reads: reports of wrk, answers, stages, percentiles. No server, no load."""

from __future__ import annotations

import base64
import hashlib
import hmac
import inspect
import random

import msgspec
import pytest
from bench.__main__ import GROUPS, WORKLOADS, main
from bench.measure import spread, timed
from bench.report import begin, table
from bench.web.__main__ import HEADS, PRESETS, Figure, cost_us, read, rows
from bench.web.breakdown import ORDER, broken_down
from bench.web.breakdown import show as show_breakdown
from bench.web.client import answer_in, request_bytes
from bench.web.filling import RARE, identity, runs
from bench.web.load import Load, NoLoad, need_wrk
from bench.web.load import read as read_report
from bench.web.overhead import Figures, Overhead
from bench.web.overhead import show as show_overhead
from bench.web.staged import STAGES, StageClock, clocked, place
from bench.web.webhook import acknowledged, signed

from eyeflow.store.columns import check_record
from eyeflow.store.records import ExecutionRecord

REPORT = """Running 3s test @ http://127.0.0.1:1
  1 threads and 48 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     4.10ms    1.20ms  31.00ms   90.00%
  Latency Distribution
     50%  820.00us
     75%    1.20ms
     90%    1.52s
     99%    1.02m
  9063 requests in 3.00s, 3.20MB read
  Socket errors: connect 1, read 2, write 3, timeout 4
  Non-2xx or 3xx responses: 5
Requests/sec:   3021.40
Transfer/sec:      1.07MB
"""


def test_a_report_of_wrk_becomes_numbers():
    assert read_report(REPORT) == Load(
        rate=3021.4, done=9063, failed=15, p50_ms=0.82, p75_ms=1.2, p90_ms=1520.0, p99_ms=61200.0
    )


@pytest.mark.parametrize("report", ["", "unable to connect to 127.0.0.1:1 Connection refused", REPORT[:300]])
def test_a_report_without_numbers_is_no_figure(report: str):
    with pytest.raises(NoLoad):
        read_report(report)


def test_a_load_without_any_answer_is_no_figure():
    lines = [line for line in REPORT.splitlines() if "%" not in line]
    with pytest.raises(NoLoad, match="no request was answered"):
        read_report("\n".join(lines))


def test_without_wrk_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NoLoad, match="install the package `wrk`"):
        need_wrk()


def test_percentiles_are_numbers_that_were_measured():
    found = spread([float(number) for number in range(1, 101)])
    at = (found.p50, found.p75, found.p90, found.p99, found.most)
    assert (found.count, found.mean, at) == (100, 50.5, (51.0, 76.0, 91.0, 100.0, 100.0))
    assert spread([7.0]).p99 == 7.0
    with pytest.raises(ValueError, match="nothing was measured"):
        spread([])


def test_a_turn_takes_what_the_clock_says(monkeypatch: pytest.MonkeyPatch):
    took, at = iter([9_000_000, *(number * 1_000 for number in range(100, 0, -1))]), 0

    def turn() -> None:
        nonlocal at
        at += next(took)

    monkeypatch.setattr("bench.measure.time.perf_counter_ns", lambda: at)
    monkeypatch.setattr("bench.measure.time.process_time_ns", lambda: at // 2)
    found = timed("W3", "one run", turn, 100)
    assert (found.count, found.cpu_us) == (100, 25.2)
    assert (found.p50_us, found.p75_us, found.p90_us, found.p99_us) == (51.0, 76.0, 91.0, 100.0)


def figure(rate: float, *, processes: int = 1, done: int = 300) -> Figure:
    load = Load(rate=rate, done=done, failed=4, p50_ms=rate + 1, p75_ms=rate + 2, p90_ms=rate + 3, p99_ms=rate + 4)
    return Figure(
        system=f"EyeFlow, processes: {processes}", record="commit", workload="W1", connections=250, load=load,
        cpu_us=cost_us(0.06, done), memory=80_000_000,
    )  # fmt: skip


def test_acceptance_58_a_row_is_the_middle_turn_of_a_number_of_processes_under_the_right_heads():
    shown = rows([figure(500), figure(900), figure(700), figure(1_300, processes=2)])
    assert [row[0] for row in shown] == ["EyeFlow, processes: 1", "EyeFlow, processes: 2"]
    assert [dict(zip(HEADS, row[1:], strict=True)) for row in shown] == [
        {
            "tasks/s": rate, "p50 ms": rate + 1, "p75": rate + 2, "p90": rate + 3, "p99": rate + 4, "CPU µs": 200,
            "MB": 80, "failed": 4, "record": "commit",
        }
        for rate in (700, 1_300)
    ]  # fmt: skip
    assert cost_us(1.0, 0) == 1e6, "nothing was done"
    asked = read([])
    assert asked.processes == [1, 2], "what a second process adds is measured too"
    assert 250 in read(["--preset", "claim"]).connections


def test_an_answer_is_whole_when_its_body_is():
    whole = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}"
    assert [answer_in(whole[:size]) for size in (0, 20, len(whole) - 1)] == [None, None, None]
    assert answer_in(whole + b"HTTP/1.1 200") == (202, b"{}", len(whole))
    assert answer_in(b"HTTP/1.1 204 No Content\r\n\r\n") == (204, b"", 27)


def test_deliveries_are_signed_and_some_of_them_sent_twice():
    key = b"k" * 32
    requests, twice = signed("whsec_" + base64.b64encode(key).decode(), 200, 10)
    assert len(requests) == 200 + twice and len(set(requests)) == 200 and twice > 0
    head, _, body = requests[0].partition(b"\r\n\r\n")
    named = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    mac = hmac.digest(key, f"{named['webhook-id']}.{named['webhook-timestamp']}.".encode() + body, hashlib.sha256)
    assert named["webhook-signature"] == "v1," + base64.b64encode(mac).decode()
    assert int(named["Content-Length"]) == len(body)


def test_what_was_acknowledged_is_counted_once():
    answers = [(202, b'{"execution_id":"a","status":"queued"}')] * 2
    assert acknowledged([*answers, (503, b"busy"), (200, b'{"execution_id":"b","status":"success"}')]) == {"a", "b"}


def test_every_function_of_a_stage_exists():
    for names in STAGES.values():
        for name in names:
            assert callable(place(name)[2]), name


def test_a_moment_belongs_to_the_stage_entered_last():
    clock, before = StageClock(), set(ORDER) - set(STAGES)
    assert before == {"network"}
    inner = clocked(clock, "store", lambda: sum(range(20_000)))
    clocked(clock, "door", lambda: inner() + inner())()
    clock.end()
    spent = dict(zip(STAGES, clock.rows[0], strict=True))
    assert spent["store"] > spent["door"] > 0.0
    assert {name for name, seconds in spent.items() if seconds} == {"store", "door"}
    assert inspect.iscoroutinefunction(clocked(clock, "store", place("engine.common:Common.write")[2]))


def test_what_no_stage_has_is_the_network():
    load = Load(rate=100, done=2, failed=0, p50_ms=1, p75_ms=1, p90_ms=1, p99_ms=1)
    row = [0.001] * len(STAGES)
    found = broken_down("W1", [[9.0] * len(STAGES), row, row], load, load, 0.04)
    assert tuple(found.stages) == ORDER
    assert found.stages["store"].mean == 1000.0
    assert found.whole_us == 20_000.0
    assert sum(each.mean for each in found.stages.values()) == pytest.approx(20_000.0)


def test_stored_runs_are_records_the_store_takes():
    template = ExecutionRecord(
        id="exec_1", task_id="task_1", task="hello_world", version=1, digest="d", status="success",
        created_ms=1_800_000_000_000,
    )  # fmt: skip
    made = list(runs(template, "task_rare", 60_000))
    for record in made[::1000]:
        check_record(record)
    assert [record.id for record in made] == sorted({record.id for record in made})
    assert all(record.created_ms < template.created_ms for record in made)
    assert {record.status for record in made} == {"success", "failed", "partial_failure", "cancelled"}
    assert [record.task_id for record in made if record.task == RARE] == ["task_rare"]
    assert identity(1, random.Random(1))[5:18] == "0000000000017"


def test_options_that_are_given_come_after_those_of_a_preset():
    claim = read(["--preset", "claim", "--seconds", "1"])
    assert (claim.connections, claim.delay, claim.processes, claim.seconds) == ([250, 400], 20.0, [2], 1.0)
    assert set(PRESETS) <= set(WORKLOADS)


def test_every_workload_is_listed_and_has_a_command(capsys: pytest.CaptureFixture[str]):
    assert main(["--help"]) == 0
    listed = capsys.readouterr().out
    assert all(f"  {name} " in listed for name in (*WORKLOADS, *GROUPS))
    assert main(["nonsense"]) == 2
    assert "there is no workload 'nonsense'" in capsys.readouterr().err
    assert all(name in WORKLOADS for _, names in GROUPS.values() for name in names)


def test_a_request_is_spelled_as_it_goes_over_the_wire():
    asked = request_bytes("/x", b"{}", {"Authorization": "Bearer k"})
    assert asked.startswith(b"POST /x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n")
    assert asked.endswith(b"Authorization: Bearer k\r\n\r\n{}")
    assert msgspec.json.decode(asked[-2:]) == {}


def test_acceptance_57_the_bench_prints_percentiles_and_a_breakdown(capsys: pytest.CaptureFixture[str]):
    load = Load(rate=100, done=2, failed=0, p50_ms=1.25, p75_ms=2.5, p90_ms=3.75, p99_ms=9.5)
    figure = Figure(
        system="EyeFlow, 1 process", record="commit", workload="W1", connections=1, load=load, cpu_us=60, memory=10**8
    )
    table("W1", HEADS, rows([figure]))
    show_breakdown([broken_down("W1", [[0.001] * len(STAGES)] * 2, load, load, 0.04)])
    said = capsys.readouterr().out
    for word in ("p50", "p75", "p90", "p99", "load", "connector", "format", "serialise", "store", "network"):
        assert f" {word}" in said or f"\n{word}" in said, word
    assert all(number in said for number in ("1.25", "2.50", "3.75", "9.50", "1,000"))


def test_acceptance_60_tasks_a_day_and_latency_are_printed_with_the_hardware(capsys: pytest.CaptureFixture[str]):
    here = begin("overhead")
    took, disk = spread([8.0] * 99 + [40.0]), spread([1.0, 2.0])
    held = Overhead(
        workload="W1", fastest=2000, rate=1000, failed=0, calls_ms=0, latency=took, commit=disk, beyond_p50=7.0,
        beyond_p99=38.0,
    )  # fmt: skip
    show_overhead(Figures(alone=disk, workloads=(held,)))
    said = capsys.readouterr().out
    assert f"{here.cores} x {here.processor}" in said and here.cores > 0
    assert "could not keep" not in said
    show_overhead(Figures(alone=disk, workloads=(msgspec.structs.replace(held, failed=37, kept_up=False),)))
    worse = capsys.readouterr().out
    assert "W1: the server could not keep this rate up" in worse
    assert next(line for line in worse.splitlines() if line.startswith("W1 at")).endswith(" 37")
    assert "million a day" in said and "86.40" in said and "40.00" in said


@pytest.mark.parametrize(("load", "said"), [(0.0, False), (1_000_000.0, True)])
def test_acceptance_60_figures_of_a_machine_that_has_other_work_say_so(
    load: float, said: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("os.getloadavg", lambda: (load, 0.0, 0.0))
    assert begin("overhead").load == load
    assert ("this machine has other work" in capsys.readouterr().err) is said
