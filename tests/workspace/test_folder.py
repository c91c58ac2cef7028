"""A folder as truth: plan, apply, export, and back again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from eyeflow.engine.model import Principal
from eyeflow.store.port import Insert
from eyeflow.store.records import ConnectionRecord, SecretRecord, TaskRecord, VersionRecord
from eyeflow.workspace.errors import Clash, Forbidden, Invalid
from eyeflow.workspace.folderfiles import FolderFile, read_folder, write_folder
from eyeflow.workspace.planning import ApplyRequest, ApplyView
from eyeflow.workspace.settings import WorkspaceSettings
from workspace.house import ANA, BO, EVE, HELLO, VIC, House

TOML = """
[connections.slack_daily]
service = "slack"
credential = "vault:slack"
defaults = {channel = "#general"}

[connections.weather]
service = "openweather"
credential = "vault:weather"

[profile]
timezone = "Europe/Paris"
city = "Paris"
me = {name = "Ana", email = "ana@acme.io"}

[policy]
"stripe.create_refund" = ["owner"]

[tasks.morning]
aliases = ["wake_up"]

[tasks.hello]
state = "paused"
"""
FILES = (
    FolderFile("morning.txt", "Send weather to Slack every morning at 9am\n"),
    FolderFile("hello.eir", HELLO),
    FolderFile("eyeflow.toml", TOML),
)


@pytest.fixture
async def home(house: House) -> House:
    for name in ("slack", "weather", "slack2"):
        row = SecretRecord(name=name, sealed=b"", wrapped=b"", kek="k", created_by="ana", created_ms=0)
        await house.store.write(Insert(row))
    return house


async def apply(house: House, *files: FolderFile, who: Principal = ANA, **more: bool) -> ApplyView:
    return await house.workspace.folder.apply(who, ApplyRequest(files=files or FILES, **more))


def changed(*, of: str, text: str, files: tuple[FolderFile, ...] = FILES) -> tuple[FolderFile, ...]:
    return tuple(FolderFile(each.name, text) if each.name == of else each for each in files)


async def test_a_plan_says_everything_and_changes_nothing(home: House):
    view = await apply(home, plan=True)
    assert view.changed and not view.applied
    assert [(each.task, each.change) for each in view.tasks] == [("hello", "create"), ("morning", "create")]
    assert {each.item for each in view.items} == {"connection:slack_daily", "connection:weather", "profile", "policy"}
    assert await home.store.count(TaskRecord) == 0 and await home.store.count(ConnectionRecord) == 0


async def test_applying_makes_it_so_and_again_changes_nothing(home: House):
    assert (await apply(home)).applied
    morning = await home.workspace.tasks.get(ANA, "wake_up")
    assert (morning.name, morning.accounts) == ("morning", ("slack_daily", "weather"))
    assert (await home.workspace.tasks.get(ANA, "hello")).state == "paused"
    assert (await home.workspace.profiles.get(ANA)).confirmed
    again = await apply(home, plan=True)
    assert not again.changed and {each.change for each in again.tasks} == {"unchanged"}


async def test_an_export_applied_changes_nothing_here_and_everything_elsewhere(home: House, tmp_path: Path):
    await apply(home)
    await home.deploy('TASK note-it\n  TRIGGER manual()\n  ACTION a\n    TYPE log\n    MESSAGE "x"\n')
    intent = {"text": "c", "outcome": "program", "trigger": {"type": "manual"}, "actions": [{"id": "a", "value": "1"}]}
    await home.deploy(msgspec.json.encode(intent).decode(), language="intent", name="counted")
    await home.deploy('post "hi" to #general every day at 9am', name="tried", practice=True)
    files = await home.workspace.folder.export(ANA)
    assert {each.name for each in files} == {
        "morning.txt", "hello.eir", "note-it.eir", "counted.eir", "tried.txt", "eyeflow.toml",
    }  # fmt: skip
    write_folder(tmp_path / "out", files)
    back, other = read_folder(tmp_path / "out")
    assert other == () and {each.name: each.text for each in back} == {each.name: each.text for each in files}
    view = await apply(home, *back, plan=True)
    assert not view.changed, view


async def test_values_that_are_hard_to_spell_survive_an_export(home: House):
    text = 'quote " backslash \\ tab \t del \x7f snow ☃ line\nend'
    toml = f"[connections.s]\nservice = 'slack'\ndefaults = {{text = {msgspec.json.encode(text).decode()!s}}}\n"
    await apply(home, FolderFile("eyeflow.toml", toml.replace("\x7f", "\\u007f")))
    files = await home.workspace.folder.export(ANA)
    assert not (await apply(home, *files, plan=True)).changed
    assert (await home.workspace.connections.get(ANA, "s")).defaults == {"text": text}


async def test_one_bad_file_applies_nothing_and_every_finding_has_its_file(home: House):
    bad = (*FILES, FolderFile("zz.txt", "Dance with the moon"), FolderFile("broken.eir", "TASK broken\n  OOPS\n"))
    with pytest.raises(Invalid) as stopped:
        await apply(home, *bad)
    assert stopped.value.code == "bad_folder"
    assert {each.place.source for each in stopped.value.report.diagnostics} == {"zz.txt", "broken.eir"}
    assert await home.store.count(TaskRecord) == 0 and await home.store.count(ConnectionRecord) == 0


async def test_questions_are_findings_until_the_folder_answers_them(home: House):
    sentence = FolderFile("weather.txt", "Send weather to Slack every morning at 9am")
    connections = TOML.partition("[profile]")[0].replace('defaults = {channel = "#general"}\n', "")
    with pytest.raises(Invalid) as stopped:
        await apply(home, sentence, FolderFile("eyeflow.toml", connections))
    assert {each.code for each in stopped.value.report.diagnostics} == {"question"}
    answers = '[tasks.weather.answers]\n"weather.location" = "Paris"\n"message.channel" = "#general"\n'
    assert (await apply(home, sentence, FolderFile("eyeflow.toml", connections + answers))).applied
    files = await home.workspace.folder.export(ANA)
    assert not (await apply(home, *files, plan=True)).changed


async def test_a_change_is_told_in_sentences_and_deployed(home: House):
    await apply(home)
    later = changed(of="morning.txt", text="Send weather to Slack every morning at 8am")
    view = await apply(home, *later)
    said = next(each for each in view.tasks if each.task == "morning")
    assert said.change == "update" and said.compared is not None
    assert any("08:00" in change.text for change in said.compared.changes)
    assert (await home.workspace.tasks.get(ANA, "morning")).version == 2
    assert await home.store.count(VersionRecord) == 3


async def test_other_words_for_the_same_program_deploy_nothing(home: House):
    await apply(home, FolderFile("hello.eir", HELLO))
    view = await apply(home, FolderFile("hello.eir", "# a comment\n" + HELLO))
    assert not view.changed and (await home.workspace.tasks.get(ANA, "hello")).version == 1


async def test_what_is_not_in_the_folder_is_kept_unless_pruned(home: House):
    await apply(home)
    only = tuple(each for each in FILES if each.name != "hello.eir")
    only = changed(of="eyeflow.toml", text=TOML.replace('[tasks.hello]\nstate = "paused"\n', ""), files=only)
    view = await apply(home, *only, plan=True)
    assert [(each.task, each.change) for each in view.tasks] == [("morning", "unchanged"), ("hello", "kept")]
    assert not view.changed
    assert (await apply(home, *only, prune=True)).applied
    assert [task.name for task in await home.workspace.tasks.page(ANA)] == ["morning"]


async def test_an_environment_is_another_map_of_accounts(home: House):
    """The same sentences, another credential: the tasks that use the account are deployed anew with it."""
    await apply(home)
    other = changed(of="eyeflow.toml", text=TOML.replace('"vault:slack"', '"vault:slack2"'))
    view = await apply(home, *other)
    assert view.applied and (await home.workspace.connections.get(ANA, "slack_daily")).credential == "vault:slack2"
    assert (await home.workspace.tasks.get(ANA, "morning")).version == 2
    assert not (await apply(home, *other, plan=True)).changed


async def test_an_account_does_not_change_under_a_task_that_is_not_in_the_folder(home: House):
    await apply(home)
    only = (FolderFile("eyeflow.toml", '[connections.slack_daily]\nservice = "slack"\ncredential = "vault:slack2"\n'),)
    with pytest.raises(Clash) as stopped:
        await apply(home, *only)
    assert stopped.value.code == "in_use"


async def test_state_and_names_follow_the_folder(home: House):
    await apply(home)
    text = TOML.replace('state = "paused"', 'state = "live"').replace('["wake_up"]', '["early"]')
    view = await apply(home, *changed(of="eyeflow.toml", text=text))
    assert {words for each in view.tasks for words in each.also} == {
        "it is live again", "it is also called early", "it is no longer called wake_up",
    }  # fmt: skip
    assert (await home.workspace.tasks.get(ANA, "early")).aliases == ("early",)
    assert (await home.workspace.tasks.get(ANA, "hello")).state == "live"


async def test_when_others_have_to_approve_all_programs_become_one_proposal(home: House):
    await home.workspace.settings.put(ANA, WorkspaceSettings(approval="other"))
    view = await apply(home, *changed(of="eyeflow.toml", text=TOML.partition("[tasks")[0]))
    assert view.applied and view.proposal is not None
    assert await home.workspace.tasks.page(ANA) == ()
    proposal = await home.workspace.proposals.get(BO, view.proposal)
    assert [each.program.task for each in proposal.review.programs] == ["hello", "morning"]
    await home.workspace.proposals.decide(BO, view.proposal, "approve")
    assert [task.name for task in await home.workspace.tasks.page(ANA)] == ["hello", "morning"]


async def test_two_folders_at_once_do_not_mix(home: House):
    other = tuple(FolderFile(f"t{number}.eir", HELLO.replace("TASK hello", f"TASK t{number}")) for number in range(3))
    done = await asyncio.gather(apply(home), apply(home, *other), return_exceptions=True)
    lost = [each for each in done if isinstance(each, BaseException)]
    assert all(isinstance(each, Clash) and each.code == "changed_meanwhile" for each in lost) and len(lost) <= 1
    names = {task.name for task in await home.workspace.tasks.page(ANA)}
    assert names in ({"hello", "morning"}, {"t0", "t1", "t2"}, {"hello", "morning", "t0", "t1", "t2"})


@pytest.mark.parametrize(
    "name", ["../x.txt", "a/b.txt", "x.sh", "x.txt.exe", "x y.txt", "x\x00.txt", ".txt", "C:\\x.txt", "é.txt"]
)
async def test_names_that_are_no_files_of_a_folder_are_refused(home: House, name: str):
    with pytest.raises(Invalid) as stopped:
        await apply(home, FolderFile(name, "x"))
    assert stopped.value.code == "bad_folder"


@pytest.mark.parametrize(
    "text",
    ["[", "[tasks]\nhello = 3", "[tasks.hello]\nsecret = 'x'", "[tasks.lost]", "[connections.x]\nservice = 'none'",
     "[connections.x]\nservice = 'slack'\ncredential = 'xoxb-1234567890'", "[tasks.hello]\nstate = 'gone'"],
)  # fmt: skip
async def test_settings_that_do_not_hold_are_refused(home: House, text: str):
    with pytest.raises(Invalid) as stopped:
        await apply(home, FolderFile("hello.eir", HELLO), FolderFile("eyeflow.toml", text))
    assert stopped.value.code == "bad_folder" and "xoxb" not in str(stopped.value)
    assert await home.store.count(TaskRecord) == 0


async def test_the_same_task_twice_and_a_name_that_disagrees_are_refused(home: House):
    with pytest.raises(Invalid):
        await apply(home, FolderFile("hello.eir", HELLO), FolderFile("hello.txt", "x"))
    with pytest.raises(Invalid):
        await apply(home, FolderFile("other.eir", HELLO))


async def test_who_may_not_does_not(home: House):
    with pytest.raises(Forbidden):
        await apply(home, who=VIC)
    with pytest.raises(Forbidden):
        await home.workspace.folder.export(VIC)
    with pytest.raises(Forbidden):  # a policy is for owners
        await apply(home, FolderFile("eyeflow.toml", '[policy]\n"stripe.create_refund" = ["owner"]\n'), who=EVE)


def test_links_and_binary_files_are_not_read(tmp_path: Path):
    (tmp_path / "secret").write_text("x")
    (tmp_path / "a.txt").symlink_to(tmp_path / "secret")
    with pytest.raises(Invalid, match="not a plain file"):
        read_folder(tmp_path)
    (tmp_path / "a.txt").unlink()
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(Invalid, match="UTF-8"):
        read_folder(tmp_path)
    with pytest.raises(Invalid):
        read_folder(tmp_path / "none")


def test_an_export_does_not_mix_with_other_requests(tmp_path: Path):
    write_folder(tmp_path, [FolderFile("a.txt", "x")])
    with pytest.raises(Invalid, match=r"a\.txt"):
        write_folder(tmp_path, [FolderFile("b.txt", "y")])
    write_folder(tmp_path, [FolderFile("b.txt", "y")], replace=True)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["b.txt"]
