"""Settings are read once, strictly, and say what to do."""

from datetime import timedelta
from pathlib import Path

import pytest

from consentgate.config.settings import home_of, load_settings
from consentgate.errors import Misconfigured

GOOD = """
format = 1
database = "sqlite:///consentgate.db"
tenant = "acme"

[controller]
id = "acme"
jurisdiction = "US"

[purposes]
search = "authentication"

[limits]
clock_skew_s = 10
outcome_budget_s = 0.5
"""


def written(folder: Path, text: str) -> Path:
    (folder / "consentgate.toml").write_text(text)
    return folder


def test_settings_are_read(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, GOOD), {})
    assert settings.database == f"sqlite:///{tmp_path / 'consentgate.db'}"
    assert (settings.tenant, settings.controller, settings.controller_jurisdiction) == ("acme", "acme", "US")
    assert settings.purposes == {"search": "authentication"}
    assert settings.clock_skew == timedelta(seconds=10)
    assert settings.outcome_budget == timedelta(milliseconds=500)
    assert not settings.on_lambda
    assert settings.writers == 8


def test_so_many_writes_at_once_as_the_settings_say(tmp_path: Path) -> None:
    assert load_settings(written(tmp_path, f"writers = 32\n{GOOD}"), {}).writers == 32
    for bad in ("0", "2.5", '"8"', "true"):
        with pytest.raises(Misconfigured, match="writers must be a whole number from 1"):
            load_settings(written(tmp_path, f"writers = {bad}\n{GOOD}"), {})


def test_environment_wins_for_the_database_only(tmp_path: Path) -> None:
    environ = {"CONSENTGATE_DATABASE": "postgresql://db.example/x", "AWS_LAMBDA_FUNCTION_NAME": "f"}
    settings = load_settings(written(tmp_path, GOOD), environ)
    assert settings.database == "postgresql://db.example/x"
    assert settings.on_lambda


def test_database_password_is_not_shown(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, GOOD), {"CONSENTGATE_DATABASE": "postgresql://u:hunter2@h/x"})
    assert "hunter2" in settings.database
    assert "hunter2" not in repr(settings)


def test_files_lie_in_the_home(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, GOOD), {})
    names = [p.name for p in (settings.keys, settings.log_key, settings.log_vkey, settings.log_state)]
    assert names == ["keys.jwks", "log.key", "log.vkey", "log.state"]


def test_an_overlay_lies_in_the_home(tmp_path: Path) -> None:
    settings = load_settings(
        written(tmp_path, f"{GOOD}\n[packs]\noverlay = 'rules'\nsigners = ['a', 'b']"), {}
    )
    assert (settings.overlay, settings.pack_signers) == (tmp_path / "rules", ("a", "b"))
    plain = load_settings(written(tmp_path, GOOD), {})
    assert (plain.overlay, plain.pack_signers) == (None, ())


def test_the_log_is_kept_here_unless_it_is_said(tmp_path: Path) -> None:
    plain = load_settings(written(tmp_path, GOOD), {})
    assert (plain.state, plain.max_unsigned_age, plain.background) == (None, timedelta(days=1), True)
    text = f"{GOOD}\n[log]\nstate = 's3://b-1/a/log.state'\nmax_unsigned_age_s = 60\nbackground = false"
    said = load_settings(written(tmp_path, text), {})
    assert (said.state, said.max_unsigned_age, said.background) == (
        "s3://b-1/a/log.state",
        timedelta(minutes=1),
        False,
    )
    assert load_settings(written(tmp_path, f"{GOOD}\n[log]\nstate = 'file'"), {}).state == "file"
    assert [plain.log_file("key", n).name for n in (0, 1)] == ["log.key", "log.1.key"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "format must be 1"),
        ("format = 2", "format must be 1"),
        ("format = 1", "database must be a URL"),
        ("format = 1\ndatabase = 5", "database must be a URL"),
        ('format = 1\ndatabase = "nonsense"', "not a SQLAlchemy URL"),
        ("format = [", "not TOML"),
        (f"{GOOD}\nsecret = 1", "unknown setting limits.secret"),
        (GOOD.replace("tenant", "tenants"), "unknown setting tenants"),
        (GOOD.replace('"acme"\n\n', "5\n\n"), "tenant must be text"),
        (GOOD.replace('tenant = "acme"', 'tenant = ""'), "tenant must be text"),
        (GOOD.replace("= 10", "= 61"), "at most 60"),
        (GOOD.replace("= 10", "= 0"), "positive number"),
        (GOOD.replace("= 10", "= true"), "positive number"),
        (GOOD.replace("= 10", '= "x"'), "positive number"),
        ('format = 1\ndatabase = "sqlite:///x"\ncontroller = 5', "must be a table"),
        (GOOD.replace('search = "authentication"', "search = 5"), "search must be text"),
        (f"{GOOD}\n[packs]\nsigned = true", r"unknown setting packs\.signed"),
        (f"{GOOD}\n[log]\nstate = 'here'", r"log\.state must be"),
        (f"{GOOD}\n[log]\nstate = 5", r"log\.state must be"),
        (f"{GOOD}\n[log]\nstate = 's3://bucket'", r"log\.state must be"),
        (f"{GOOD}\n[log]\nmax_unsigned_age_s = 86401", r"log\.max_unsigned_age_s must be"),
        (f"{GOOD}\n[log]\nbackground = 1", r"log\.background must be"),
        (f"{GOOD}\n[packs]\nsigners = ['a']", r"packs\.overlay must be a folder"),
        (f"{GOOD}\n[packs]\noverlay = ''", r"packs\.overlay must be a folder"),
        (f"{GOOD}\n[packs]\noverlay = 5", "overlay must be text"),
        (f"{GOOD}\n[packs]\noverlay = 'rules'\nsigners = 'a'", r"packs\.signers must be a list of keys"),
        (f"{GOOD}\n[packs]\noverlay = 'rules'\nsigners = [5]", r"packs\.signers must be a list of keys"),
        (f"{GOOD}\n[packs]\noverlay = 'rules'\nsigners = []", r"packs\.signers is empty"),
    ],
)
def test_bad_settings_are_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(Misconfigured, match=says):
        load_settings(written(tmp_path, text), {})


def test_settings_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    (tmp_path / "consentgate.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(Misconfigured, match="cannot be read"):
        load_settings(tmp_path, {})
    with pytest.raises(Misconfigured, match="CONSENTGATE_HOME"):
        load_settings(tmp_path / "nowhere", {})


def test_home_is_the_argument_then_the_environment_then_here(tmp_path: Path) -> None:
    assert home_of(tmp_path, {"CONSENTGATE_HOME": "/elsewhere"}) == tmp_path
    assert home_of(None, {"CONSENTGATE_HOME": str(tmp_path)}) == tmp_path
    assert home_of(None, {}).name == ".consentgate"
