"""What commands say of answers that are not used or not taken, and of what a program takes for granted."""

from __future__ import annotations

import json

from cli.shell import Command

SENTENCE = "Send weather to Slack every morning at 9am"
GIVEN = ("--answer", "message.channel=#general")


def test_an_answer_that_is_refused_is_told_with_the_question(eyeflow: Command) -> None:
    done = eyeflow("explain", SENTENCE, *GIVEN, "--answer", "weather.location=")
    assert done.code == 3
    assert "weather.location:" in done.said
    assert "bad_answer" in done.said
    assert "it is empty" in done.said


def test_an_answer_to_nothing_is_told(eyeflow: Command) -> None:
    for command in ("explain", "compile", "intent"):
        given = (*GIVEN, "--answer", "weather.location=Rome", "--answer", "weather.locaton=Oslo")
        done = eyeflow(command, SENTENCE, *given)
        assert done.code == 0, done.said
        assert "unknown_answer" in done.said
        assert "weather.location" in done.said


def test_a_simulation_tells_of_answers_too(eyeflow: Command) -> None:
    done = eyeflow("simulate", SENTENCE, *GIVEN, "--answer", "location=Rome", "--answer", "colour=red")
    assert "'colour'" in done.said


def test_defaults_are_listed_as_assumed(eyeflow: Command) -> None:
    sentence = 'Email kim@acme.io "Hello"'
    said = eyeflow("explain", sentence).said
    assert 'message.subject = "Message from EyeFlow" (the catalog\'s default)' in said
    assert said.count("Message from EyeFlow") == 2  # in the step and among what was assumed
    held = json.loads(eyeflow("explain", sentence, "--json").out)
    assert any("message.subject" in line for line in held["readback"]["assumed"])
