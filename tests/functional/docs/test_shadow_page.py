"""The page on shadow mode: its settings and its code open such a gate, and neither does alone."""

from pathlib import Path
from typing import Any

import pytest

from consentgate.config.settings import FILE
from consentgate.config.setup import make_home
from consentgate.errors import Misconfigured
from tests.functional.docs.pages import blocks, text_of

PAGE = text_of("docs/howto/shadow.md")
[SETTINGS] = blocks(PAGE, "toml")
[CODE] = blocks(PAGE, "python")


def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: str) -> dict[str, Any]:
    make_home(tmp_path / "home", controller="acme", purposes={"search": "authentication"})
    monkeypatch.setenv("CONSENTGATE_HOME", str(tmp_path / "home"))
    path = tmp_path / "home" / FILE
    path.write_text(f"{path.read_text()}\n{settings}")
    made: dict[str, Any] = {}
    exec(CODE, made)
    made["gate"].close()
    return made


def test_both_hands_switch_it_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shadow = opened(tmp_path, monkeypatch, SETTINGS)["gate"]._parts.gate.shadow
    assert f'by = "{shadow.by}"' in SETTINGS
    assert f"until = {shadow.until}" in SETTINGS


def test_code_alone_raises_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "raises `Misconfigured`" in PAGE
    with pytest.raises(Misconfigured):
        opened(tmp_path, monkeypatch, "")
