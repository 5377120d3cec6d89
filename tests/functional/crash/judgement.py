"""A storm's end: our own verification and a count from bare rows come to the same."""

from consentgate.config.settings import Settings
from consentgate.config.upkeep import keep_log
from consentgate.config.verification import verify_deployment
from tests.functional.crash.judge import Account, account, bare, released, require_whole
from tests.functional.crash.storm import Storm


def require_ledger(storm: Storm) -> Account:
    """Check that the ledger is whole, and that nothing which was acknowledged or released is lost."""
    settings = storm.settings
    require_holds(settings)
    rows = bare(settings.database)
    require_whole(rows, settings.log_vkey.read_text().strip())
    (signer,) = storm.of("signer")
    assert released(signer.journal) <= set(rows.notes.values())
    writers = storm.of("writer")
    in_flight = sum(each.kills for each in writers) * storm.threads
    return account(rows, [each.journal for each in writers], in_flight=in_flight)


def require_holds(settings: Settings) -> None:
    """Check that the log goes on by the normal path, and that everything holds afterwards."""
    failure = keep_log(settings)
    assert failure is None, f"the log does not go on: {failure}"
    verified = verify_deployment(settings, vkey=None, with_keys=True, step=lambda: None)
    found = verified.verification.findings
    assert not found, f"verification finds {found[0].kind} {found[0].where}, and {len(found) - 1} more"
    assert verified.verification.exit_code == 0
