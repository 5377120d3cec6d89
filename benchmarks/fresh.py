"""What a fresh process does until it is where the measurement wants it; prints the seconds that took.

Run as a file, with the name of one of the functions below; imports of everything else are what is measured.
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
    globals()[sys.argv[1]](*sys.argv[2:])
    print(time.perf_counter() - START)
