"""Changes to an automation in plain English: what is different afterwards, what is asked, what is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from eyeflow.compilation import Compilation, Revision, compile_text, revise
from eyeflow.recurrence import Recurrence, upcoming
from eyeflow.recurrence.cronlines import as_rules

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
DAILY = "Every day at 9am post the weather of Paris to #team"
PAYMENT = "When a payment fails, tell #finance and email billing@acme.io"
WEEKLY = 'Every Monday at 9am post "plan" to #team'
FORTNIGHT = 'Every other Monday at 9am post "plan" to #team and post "plan" to #ops'
STEPS = 'Every 15 minutes between 9 and 5 on weekdays get https://acme.io/health and if it fails post "down" to #team'
TWICE = 'Every day at 9am and 5pm post "x" to #team'
ONCE = 'Tomorrow at 9am post "x" to #team'
CHOICE = 'If the temperature in Paris is below 5 degrees celsius post "cold" to #team, otherwise post "warm" to #ops'


def made(text: str) -> Compilation:
    found = compile_text(text, now=NOW, zone="UTC")
    assert found.outcome == "program", found.report
    return found


def changed(text: str, change: str, **answers: str) -> Revision:
    return revise(made(text), change, answers={slot.replace("__", "."): said for slot, said in answers.items()})


def differences(found: Revision) -> list[str]:
    assert found.difference is not None, (found.questions, found.refusals, found.report)
    return [each.text for each in found.difference.changes if not each.text.startswith("DEADLINE")]


ISSUES = "Every Monday at 8am post the open issues of acme/api to #dev"
HOME = 'Every day at 5pm email bob@example.com "Go home" with the subject "Home"'
HOME2 = 'Every day at 5pm email bob@example.com and kim@example.com "Go home"'
BOTH_MAILS = 'Every day at 5pm email bob@example.com "Go home" and email kim@example.com "Lock up"'
BOTH = 'Every day at 9am post "Stand-up" to #team and text +15550111 "Stand-up now"'
RISING = 'Every hour if the temperature in Rome is above 30 degrees celsius text +15550111 "Hot"'
WAITING = 'When a payment fails, email billing@acme.io "Failed", wait 10 minutes, then post "Follow up" to #finance'
RETRIED = 'Every 10 minutes fetch https://acme.io/ping, retry 2 times, and if it fails text +15550111 "Down"'
OPENED = "When an issue is opened in acme/api, post its title to #dev"
ASKED = "When a payment fails, ask me for approval, then refund the payment"


@pytest.mark.parametrize(
    ("text", "change", "start"),
    [
        (DAILY, "make it 10am instead", "every day at 10:00 (UTC)"),
        (DAILY, "change it from 9am to 10:30am", "every day at 10:30 (UTC)"),
        (DAILY, "move it to noon London time", "every day at 12:00 (Europe/London)"),
        (DAILY, "only on weekdays", "every weekday at 09:00 (UTC)"),
        (DAILY, "only on weekdays and at 7:30am", "every weekday at 07:30 (UTC)"),
        (DAILY, "every Friday at 5pm instead", "every Friday at 17:00 (UTC)"),
        (DAILY, "on the 1st of every month", "on the 1st of every month at 09:00 (UTC)"),
        (DAILY, "every 2 hours", "every 2 hours (UTC)"),
        (DAILY, "not on Fridays", "every day at 09:00, except on Fridays (UTC)"),
        (DAILY, "until December 20", "every day at 09:00, until 20 December 2026 (UTC)"),
        (TWICE, "make it 8am and 4pm", "every day at 08:00 and 16:00 (UTC)"),
        (FORTNIGHT, "move it to Tuesday", "every other week on Tuesday at 09:00 (UTC)"),
        (STEPS, "only on Mondays", "every 15 minutes from 09:00 to 16:59 on Monday (UTC)"),
        (DAILY, "never on Sundays", "every day at 09:00, except on Sundays (UTC)"),
        (DAILY, "don't run on Fridays", "every day at 09:00, except on Fridays (UTC)"),
        (DAILY, "skip weekends", "every day at 09:00, except on Saturdays and Sundays (UTC)"),
        (DAILY, "also at 6pm", "every day at 09:00 and 18:00 (UTC)"),
        (DAILY, "half an hour earlier", "every day at 08:30 (UTC)"),
        (DAILY, "move it an hour later", "every day at 10:00 (UTC)"),
        (WEEKLY, "also on Saturdays", "every Monday and Saturday at 09:00 (UTC)"),
        (WEEKLY, "and on Saturdays at 11am too", "every Monday at 09:00; and every Saturday at 11:00 (UTC)"),
        (STEPS, "every 30 minutes", "every 30 minutes from 09:00 to 16:59 on weekdays (UTC)"),
        (STEPS, "every 5 minutes, not every 15 minutes", "every 5 minutes from 09:00 to 16:59 on weekdays (UTC)"),
        (STEPS, "only between 10 and 12", "every 15 minutes from 10:00 to 11:59 on weekdays (UTC)"),
        (ONCE, "make it 10am", "once, at 2026-11-24 10:00 (UTC)"),
        (ONCE, "make it Friday", "once, at 2026-11-27 09:00 (UTC)"),
    ],
)
def test_another_time_keeps_what_was_not_said(text: str, change: str, start: str) -> None:
    (told,) = differences(changed(text, change))
    assert told.startswith(f"it starts {start}, no longer")


@pytest.mark.parametrize(
    ("text", "change", "told"),
    [
        (DAILY, "change the channel to #ops", ['message: channel is "#ops", it was "#team"']),
        (DAILY, "post it to #ops instead", ['message: channel is "#ops", it was "#team"']),
        (DAILY, "use Rome instead of Paris", ['weather: location is "Rome", it was "Paris"']),
        (DAILY, "change Paris to Rome", ['weather: location is "Rome", it was "Paris"']),
        (DAILY, "change the city to Rome", ['weather: location is "Rome", it was "Paris"']),
        (FORTNIGHT, 'change "plan" to "agenda"',
         ['message: text is "agenda", it was "plan"', 'message_2: text is "agenda", it was "plan"']),
        (FORTNIGHT, "change #ops to #x", ['message_2: channel is "#x", it was "#ops"']),
        (CHOICE, 'change "cold" to "freezing"',
         ['choice > if LT(weather.temp, 5 celsius) > message: text is "freezing", it was "cold"']),
        (PAYMENT, "send it to ar@acme.io instead", ['message_2: to is "ar@acme.io", it was "billing@acme.io"']),
        (PAYMENT, "only over $500", ["WHERE is GT(trigger.amount, 500 usd); it was not given before"]),
        (DAILY, "retry 3 times", ["message: RETRY is 3 attempts; it was not given before"]),
    ],
)  # fmt: skip
def test_another_value_is_the_only_difference(text: str, change: str, told: list[str]) -> None:
    assert differences(changed(text, change)) == told


def test_an_action_more_may_speak_of_what_is_there() -> None:
    found = changed(DAILY, "also email it to ops@example.com")
    (told,) = differences(found)
    assert told.startswith('message_2 is added: email.send as email (to "ops@example.com"; body "{weather.summary}"')
    found = changed(PAYMENT, "also ask me before refunding it")
    assert [each.partition(" is added")[0] for each in differences(found)] == ["approval", "create_refund"]
    assert found.made is not None
    assert "AFTER approval" in found.made.ir


@pytest.mark.parametrize("change", ["also email it to ops@example.com", "send it to ops@example.com as well",
                                    "email this to ops@example.com too",
                                    "and email it to ops@example.com"])  # fmt: skip
@pytest.mark.parametrize(
    ("text", "body"),
    [
        (WEEKLY, "plan"),
        ("Every Monday at 8am post the open issues of acme/api to #dev", "{issues.issues}"),
        ("Every Friday at 4pm for each open issue of acme/api post its title to #dev", "{issue.title}"),
        ("Every day at 6pm post the number of open issues of acme/api to #dev", "{issues.count}"),
        ('When a payment fails, post "Payment {payment.id} failed" to #finance', "Payment {trigger.id} failed"),
        ('Every day at 7am if the temperature in Rome is below 5 degrees celsius post "Cold!" to #team', "Cold!"),
        ("When /orders receives a POST request with customer, post the customer to #sales", "{trigger.customer}"),
    ],
)
def test_it_is_what_the_automation_says_now(text: str, body: str, change: str) -> None:
    (told,) = differences(changed(text, change))
    assert f'email.send as email (to "ops@example.com"; body "{body}"; subject "Message from EyeFlow"' in told


def test_of_several_messages_the_one_that_is_meant_is_asked() -> None:
    text = 'Every day at 9am post "Stand-up" to #team and text +15550111 "Come"'
    asked = changed(text, "also email it to ops@example.com")
    assert [(question.slot, question.options) for question in asked.questions] == [
        ("edit.says", ("send_sms", "message"))
    ]
    (told,) = differences(changed(text, "also email it to ops@example.com", edit__says="message"))
    assert 'body "Stand-up"' in told


def test_the_same_mail_once_more_has_the_same_subject() -> None:
    text = 'Every day at 5pm email bob@example.com "Go home" with the subject "Home"'
    (told,) = differences(changed(text, "also send it to kim@example.com"))
    assert 'subject "Home"; body "Go home"' in told


@pytest.mark.parametrize(
    ("text", "change", "told"),
    [
        (DAILY, "in Berlin, not Paris", ['weather: location is "Berlin", it was "Paris"']),
        (DAILY, "for Berlin rather than Paris", ['weather: location is "Berlin", it was "Paris"']),
        (RISING, "above 35", ["choice: a branch is taken if GT(weather.temp, 35 celsius), no longer if "
                              "GT(weather.temp, 30 celsius)"]),
        (BOTH, "change the number to +15550122", ['send_sms: to is "+15550122", it was "+15550111"']),
        (DAILY, "in Berlin instead", ['weather: location is "Berlin", it was "Paris"']),
        (ISSUES, "from acme/web rather than acme/api", ['issues: repo is "acme/web", it was "acme/api"']),
        (WEEKLY, "change the text to New plans are due", ['message: text is "New plans are due", it was "plan"']),
        (PAYMENT, "the email should go to ar@acme.io", ['message_2: to is "ar@acme.io", it was "billing@acme.io"']),
        (HOME, "cc lee@example.com", ['message: cc is ["lee@example.com"]; it was not given before']),
        (RISING, "make it above 35", ["choice: a branch is taken if GT(weather.temp, 35 celsius), no longer if "
                                      "GT(weather.temp, 30 celsius)"]),
        (RISING, "above 35 degrees instead of 30", ["choice: a branch is taken if GT(weather.temp, 35 celsius), no "
                                                    "longer if GT(weather.temp, 30 celsius)"]),
        (WAITING, "wait an hour instead of 10 minutes", ["wait: FOR is 1 hours, it was 10 minutes"]),
        (WAITING, "only wait 5 minutes", ["wait: FOR is 5 minutes, it was 10 minutes"]),
        (DAILY, "only if it is above 10 degrees", ["message: WHEN is GT(weather.temp, 10); it was not given before"]),
        (DAILY, "unless it is above 10 degrees",
         ["message: WHEN is NOT(GT(weather.temp, 10)); it was not given before"]),
        (RETRIED, "retry 5 times", ["get: RETRY is 5 attempts, it was 2 attempts"]),
        (RETRIED, "don't retry", ["get: RETRY is not given any more; it was 2 attempts"]),
        (RETRIED, "wait 10 seconds between the tries",
         ["get: RETRY is 2 attempts, 10000 ms apart, it was 2 attempts"]),
        (OPENED, "also add the author",
         ['message: text is "{trigger.title}\\n{trigger.author}", it was "{trigger.title}"']),
        (OPENED, "only if the title contains bug",
         ['WHERE is CONTAINS(trigger.title, "bug"); it was not given before']),
        (PAYMENT, "ignore payments below 50 dollars",
         ["WHERE is NOT(LT(trigger.amount, 50 usd)); it was not given before"]),
    ],
)  # fmt: skip
def test_a_value_a_number_or_a_condition_changes_alone(text: str, change: str, told: list[str]) -> None:
    assert differences(changed(text, change)) == told


@pytest.mark.parametrize(
    ("text", "change", "gone"),
    [
        (HOME2, "stop emailing bob", "message"),
        (HOME2, "stop emailing bob@example.com", "message"),
        (BOTH, "remove the SMS", "send_sms"),
        (BOTH, "text only", "message"),
        (PAYMENT, "skip the email", "message_2"),
        (BOTH, "drop the text message", "send_sms"),
        (BOTH, "don't post to Slack any more, only text", "message"),
        (BOTH, "no SMS please", "send_sms"),
        (WAITING, "no need to wait", "wait"),
        (ASKED, "no need to ask me", "approval"),
    ],
)
def test_what_is_not_wanted_any_more_goes(text: str, change: str, gone: str) -> None:
    found = [told for told in differences(changed(text, change)) if "AFTER" not in told]
    assert [told.partition(" is removed")[0] for told in found] == [gone]


def test_what_came_after_a_wait_comes_after_what_that_waited_for() -> None:
    assert "message_2: AFTER is message, it was wait" in differences(changed(WAITING, "don't wait"))


@pytest.mark.parametrize("change", ["and ask me before", "ask me first", "let me approve it first",
                                    "ask me before posting it"])  # fmt: skip
def test_somebody_is_asked_before_anything_is_done(change: str) -> None:
    found = changed(WEEKLY, change)
    assert found.made is not None, found
    assert found.made.readback.steps[0].startswith("ask the owner to approve:")
    assert "(after approval)" in found.made.readback.steps[1]


def test_another_service_says_the_same() -> None:
    for change in ("use email to me@example.com instead of Slack", "email it to me@example.com instead",
                   "email me@example.com rather than posting to Slack"):  # fmt: skip
        found = changed(WEEKLY, change)
        assert found.made is not None, (change, found)
        (step,) = found.made.readback.steps
        assert step.startswith("send an email (Email): to “me@example.com”, body “plan”"), change


def test_the_other_side_of_a_choice_is_added() -> None:
    found = changed(RISING, 'otherwise post "Fine" to #team')
    assert found.made is not None
    assert [step.strip() for step in found.made.readback.steps[-2:]] == [
        "otherwise:", "send a message to a channel (Slack): channel “#team”, text “Fine”"
    ]  # fmt: skip


def test_how_many_of_a_list_changes() -> None:
    text = "Every morning at 8am post the 3 newest open issues of acme/api to #news"
    for change in ("for the top 5 rather than 3", "make it the top 5", "the 5 newest, not 3"):
        (told,) = differences(changed(text, change))
        assert '"desc"), 0, 5), it was ' in told


def test_a_receiver_more_gets_the_same() -> None:
    (told,) = differences(changed(HOME, "add lee@example.com to the recipients"))
    assert 'to "lee@example.com"; subject "Home"; body "Go home"' in told
    asked = changed(BOTH_MAILS, "cc boss@example.com")
    assert [question.slot for question in asked.questions] == ["edit.message"]


def test_an_action_more_stands_where_the_one_it_joins_stands() -> None:
    (told,) = differences(changed(STEPS, 'also post "down" to #ops'))
    assert told.startswith("get > fallback > message_2 is added")
    asked = changed(CHOICE, 'also email me@x.io "hi"')
    assert [question.slot for question in asked.questions] == ["edit.beside"]
    (told,) = differences(changed(CHOICE, 'also email me@x.io "hi"', edit__beside="message_2"))
    assert "otherwise" in told
    assert "message_3 is added" in told


def test_an_action_less_takes_the_reads_along_that_only_it_used() -> None:
    text = 'Every day at 9am post the weather of Paris to #team and email me@acme.io "good morning"'
    told = differences(changed(text, "remove the message to #team"))
    assert {each.partition(" is removed")[0] for each in told} == {"message", "weather"}
    for change in ("remove the email", "don't email billing@acme.io anymore", "stop emailing billing@acme.io"):
        (one,) = differences(changed(PAYMENT, change))
        assert one.startswith("message_2 is removed: email.send")


def test_several_changes_at_once() -> None:
    change = "make it 8am and change the channel to #ops, and also email it to ops@example.com"
    assert len(differences(changed(DAILY, change))) == 3


@pytest.mark.parametrize(
    ("text", "change", "slot", "answer"),
    [
        (DAILY, "at 5", "trigger.time", "17:00"),
        (FORTNIGHT, "change the channel to #x", "edit.place", "message.channel"),
        (FORTNIGHT, "remove the message", "edit.action", "message"),
    ],
)
def test_what_is_open_is_asked_and_the_answer_settles_it(text: str, change: str, slot: str, answer: str) -> None:
    asked = changed(text, change)
    assert [question.slot for question in asked.questions] == [slot]
    assert asked.made is None
    assert len(differences(changed(text, change, **{slot.replace(".", "__"): answer}))) == 1


@pytest.mark.parametrize(
    ("text", "change"),
    [
        (DAILY, "make it purple"),
        (DAILY, "email it to ops@example.com"),
        (DAILY, 'change the subject to "hi"'),
        (DAILY, "remove everything"),
        (DAILY, "remove the message"),
        (DAILY, "make it 10am and paint it green"),
        (DAILY, "use Rome instead of Berlin"),
        (DAILY, "change the channel to 17 dancing bears, please"),
        (PAYMENT, "make it 10am"),
        (PAYMENT, "only if it is nice"),
        (TWICE, "make it 10am"),
        (STEPS, "make it 10am"),
        (DAILY, ""),
        (DAILY, " \n "),
        (DAILY, "make it 10am\x00"),
        (DAILY, "x" * 5000),
        (DAILY, "\u202emake it \ud83d\udca3".encode("utf-16", "surrogatepass").decode("utf-16")),
    ],
)
def test_a_change_that_is_not_understood_changes_nothing(text: str, change: str) -> None:
    found = changed(text, change)
    assert found.outcome == "refused", (found.outcome, found.difference)
    assert found.made is None
    assert found.refusals[0].reason


def test_a_hand_written_program_is_changed_too_and_says_so() -> None:
    source = (
        'TASK report\n  TRIGGER schedule(09:00, weekly(MO), "UTC")\n\n'
        "  ACTION post\n    TYPE connector_call\n    CONNECTOR slack_notify\n    FUNCTION send_message\n"
        '    PARAMS {channel: "#team", text: "hi {{you}}"}\n'
    )
    first = compile_text(source, now=NOW)
    assert first.outcome == "program", first.report
    found = revise(first, "make it 10am and change the channel to #ops")
    assert len(differences(found)) == 2
    assert found.made is not None
    assert "hi {{you}}" in found.made.ir
    assert "Changed: make it 10am" in found.made.ir


def test_the_changed_program_compiles_to_itself() -> None:
    found = changed(DAILY, "make it 10am, also email it to ops@example.com")
    assert found.made is not None
    again = compile_text(found.made.ir, now=NOW)
    assert again.program == found.made.program


LIMIT = "When a payment fails for more than $500, post the reason to #finance"
PAUSED = 'Post "a" to #team, wait 10 minutes, then text +15550111 "b"'
TRIED = 'Every day at 7am fetch https://a.io/x, retry 3 times, and if it fails post "Down" to #ops'


@pytest.mark.parametrize(
    ("text", "change", "old", "new"),
    [
        (CHOICE, "if below 3 instead of 5", "less than 5°C", "less than 3°C"),
        (CHOICE, 'post "freezing" instead of "cold"', "text “cold”", "text “freezing”"),
        (LIMIT, "if over 1000 dollars instead of 500", "more than $500", "more than $1,000"),
        (LIMIT, "change the limit to $750", "more than $500", "more than $750"),
        (LIMIT, "raise the threshold to 800", "more than $500", "more than $800"),
        (LIMIT, "post to #money instead of #finance", "channel “#finance”", "channel “#money”"),
        (PAUSED, "wait 30 minutes instead", "wait 10 minutes", "wait 30 minutes"),
        (TRIED, "retry 5 times", "trying up to 3 times", "trying up to 5 times"),
    ],
)
def test_one_part_changes_and_the_rest_stays(text: str, change: str, old: str, new: str) -> None:
    before = made(text)
    after = revise(before, change).made
    assert after is not None, revise(before, change)
    assert before.readback.text().count(old) == 1
    told = before.readback.text().replace(old, new).partition("It gives up")[0]
    assert after.readback.text().partition("It gives up")[0] == told


@pytest.mark.parametrize(
    ("text", "change"),
    [
        (CHOICE, "if below 3 instead of 7"), (CHOICE, "if below 30 fahrenheit instead of 5"),
        (CHOICE, "say bitter cold instead of cold"), (DAILY, "if above 30 instead of 25"),
        (DAILY, "wait 5 minutes instead"), (DAILY, "rename it to 7up!"), (LIMIT, "change the limit"),
        (DAILY, "rename it to 9"),
    ],
)  # fmt: skip
def test_what_is_not_there_or_not_sure_changes_nothing(text: str, change: str) -> None:
    assert changed(text, change).outcome in ("questions", "refused")


def test_an_automation_is_renamed() -> None:
    after = changed(DAILY, "rename it to lunch_call").made
    assert after is not None and after.task is not None
    assert after.task.name == "lunch_call"


def test_a_second_message_never_says_the_receipt_of_the_first() -> None:
    found = changed('Every day at 9am post "Lunch" to #team', "post it to #ops as well")
    assert found.made is None or "text “Lunch”" in found.made.readback.steps[1]


CRON = """TASK nightly
  TRIGGER schedule(cron "{}", "UTC")

  ACTION tell
    TYPE connector_call
    CONNECTOR slack_notify
    FUNCTION send_message
    PARAMS {{
      channel: "#ops",
      text: "x"
    }}
"""


@pytest.mark.parametrize(
    "line",
    ["0 9 * * *", "30 6,18 * * 1-5", "*/15 8-17 * * MON-FRI", "0 0 1,15 * *", "5 4 * JAN,JUL SUN", "0 12 13 * 5",
     "10 * * * *", "* 3 * * *", "0 0 * * 7", "15 10 1-7 */3 *"],
)  # fmt: skip
def test_a_cron_line_and_its_rules_fire_together(line: str) -> None:
    rules = as_rules(line)
    assert rules is not None
    assert upcoming(Recurrence(rules=rules), NOW, 60) == upcoming(Recurrence(cron=line), NOW, 60)


@pytest.mark.parametrize(
    "line", ["0 9 L * *", "0 9 * * 5#2", "0 9 */2 * 1", "61 9 * * *", "0 9 * *", "@daily", "0 9-8 * * *"]
)
def test_a_cron_line_of_another_kind_has_no_rules(line: str) -> None:
    assert as_rules(line) is None


@pytest.mark.parametrize(
    ("line", "change", "start"),
    [
        ("0 9 * * 1-5", "make it 10am instead", "Every weekday at 10:00 (UTC)"),
        ("0 9 * * *", "only on Mondays", "Every Monday at 09:00 (UTC)"),
        ("0 9 1 * *", "until December 24", "On the 1st of every month at 09:00, until 24 December 2026 (UTC)"),
        ("30 18 * * *", "not on Sundays", "Every day at 18:30, except on Sundays (UTC)"),
    ],
)
def test_a_cron_schedule_is_changed_in_words(line: str, change: str, start: str) -> None:
    found = revise(compile_text(CRON.format(line), now=NOW), change).made
    assert found is not None, revise(compile_text(CRON.format(line), now=NOW), change)
    assert found.readback.when == f"{start}:"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("and not on weekends", "it starts every day at 09:00, except on Saturdays and Sundays (UTC), no longer"),
        ("move it to 17", "it starts every day at 17:00 (UTC), no longer every day at 09:00 (UTC)"),
        ("at 10am not 9am", "it starts every day at 10:00 (UTC), no longer every day at 09:00 (UTC)"),
    ],
)
def test_when_it_runs_is_changed_in_few_words(change: str, told: str) -> None:
    found = differences(changed(DAILY, change))
    assert len(found) == 1 and found[0].startswith(told), found


def test_an_hour_alone_is_asked_about() -> None:
    assert [q.slot for q in changed(DAILY, "make it 11").questions] == ["trigger.time"]
    settled = changed(DAILY, "make it 11", trigger__time="11:00")
    assert differences(settled) == ["it starts every day at 11:00 (UTC), no longer every day at 09:00 (UTC)"]


@pytest.mark.parametrize("change", ["not at night", "in Fahrenheit please"])
def test_what_cannot_be_changed_so_changes_nothing_else(change: str) -> None:
    found = changed(DAILY, change)
    assert found.difference is None and not found.questions
    assert [each.text for each in found.refusals]


def test_stopping_one_thing_and_doing_another_instead_is_one_change() -> None:
    found = differences(changed(DAILY, "stop sending to slack and email ops@example.com instead"))
    assert [line.partition(":")[0] for line in found] == ["message is removed", "message_2 is added"]
