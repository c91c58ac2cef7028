"""From the shell to a command and back: `main`.

Knows: what every failure looks like at the edge. In: `sys.argv`. Out: the process's exit code.
Never: shows a traceback unless `--debug` or `EYEFLOW_DEBUG` asks for it, leaves a broken pipe or Ctrl-C unanswered.

Exit codes: 0 ok, 1 failed, 2 usage, 3 questions to answer, 4 refused, 5 changes found, 6 uncertain; 130 after Ctrl-C.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from enum import IntEnum
from typing import Final, TextIO

_GARBAGE_AFTER: Final = 20_000
"""Objects between two looks for garbage: a start makes many that stay, and looking at each of them takes its time."""


class Exit(IntEnum):
    """What the exit code of a command means."""

    OK = 0
    FAILED = 1
    USAGE = 2
    QUESTIONS = 3
    REFUSED = 4
    CHANGES = 5
    UNCERTAIN = 6
    INTERRUPTED = 130


def main() -> None:
    """Run the command that `sys.argv` names, and end the process with its exit code."""
    gc.set_threshold(_GARBAGE_AFTER, *gc.get_threshold()[1:])
    for stream in (sys.stdout, sys.stderr):
        _tolerate(stream)
    args = sys.argv[1:]
    if args == ["--version"]:
        sys.exit(_flushed(guarded(_version)))
    args, debug = _debug(args)
    if debug:
        os.environ["EYEFLOW_DEBUG"] = "1"
    as_json = "--json" in args
    code = guarded(lambda: _commands(args, as_json=as_json), debug=debug, as_json=as_json)
    sys.exit(_flushed(code))


def _version() -> int:
    print(version_line())
    return Exit.OK


def version_line() -> str:
    """What `eyeflow --version` prints."""
    from eyeflow import __version__

    return f"eyeflow {__version__}"


def guarded(run: Callable[[], int], *, debug: bool = False, as_json: bool = False) -> int:
    """The exit code of `run`; whatever it raises becomes words on stderr, or JSON on stdout, and a code."""
    try:
        return run()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return Exit.INTERRUPTED
    except BrokenPipeError:
        return Exit.FAILED
    except Exception as error:
        if debug:
            import traceback

            traceback.print_exc()
            return Exit.FAILED
        try:
            return _told(error, as_json=as_json)
        except OSError as unwritten:
            return _unwritten(unwritten)


def _told(error: Exception, *, as_json: bool) -> int:
    from eyeflow.cli.output import Screen
    from eyeflow.errors import EyeFlowError

    screen = Screen(as_json=as_json)
    if isinstance(error, EyeFlowError):
        screen.failure(error)
        return Exit.FAILED
    if isinstance(error, OSError):
        name = f"{error.filename}: " if error.filename else ""
        screen.problem(f"{name}{(error.strerror or str(error)).lower()}")
        return Exit.FAILED
    said = str(error).partition("\n")[0][:300]
    screen.problem(
        f"this is a bug in eyeflow: {type(error).__name__}: {said}",
        hint="the same command with --debug shows where; please report it",
    )
    return Exit.FAILED


def _commands(args: list[str], *, as_json: bool = False) -> int:
    from eyeflow.cli.app import app

    if not as_json:
        app(args=args, prog_name="eyeflow")
        return Exit.OK
    try:
        found = app(args=args, prog_name="eyeflow", standalone_mode=False)
    except Exception as error:
        return _misused(error)
    return found if isinstance(found, int) else Exit.OK


def _misused(error: Exception) -> int:
    """Arguments that do not fit, as the one JSON document. Their error's class is in click or inside typer, by
    typer's version. Raises: any other error, again."""
    spelled = getattr(error, "format_message", None)
    if spelled is None:
        if type(error).__name__ == "Abort":
            raise KeyboardInterrupt from error
        raise error
    from eyeflow.cli.output import Screen

    at = getattr(getattr(error, "ctx", None), "command_path", "eyeflow")
    Screen(as_json=True).problem(str(spelled()), hint=f"{at} --help", code="usage")
    return Exit.USAGE


def _debug(args: list[str]) -> tuple[list[str], bool]:
    """The arguments without `--debug`, which may stand anywhere before `--`."""
    end = args.index("--") if "--" in args else len(args)
    kept = [each for each in args[:end] if each != "--debug"]
    wanted = len(kept) < end or os.environ.get("EYEFLOW_DEBUG", "") not in ("", "0")
    return [*kept, *args[end:]], wanted


def _tolerate(stream: TextIO) -> None:
    """Text that the terminal's encoding does not have is shown as escapes instead of ending the command."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")


def _flushed(code: int) -> int:
    """`code`, after what was printed has left; a reader that went away is not an error worth words."""
    try:
        sys.stdout.flush()
    except OSError as error:
        return code or _unwritten(error)
    return code


def _unwritten(error: OSError) -> int:
    """What stdout does not take is said on stderr, also where it would have been JSON, and not tried again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not isinstance(error, BrokenPipeError):
        print(f"error: the output cannot be written: {(error.strerror or str(error)).lower()}", file=sys.stderr)
    return Exit.FAILED
