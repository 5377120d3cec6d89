"""Homes that are made once and copied for each test."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

from consentgate.config.settings import DATABASE_VARIABLE
from tests.databases import Server


@dataclass(frozen=True)
class Home:
    """A home, and where its ledger is.

    Attributes:
        folder: the home.
        url: of its database; None where that is a file in the home.
        server: which the database is on, or None.
    """

    folder: Path
    url: str | None = None
    server: Server | None = None

    @contextmanager
    def in_environment(self) -> Iterator[None]:
        """Let everything that is opened in the block lie in its database: settings take it from the environment."""
        with pytest.MonkeyPatch.context() as patch:
            if self.url is not None:
                patch.setenv(DATABASE_VARIABLE, self.url)
            yield

    @contextmanager
    def copied(self, folder: Path) -> Iterator[Self]:
        """Copy it, while nobody has it open; the copy's database is dropped after the block."""
        shutil.copytree(self.folder, folder)
        if self.server is None or self.url is None:
            yield type(self)(folder)
            return
        url = self.server.copied(self.url)
        try:
            yield type(self)(folder, url, self.server)
        finally:
            self.server.drop(url)
