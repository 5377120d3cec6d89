"""``consentgate consent``: what people granted, refused and took back."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from consentgate.canonical import Json
from consentgate.cli.command import Done, Noun
from consentgate.cli.opening import looking, settings_of, writing
from consentgate.cli.text import fields
from consentgate.errors import InvalidInput

if TYPE_CHECKING:
    from consentgate.config.face import ConsentGate
    from consentgate.config.issuing import Issued

METHODS = ("web_esign", "web_form", "ivr_dtmf", "voice_recording", "paper", "verbal_unrecorded")

_reference = click.option(
    "--reference",
    "known_as",
    metavar="KIND:VALUE",
    multiple=True,
    help="How the person is known, the most certain first; may be repeated.",
)
_issuer = click.option(
    "--issuer", "iss", required=True, metavar="ISS", help="Who attests it; its key lies here."
)
_method = click.option("--method", required=True, type=click.Choice(METHODS), help="How the person said it.")
_purpose = click.option(
    "--purpose", "purposes", metavar="WORD", multiple=True, help="Only for these purposes."
)
_evidence = click.option(
    "--evidence",
    "files",
    metavar="KIND=FILE",
    multiple=True,
    help="A file that proves it, for example recording=call.wav; only its digest is stated.",
)
_token_out = click.option(
    "--token-out",
    metavar="FILE",
    help="Write the signed token, which is personal data, to a new file (0600).",
)


@click.group(cls=Noun)
def consent() -> None:
    """Issue, take in, show and withdraw consent statements."""


@consent.command(
    "issue",
    example="consentgate consent issue grant --issuer https://ivr.acme.example --reference customer:C-1001 "
    "--notice voiceprint@2026-02 --method web_esign",
)
@click.argument("answer", type=click.Choice(["grant", "refuse"]))
@_issuer
@_reference
@click.option("--notice", metavar="NAME", help="id@version of what was shown; needed for a grant.")
@click.option("--language", metavar="TAG", help="The notice's language, where it has several.")
@_method
@click.option("--call", metavar="TX", help="Only for the call with this transaction id.")
@_purpose
@click.option("--operation", "operations", metavar="WORD", multiple=True, help="Only for these operations.")
@click.option("--max-uses", type=click.IntRange(min=1), help="For so many requests only.")
@click.option("--jurisdiction", "codes", metavar="CODE", multiple=True, help="Where the person is protected.")
@click.option("--adult", is_flag=True, help="The person is known to be 18 or older.")
@_evidence
@_token_out
def _issue(home: str | None, answer: str, iss: str, token_out: str | None, **given: Any) -> Done:
    """Sign what a person just answered, by an issuer whose key lies here, and take it in.

    Form, purposes, operations and validity of a grant are those that the notice asks for; the options only
    narrow them.
    """
    from consentgate.cli.values import evidence, speaker

    who, proof = (
        speaker(given["known_as"], evidence=given["codes"], adult=given["adult"]),
        evidence(given["files"]),
    )
    purposes, operations = given["purposes"], given["operations"]
    if answer == "grant" and not given["notice"]:
        raise InvalidInput("A grant names the notice that was shown: give --notice.")
    if answer == "refuse" and (given["call"] or operations or given["max_uses"]):
        raise InvalidInput(
            "--call, --operation and --max-uses narrow a grant; a refusal is never narrowed so."
        )

    def work(gate: "ConsentGate") -> Done:
        signing = gate.issuer(iss)
        if answer == "refuse":
            issued = signing.refuse(
                who,
                method=given["method"],
                notice=given["notice"],
                language=given["language"],
                purposes=purposes,
                evidence=proof,
            )
            return _issued(issued, "refused", token_out)
        narrowed = {"purposes": purposes, "operations": operations, "max_uses": given["max_uses"]}
        issued = signing.grant(
            who,
            notice=given["notice"],
            method=given["method"],
            language=given["language"],
            call=given["call"],
            evidence=proof,
            **{name: value for name, value in narrowed.items() if value},
        )
        return _issued(issued, "given", token_out)

    return _with_stops(home, writing(home, work)) if answer == "refuse" else writing(home, work)


@consent.command(
    "withdraw",
    example="consentgate consent withdraw --issuer https://ivr.acme.example --reference customer:C-1001 "
    "--method web_form",
)
@_issuer
@_reference
@_method
@_purpose
@_evidence
@_token_out
def _withdraw(home: str | None, iss: str, token_out: str | None, **given: Any) -> Done:
    """Sign that a person took their consent back, and take it in.

    No request for this person begins after it returns. Requests that are under way get a stop order, and so do the
    voice profiles that no consent covers keeping any more. A worker carries them out: `consentgate worker run`.
    """
    from consentgate.cli.values import evidence, speaker

    who, proof = speaker(given["known_as"]), evidence(given["files"])

    def work(gate: "ConsentGate") -> Done:
        issued = gate.issuer(iss).withdraw(
            who, method=given["method"], purposes=given["purposes"], evidence=proof
        )
        return _issued(issued, "withdrawn", token_out)

    return _with_stops(home, writing(home, work))


@consent.command(
    "same-subject",
    example="consentgate consent same-subject --issuer https://crm.acme.example --reference customer:C-1001 "
    "--reference phone:+13125550123 --method web_form",
)
@_issuer
@_reference
@_method
@click.option(
    "--not", "parted", is_flag=True, help="They are not, or no longer: ends what was stated before."
)
@_evidence
@_token_out
def _same_subject(home: str | None, iss: str, token_out: str | None, **given: Any) -> Done:
    """Sign that two references are one person, and take it in.

    What was granted under one of them then counts under the other too; what was refused or withdrawn under one is
    heard under both.
    """
    from consentgate.cli.values import evidence, references

    who, proof = references(given["known_as"]), evidence(given["files"])
    if len(who) != 2:
        raise InvalidInput("Name the two references: give --reference twice.")

    def work(gate: "ConsentGate") -> Done:
        signing = gate.issuer(iss)
        if given["parted"]:
            issued = signing.not_same_subject(*who, method=given["method"], evidence=proof)
            return _issued(issued, "not_same_subject", token_out)
        issued = signing.same_subject(*who, method=given["method"], evidence=proof)
        return _issued(issued, "same_subject", token_out)

    return _with_stops(home, writing(home, work))


@consent.command("add", example="consentgate consent add token.jws")
@click.argument("file")
def _add(home: str | None, file: str) -> Done:
    """Take in a statement that was signed elsewhere. FILE holds the token; - reads standard input.

    Adding the same token twice changes nothing. A withdrawal or refusal prints the requests that stop orders
    were written for. Exit code 1 when the statement is refused.
    """
    from consentgate.cli.statements import state_word
    from consentgate.cli.values import read_token

    settings_of(home)
    token = read_token(file)

    def work(gate: "ConsentGate") -> Done:
        taken = gate.ingest(token)
        word = state_word(taken.statement)
        result: dict[str, Json] = {"entry": str(taken.entry), "state": word, "new": taken.new, "stops": []}
        pairs = [
            ("consent", word),
            ("entry", str(taken.entry)),
            ("new", "" if taken.new else "no: it was in the ledger already"),
        ]
        return Done(result=result, text=fields(pairs))

    return _with_stops(home, writing(home, work))


@consent.command("show", example="consentgate consent show --reference customer:C-1001")
@click.argument("entry", required=False)
@_reference
@click.option("--purpose", metavar="WORD", help="What stands for this purpose; by default for any.")
@click.option("--reveal", is_flag=True, help="Also show references and tokens: personal data.")
def _show(
    home: str | None, entry: str | None, known_as: tuple[str, ...], purpose: str | None, reveal: bool
) -> Done:
    """Show one statement by its entry, or what a person said and what stands of it."""
    from consentgate.cli.statements import shown_one, shown_person
    from consentgate.cli.values import references
    from consentgate.config.entries import entry_named
    from consentgate.config.views import said_by, said_in

    if (entry is None) == (not known_as):
        raise InvalidInput("Name an entry, or a person with --reference kind:value.")
    who = references(known_as)
    with looking(home) as parts:
        if entry is not None:
            return shown_one(said_in(parts, entry_named(parts, entry)), reveal=reveal)
        return shown_person(said_by(parts, who, purpose), reveal=reveal)


def _issued(issued: "Issued", state: str, token_out: str | None) -> Done:
    if token_out is not None:
        from consentgate.keys.files import write_secret

        write_secret(Path(token_out), issued.token.encode() + b"\n")
    result: dict[str, Json] = {
        "entry": issued.entry,
        "state": state,
        "stops": [],
        "orders": [],
        "token_file": token_out,
    }
    pairs = [("consent", state), ("entry", issued.entry), ("token", token_out or "")]
    return Done(result=result, text=fields(pairs))


def _with_stops(home: str | None, done: Done) -> Done:
    """Add the stop orders that a no is the cause of."""
    from dataclasses import replace
    from uuid import UUID

    from consentgate.cli.worker import items_of, orders_table
    from consentgate.config.views import orders_caused_by

    with looking(home) as parts:
        orders = orders_caused_by(parts, UUID(str(done.result["entry"])))
    stops: list[Json] = [str(each.intent) for each in orders]
    text = f"{done.text}\n\n{orders_table(orders)}" if orders else done.text
    return replace(done, result={**done.result, "stops": stops, "orders": items_of(orders)}, text=text)
