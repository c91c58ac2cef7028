"""`eyeflow completion`: the script that lets a shell complete commands and options.

Knows: which shells there are. In: the name of one. Out: a script on stdout. Never: changes a file of the shell.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from eyeflow.cli.context import JsonOption
from eyeflow.cli.output import Screen
from eyeflow.cli.reading import stop
from eyeflow.cli.start import Exit

SHELLS = ("bash", "zsh", "fish", "powershell")


def completion(
    shell: Annotated[
        str | None, typer.Argument(metavar="bash|zsh|fish|powershell", help="The shell; else that of SHELL.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print the script that completes eyeflow's commands in a shell.

    \b
    Examples:
      eval "$(eyeflow completion bash)"
      eyeflow completion fish > ~/.config/fish/completions/eyeflow.fish
    """
    from typer import completion as made

    screen = Screen(as_json=as_json)
    wanted = shell or Path(os.environ.get("SHELL", "")).name
    if wanted not in SHELLS:
        said = f"{shell[:40]!a} is no shell that is known here" if shell else "SHELL does not say which shell it is"
        stop(screen, said, hint=f"one of {', '.join(SHELLS)}", code=Exit.USAGE)
    spelled = getattr(made, "get_completion_script")  # noqa: B009 - it is there, and not declared as exported
    script: str = spelled(prog_name="eyeflow", complete_var="_EYEFLOW_COMPLETE", shell=wanted)
    if as_json:
        screen.json({"shell": wanted, "script": script})
    else:
        sys.stdout.write(script + "\n")
