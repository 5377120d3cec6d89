"""Signing from a process of its own."""

from consentgate.config.keeping import signing
from consentgate.config.settings import Settings
from consentgate.config.upkeep import log_database
from consentgate.log.sequencer import Sequencer
from tests.functional.config.recovering import signed, told


def test_process_that_signs_keeps_apart_from_what_others_signed(settings: Settings) -> None:
    told(settings, "three")
    with log_database(settings) as database:
        Sequencer(database).once()
        assert signing(settings, database, every=3600)() == 0
        assert signed(settings) == 3
        assert signing(settings, database)() == 1
        assert signed(settings) == 5
