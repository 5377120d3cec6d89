"""The table ``[timestamps]``, and what no authority's answer may be."""

from pathlib import Path

import pytest

from consentgate.config.settings import FILE, load_settings
from consentgate.config.times import Times
from consentgate.config.timestamping import TimestampSettings, authority_of
from consentgate.crypto import timestamp
from consentgate.errors import Malformed, Misconfigured


def load(home: Path, table: str) -> TimestampSettings | None:
    (home / FILE).write_text(f'format = 1\ndatabase = "sqlite:///x.db"\n{table}')
    return load_settings(home, {}).timestamps


def test_without_the_table_there_is_no_authority(tmp_path: Path) -> None:
    assert load(tmp_path, "") is None
    assert authority_of(None, Times()) is None


def test_certificates_lie_in_the_home(tmp_path: Path) -> None:
    found = load(tmp_path, '[timestamps]\nurl = "http://tsa.example/tsr?x=1"\ncertificates = "tsa.pem"\n')
    assert found == TimestampSettings(
        url="http://tsa.example/tsr?x=1", certificates=(tmp_path / "tsa.pem").absolute()
    )


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("", "needs both url and certificates"),
        ('url = "https://tsa.example"', "needs both url and certificates"),
        ('certificates = "tsa.pem"', "needs both url and certificates"),
        ('url = 1\ncertificates = "tsa.pem"', "url must be text"),
        ('uri = "https://tsa.example"', r"unknown setting timestamps\.uri"),
        ('url = "ftp://tsa.example"\ncertificates = "x"', "begins with https://"),
        ('url = "https://"\ncertificates = "x"', "begins with https://"),
        ('url = "https://[tsa"\ncertificates = "x"', "cannot be read"),
        ('url = "https://me:secret@tsa.example"\ncertificates = "x"', "no user"),
        ('url = "https://tsa.example/ü"\ncertificates = "x"', "printable ASCII"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, table: str, told: str) -> None:
    with pytest.raises(Misconfigured, match=told) as refused:
        load(tmp_path, f"[timestamps]\n{table}\n")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"0",
        b"0\x80\x00\x00",
        b"0\x05\x02\x01\x00",
        b"\x30\x05\x30\x03\x02\x01\x02",
        bytes(timestamp.LIMIT + 1),
        b"\x30\x81\x05\x30\x03\x02\x01\x02",
    ],
)
def test_what_is_no_answer_is_malformed(answer: bytes) -> None:
    with pytest.raises(Malformed):
        timestamp.read_answer(answer)
