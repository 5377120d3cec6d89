"""What a fresh process does until it is where the measurement wants it; prints the seconds that took.

Run as a file, with the name of one of the functions below; imports of everything else are what is measured. A
function that has to import something first says since when it is measured.
"""

import sys
import time

START = time.perf_counter()


def both() -> None:
    import boto3  # noqa: F401  # measured
    import sqlalchemy  # noqa: F401  # measured


def package() -> None:
    both()
    import consentgate  # noqa: F401  # measured


def face() -> None:
    both()
    from consentgate import ConsentGate  # noqa: F401  # measured


def by_hand(database: str) -> None:
    """Import both, build the client, open the database."""
    both()
    client()
    import sqlalchemy

    engine = sqlalchemy.create_engine(database)
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("SELECT value FROM deployment")).all()


def first_decision(home: str, call: str) -> None:
    """The same, with the gate, until it has decided and recorded that."""
    both()
    from consentgate import ConsentDenied, ConsentGate

    gated = ConsentGate.open(home).protect(client())
    try:
        gated.start_speaker_search_task(
            VoiceConnectorId="abcdef1ghij2klmno3pqr4",
            TransactionId=call,
            VoiceProfileDomainId="voices",
            CallLeg="Caller",
        )
    except ConsentDenied:
        return
    raise AssertionError("A withdrawn consent was not denied.")


def packs(code: str) -> float:
    """Open the packs and read a jurisdiction's, as the first decision there does; the gate is imported before."""
    from datetime import date

    from consentgate import ConsentGate  # noqa: F401  # what a backend has imported
    from consentgate.packs.packset import shipped

    start = time.perf_counter()
    assert len(shipped().stack(code, date(2026, 11, 22))) == 3
    return start


def tables(*files: str) -> float:
    """Read the same files, and no more than their TOML."""
    import tomllib
    from pathlib import Path

    start = time.perf_counter()
    for file in files:
        tomllib.loads(Path(file).read_text("utf-8"))
    return start


def client() -> object:
    """Build the client; nothing answers at its address, and nothing is sent."""
    import boto3

    return boto3.client(
        "chime-sdk-voice",
        region_name="us-east-1",
        endpoint_url="http://127.0.0.1:9",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )


if __name__ == "__main__":
    since = globals()[sys.argv[1]](*sys.argv[2:])
    print(time.perf_counter() - (since or START))
