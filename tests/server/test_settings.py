"""Settings: where each comes from, what cannot be, what is never shown."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from contextlib import closing

import msgspec
import pytest

from eyeflow.connectors.proxied import ProxiedTransport
from eyeflow.server.checkup import checkup
from eyeflow.server.outside import plain_transport, private_ranges, tls_context
from eyeflow.server.settings import (
    HIDDEN,
    TABLE,
    Settings,
    SettingsError,
    read_settings,
    required,
    unknown_variables,
)
from server.running import command, environment, running


def read(tmp_path, toml="", environment=None, **options):
    file = tmp_path / "eyeflow.toml"
    file.write_text(toml, "utf-8")
    return read_settings(options=options.get("options"), environment=environment or {}, file=file)


def source(origins, name):
    return next(each for each in origins if each.name == name)


def test_every_setting_says_what_it_is_for_and_defaults_fit():
    held, origins = read_settings(environment={})
    assert held == Settings()
    assert len({row.variable for row in TABLE}) == len(TABLE)
    assert {each.source for each in origins} == {"default"} and all(each.doc for each in origins)


def test_option_beats_environment_beats_file_beats_default(tmp_path):
    toml = '[server]\nport = 1\nhost = "::1"\nworkers = 2\n'
    held, origins = read(
        tmp_path,
        toml,
        {"EYEFLOW_PORT": "2", "EYEFLOW_HOST": "10.0.0.1"},
        options={"server.port": 3, "server.host": None},
    )
    assert (held.server.port, held.server.host, held.server.workers) == (3, "10.0.0.1", 2)
    said = [source(origins, f"server.{name}").source for name in ("port", "host", "workers", "public_url")]
    assert said == ["option", "environment", "file", "default"]


def test_values_of_the_environment_are_read_as_their_type(tmp_path):
    environment = {
        "EYEFLOW_ALLOWED_HOSTS": "a.example, b.example", "EYEFLOW_LOGS_REQUESTS": "true",
        "EYEFLOW_STORE_WINDOW_MS": "0.5", "EYEFLOW_WORKERS": "", "EYEFLOW_SOMETHING_ELSE": "x",
    }  # fmt: skip
    held, _ = read(tmp_path, "", environment)
    assert held.server.allowed_hosts == ("a.example", "b.example")
    assert held.logs.requests is True and held.store.window_ms == 0.5 and held.server.workers == 1


@pytest.mark.parametrize(
    ("toml", "env", "code", "said"),
    [
        ("[server]\nprot = 1", {}, "unknown_setting", "port"),
        ("[limits]\nkey_per_minute = -1", {}, "bad_setting", "limits.key_per_minute"),
        ('[server]\nport = "80"', {}, "bad_setting", "server.port"),
        ("server = 3", {}, "bad_setting", "[server]"),
        ("[server", {}, "bad_setting", "TOML"),
        ("", {"EYEFLOW_PORT": "70000"}, "bad_setting", "EYEFLOW_PORT"),
        ("", {"EYEFLOW_LOGS_LEVEL": "loud"}, "bad_setting", "EYEFLOW_LOGS_LEVEL"),
        ("", {"EYEFLOW_MIGRATE": "1", "EYEFLOW_STORE_MIGRATE": "perhaps"}, "bad_setting", "EYEFLOW_STORE_MIGRATE"),
        ("[secrets]\nvault_token = 5", {}, "bad_setting", "secrets.vault_token"),
    ],
)
def test_what_cannot_be_is_named(tmp_path, toml, env, code, said):
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, toml, env)
    assert caught.value.code == code
    assert said in str(caught.value)


def test_other_sections_are_not_ours_to_judge(tmp_path):
    read(tmp_path, '[connections.slack]\nservice = "slack"\n[engine]\nuse = "llm"\n')


def test_secrets_are_hidden_also_when_they_do_not_fit(tmp_path):
    env = {"EYEFLOW_TELEMETRY_OTLP_HEADERS": "key=hunter2", "EYEFLOW_SECRETS_VAULT_TOKEN": "hvs.secret"}
    _, origins = read(tmp_path, "", env)
    assert source(origins, "telemetry.otlp_headers").value == source(origins, "secrets.vault_token").value == HIDDEN
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, '[telemetry]\notlp_headers = ["key=hunter2"]')
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"EYEFLOW_SECRETS_KEY_SOURCE": "env"}, "EYEFLOW_MASTER_KEY"),
        ({"EYEFLOW_SECRETS_KEY_SOURCE": "vault"}, "EYEFLOW_SECRETS_VAULT_URL"),
        ({"EYEFLOW_PUBLIC_URL": "flows.example.com"}, "https://"),
    ],
)
def test_what_a_setting_needs_of_another_is_an_error_with_the_fix(tmp_path, env, said):
    held, _ = read(tmp_path, "", env)
    with pytest.raises(SettingsError) as caught:
        required(held, {})
    assert said in str(caught.value)


@pytest.mark.parametrize("given", ["db", "db=", "=10.0.0.0/8", "db=everywhere", "db=10.0.0.0/99"])
def test_private_networks_are_opened_host_by_host(given):
    with pytest.raises(SettingsError):
        private_ranges(msgspec.convert({"egress": {"allow": [given]}}, Settings))
    held = msgspec.convert({"egress": {"allow": ["db.example.com=10.0.0.0/8"]}}, Settings)
    assert private_ranges(held)[0].networks == ("10.0.0.0/8",)


def test_certificates_that_are_none_are_named(tmp_path):
    (tmp_path / "ca.pem").write_text("nothing", "utf-8")
    with pytest.raises(SettingsError):
        tls_context(msgspec.convert({"egress": {"ca_file": str(tmp_path / "ca.pem")}}, Settings))


def ran(*args, cwd, env=None):
    return subprocess.run(command(*args), cwd=cwd, env=environment(env), capture_output=True, timeout=60, check=False)


def test_config_show_tells_value_and_source(tmp_path):
    (tmp_path / "eyeflow.toml").write_text("[server]\nworkers = 3\n", "utf-8")
    env = {"EYEFLOW_PORT": "8080", "EYEFLOW_SECRETS_VAULT_TOKEN": "hunter2"}
    shown = ran("config", "show", cwd=tmp_path, env=env)
    assert shown.returncode == 0, shown.stderr
    rows = {line.split()[0]: line.split()[1:3] for line in shown.stdout.decode().splitlines()[1:]}
    assert rows["server.port"] == ["8080", "environment"] and rows["server.workers"] == ["3", "file"]
    assert rows["secrets.vault_token"][0] == HIDDEN and b"hunter2" not in shown.stdout
    listed = msgspec.json.decode(ran("config", "show", "--json", cwd=tmp_path, env=env).stdout)
    assert [each["name"] for each in listed] == [row.name for row in TABLE]


def test_doctor_finds_what_would_be_in_the_way(tmp_path):
    well = ran("doctor", "--json", "--port", "0", "--data", "data", cwd=tmp_path)
    found = msgspec.json.decode(well.stdout)
    assert well.returncode == 0 and not any(each["state"] == "problem" for each in found)
    assert not (tmp_path / "data").exists()
    env = {
        "EYEFLOW_SECRETS_KEY_SOURCE": "env",
        "EYEFLOW_EGRESS_CA_FILE": "/no/such/file",
        "EYEFLOW_PUBLIC_URL": "http://h.invalid",
    }
    ill = ran("doctor", "--port", "0", "--data", "data", cwd=tmp_path, env=env)
    assert ill.returncode == 1
    assert all(
        word in ill.stdout.decode() + ill.stderr.decode() for word in ("EYEFLOW_MASTER_KEY", "ca_file", "h.invalid")
    )


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://eye:hunter2@db.example.com/flows", "PostgreSQL"), ("postgresql+asyncpg://db/x", "PostgreSQL"),
        ("sqlite:////var/lib/other.db", "data folder"), ("mysql://db/hunter2", "no database"),
        ("hunter2", "no database"),
    ],
)  # fmt: skip
def test_a_database_that_there_is_none_for_is_refused_by_name_and_its_password_not_repeated(url: str, said: str):
    settings, origins = read_settings(environment={"EYEFLOW_STORE_URL": url})
    with pytest.raises(SettingsError, match=said) as caught:
        required(settings, {})
    assert "hunter2" not in str(caught.value) + caught.value.hint + repr(origins)


@pytest.mark.parametrize("url", ["", "sqlite:", "sqlite://"])
def test_sqlite_in_the_data_folder_is_what_there_is(url: str):
    required(read_settings(environment={"EYEFLOW_STORE_URL": url})[0], {})


def test_a_proxy_that_is_none_is_refused_and_its_password_not_repeated():
    settings, origins = read_settings(environment={"EYEFLOW_EGRESS_PROXY": "https://ana:hunter2@proxy"})
    with pytest.raises(SettingsError) as caught:
        plain_transport(settings)
    assert "hunter2" not in str(caught.value) + caught.value.hint + repr(origins)
    good, _ = read_settings(environment={"EYEFLOW_EGRESS_PROXY": "http://ana:hunter2@proxy:8080"})
    assert isinstance(plain_transport(good), ProxiedTransport)
    found = {each.what: each for each in checkup(msgspec.structs.replace(good, data="/nowhere/there"))}
    assert found["outgoing calls"].state == "problem" and "hunter2" not in repr(found)


def test_what_holds_secrets_does_not_show_them():
    settings, _ = read_settings(
        environment={
            "EYEFLOW_SECRETS_VAULT_TOKEN": "hunter2", "EYEFLOW_TELEMETRY_OTLP_HEADERS": "k=hunter2",
            "EYEFLOW_EGRESS_PROXY": "http://a:hunter2@b", "EYEFLOW_STORE_URL": "hunter2",
        }
    )  # fmt: skip
    assert "hunter2" not in repr(settings)


def test_a_misspelt_variable_is_pointed_at(tmp_path, monkeypatch):
    assert unknown_variables({"EYEFLOW_PRT": "1", "EYEFLOW_KEY": "x", "EYEFLOW_PORT": "1", "PORT": "1"}) == (
        ("EYEFLOW_PRT", "EYEFLOW_PORT"),
    )
    monkeypatch.setenv("EYEFLOW_WORKRES", "4")
    found = checkup(msgspec.convert({"data": str(tmp_path / "data"), "server": {"port": 0}}, Settings))
    assert any("EYEFLOW_WORKRES" in each.said and "EYEFLOW_WORKERS" in each.hint for each in found)


@pytest.mark.parametrize("how", ["fine", "newer", "another master key", "another signing key", "no database"])
def test_the_checkup_looks_into_the_database(tmp_path, how):
    with running(tmp_path / "data") as made:
        key = made.key
    assert key
    path = tmp_path / "data" / "eyeflow.db"
    if how == "newer":
        with closing(sqlite3.connect(path)) as held:
            held.execute("UPDATE alembic_version SET version_num = '9999'")
            held.commit()
    elif how == "another master key":
        with running(tmp_path / "other"):
            pass
        shutil.copy(tmp_path / "other" / "master.key", tmp_path / "data" / "master.key")
    elif how == "another signing key":
        (tmp_path / "data" / "signing.key").unlink()
    elif how == "no database":
        path.write_bytes(b"not a database" * 1000)
    before = sorted(each.name for each in path.parent.iterdir())
    found = checkup(msgspec.convert({"data": str(tmp_path / "data"), "server": {"port": 0}}, Settings))
    said = {each.said: each.hint for each in found if each.state == "problem"}
    assert sorted(each.name for each in path.parent.iterdir()) == before, "nothing is made"
    if how == "fine":
        assert not said
    else:
        words = {
            "newer": "9999", "another master key": "another master key", "another signing key": "approved with another",
            "no database": "cannot be read",
        }[how]  # fmt: skip
        assert any(words in each and hint for each, hint in said.items()), said


def test_a_lost_signing_key_is_told_at_the_start_until_the_tasks_are_deployed_again(tmp_path):
    with running(tmp_path) as made:
        made.deploy("TASK a\n  ACTION one\n    TYPE transform\n    VALUE 1\n    OUTPUT x\n  RETURN x\n")
        assert "signing_key_changed" not in made.log()
        key, tasks = made.key, made.client(made.key).get("/api/tasks").json()["items"]
    (tmp_path / "signing.key").unlink()
    with running(tmp_path) as made:
        assert made.logs(f'"tasks_refused":{len(tasks)}')
        http = made.client(key)
        refused = http.post("/api/tasks/run", json={"task": "a"}).json()
        assert refused["code"] == "untrusted_signer" and "deploy it again" in refused["hint"]
        for task in tasks:
            source = http.get(f"/api/tasks/{task['name']}/ir").json()["source"]
            again = http.put(
                f"/api/tasks/{task['name']}", json={"text": source, "practice": task.get("practice", False)}
            )
            assert again.status_code in (200, 201), again.text
        assert http.post("/api/tasks/run", json={"task": "a"}).json()["status"] == "success"
    with running(tmp_path) as made:
        assert "signing_key_changed" not in made.log()
    with running(tmp_path) as made:
        assert made.client(key).post("/api/tasks/run", json={"task": "a"}).json()["status"] == "success"
