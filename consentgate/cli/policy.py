"""``consentgate policy``: what the law asks, and why a request would be allowed or denied."""

from typing import TYPE_CHECKING, Any

import click

from consentgate.cli.command import Done, Noun
from consentgate.cli.opening import looking, packs_named
from consentgate.cli.text import plain
from consentgate.errors import InvalidInput

if TYPE_CHECKING:
    from datetime import date

    from consentgate.config.explain import Question
    from consentgate.config.scenarios import Answer
    from consentgate.packs.packset import PackSet

_PACKS = (
    "Which rules: `shipped`, a folder that holds an index.json, or the digest of a set that the ledger keeps; by "
    "default those that the deployment uses, without one those of this release."
)


@click.group(cls=Noun)
def policy() -> None:
    """Read the rules, run scenarios against them, and explain decisions."""


@policy.command("list", example="consentgate policy list --under US --changing")
@click.option(
    "--kind", type=click.Choice(["country", "subdivision", "municipality", "group"]), help="Only these."
)
@click.option("--under", metavar="CODE", help="Only what stands under this parent or group, for example EU.")
@click.option("--confidence", type=click.Choice(["source-read", "from-knowledge"]), help="Only these.")
@click.option("--changing", is_flag=True, help="Only those whose rules will change.")
@click.option("--at", "at_text", metavar="DATE", help="As of this day; by default today.")
@click.option("--packs", "named", metavar="PACKS", help=_PACKS)
def _list(home: str | None, at_text: str | None, named: str | None, **given: Any) -> Done:
    """List the jurisdictions: since when their rules are in force, and when they change next.

    Works without a home folder: then the packs of this release are listed.
    """
    from consentgate.cli.packlist import shown

    return shown(packs_named(home, named), _day(at_text), **given)


@policy.command("show", example="consentgate policy show US-IL --at 2027-01-01")
@click.argument("code")
@click.option("--at", "at_text", metavar="DATE", help="As of this day; by default today.")
@click.option("--purpose", metavar="WORD", help="Say which conditional rules this purpose meets.")
@click.option("--packs", "named", metavar="PACKS", help=_PACKS)
def _show(home: str | None, code: str, at_text: str | None, purpose: str | None, named: str | None) -> Done:
    """Show what a jurisdiction asks, on one page: laws, requirements, clauses, and what comes next.

    CODE is an ISO 3166 code such as US-IL or FR, or a group such as EU. Research notes, not advice.
    """
    from consentgate.cli.brief import shown

    packs = packs_named(home, named)
    found = packs.lookup(code)
    if found is None:
        raise InvalidInput(f"No pack answers for {plain(code)}. `consentgate policy list` shows the codes.")
    return shown(packs, code, found, _day(at_text), purpose)


@policy.command("evaluate", example="consentgate policy evaluate scenarios.yaml --json")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
@click.option("--id", "ids", metavar="ID", multiple=True, help="Only this scenario; may be repeated.")
@click.option("--packs", "named", metavar="PACKS", help=_PACKS)
def _evaluate(home: str | None, file: str, ids: tuple[str, ...], named: str | None) -> Done:
    """Decide the scenarios of FILE, and compare with what they expect.

    FILE is YAML or JSON in the format of tests/scenarios/README.md, or - for standard input. For each scenario:
    the decision, the sorted reason codes, the notice elements that are missing, and the obligations. A scenario
    without `expect` is answered, not judged.

    Exit code 0 when every expectation holds, 1 when one does not, 2 for a file that cannot be used.
    """
    from consentgate.cli.evaluated import shown

    return shown(*_answers(home, file, ids, named))


@policy.command(
    "explain",
    example="consentgate policy explain --reference customer:C-1001 --evidence US-IL --adult "
    "--purpose authentication",
)
@click.option("--scenario", metavar="FILE", help="A scenario file in place of a speaker and a moment.")
@click.option("--id", "ids", metavar="ID", multiple=True, help="Only this scenario; may be repeated.")
@click.option("--packs", "named", metavar="PACKS", help="With --scenario. " + _PACKS)
@click.option("--call", metavar="TX", help="Everybody on this registered call.")
@click.option("--leg", type=click.Choice(["Caller", "Callee"]), help="Only this leg of the call.")
@click.option(
    "--reference",
    "known_as",
    metavar="KIND:VALUE",
    multiple=True,
    help="A person on no call; may be repeated.",
)
@click.option(
    "--evidence", metavar="CODE", multiple=True, help="Where that person is protected; may be repeated."
)
@click.option("--adult", is_flag=True, help="That person is known to be 18 or older.")
@click.option("--age", type=click.IntRange(0, 150), help="That person's age.")
@click.option(
    "--purpose", metavar="WORD", help="What for; by default as registered, else as in the settings."
)
@click.option(
    "--operation", "action", metavar="WORD", default="search", show_default=True, help="What would be done."
)
@click.option("--country", metavar="CODE", help="Where the voice would be processed, for example US.")
@click.option(
    "--recording-consent",
    type=click.Choice(["none", "one_party", "all_parties"]),
    help="Who agreed to the recording; by default as registered or asserted.",
)
@click.option("--at", "at_text", metavar="TIME", help="As of this moment; by default now.")
def _explain(
    home: str | None, scenario: str | None, ids: tuple[str, ...], named: str | None, **given: Any
) -> Done:
    """Show the full trace of a decision, without writing anything.

    About a person or a call at a moment, or about the scenarios of a file. States of the consents, candidate
    jurisdictions, packs in force with their clauses, every requirement with what became of it, each reason with
    its cure, and what the packs state besides. Exit code 1 when the request would be denied.
    """
    from consentgate.cli.explained import shown, shown_scenarios
    from consentgate.config.explain import explain

    if scenario is not None:
        # The default of --operation is no answer to anything.
        if any(value for name, value in given.items() if name != "action"):
            raise InvalidInput("With --scenario everything else stands in the file.")
        answers, packs = _answers(home, scenario, ids, named)
        return shown_scenarios(answers, packs)
    if ids or named:
        raise InvalidInput("--id and --packs belong to --scenario.")
    question = _question(**given)
    with looking(home) as parts:
        return shown(explain(parts, question))


@policy.command("diff", example="consentgate policy diff shipped ./packs-of-next-week")
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option(
    "--scenarios",
    metavar="FILE",
    multiple=True,
    help="Decide these by both sets; by default typical cases of every jurisdiction that differs. May be repeated.",
)
@click.option("--at", "at_text", metavar="DATE", help="As of this day; by default today.")
def _diff(home: str | None, first: str, second: str, scenarios: tuple[str, ...], at_text: str | None) -> Done:
    """Compare two pack sets: what they say otherwise, and which cases come out otherwise.

    A and B are each `shipped`, `current` for those that the deployment uses, a folder that holds an index.json, or
    the digest of a set that the ledger keeps. Typical cases are decided as of the day and of each later day on
    which the rules change.

    Exit code 1 when a case comes out otherwise.
    """
    from consentgate.cli.compared import shown
    from consentgate.cli.values import read_bytes
    from consentgate.config.comparing import compare
    from consentgate.config.scenarios import LIMIT, read_scenarios

    a, b = (packs_named(home, None if named == "current" else named) for named in (first, second))
    given = [each for name in scenarios for each in read_scenarios(read_bytes(name, limit=LIMIT), name)]
    return shown(a, b, compare(a, b, given or None, _day(at_text)))


@policy.command("replay", example="consentgate policy replay --since 2026-11-01")
@click.option("--entry", metavar="ID", help="Only this intent or denial.")
@click.option("--since", "since_text", metavar="TIME", help="Only decisions written at this time or later.")
@click.option(
    "--with-registry",
    "registry",
    type=click.Choice(["stored", "now"]),
    default="stored",
    show_default=True,
    help="Verify statements by the issuers that the decision names, or by those of now.",
)
@click.option("--every", is_flag=True, help="Show those too that came out the same, each with its reasons.")
def _replay(
    home: str | None, entry: str | None, since_text: str | None, registry: str, *, every: bool
) -> Done:
    """Decide stored decisions again, from their entries and the packs that they name.

    Nothing should come out otherwise. With --with-registry now, decisions that rested on keys that were revoked
    since then come out otherwise.

    Exit code 1 when a decision comes out otherwise or something that it names is missing, 4 when decisions lie
    under keys that were destroyed.
    """
    from consentgate.cli.replayed import shown
    from consentgate.cli.values import moment
    from consentgate.config.entries import entry_named
    from consentgate.config.replaying import Replayer

    if entry is not None and since_text is not None:
        raise InvalidInput("Give --entry or --since, not both.")
    since = moment(since_text, "--since") if since_text else None
    with looking(home) as parts:
        replayer = Replayer(parts, registry_now=registry == "now")
        found = replayer.since(since) if entry is None else replayer.one(entry_named(parts, entry))
        return shown(found, every=every or entry is not None)


def _answers(
    home: str | None, file: str, ids: tuple[str, ...], named: str | None
) -> "tuple[list[Answer], PackSet]":
    from consentgate.cli.values import read_bytes
    from consentgate.config.scenarios import LIMIT, answer, chosen, read_scenarios

    scenarios = chosen(read_scenarios(read_bytes(file, limit=LIMIT), file), ids)
    packs = packs_named(home, named)
    return [answer(each, packs) for each in scenarios], packs


def _day(text: str | None) -> "date":
    from consentgate.cli.values import moment
    from consentgate.moment import system_clock

    return (moment(text, "--at") if text else system_clock()).date()


def _question(**given: Any) -> "Question":
    from consentgate.cli.values import moment, speaker
    from consentgate.config.explain import Question
    from consentgate.moment import system_clock

    call, known_as = given["call"], given["known_as"]
    of_person = known_as or given["evidence"] or given["adult"] or given["age"] is not None
    if (call is None) == (not known_as):
        raise InvalidInput("Name a call with --call, or a person with --reference kind:value.")
    if call is not None and (of_person or given["recording_consent"]):
        raise InvalidInput("Evidence, age and recording consent of a call are those that were registered.")
    if call is None and given["leg"]:
        raise InvalidInput("--leg belongs to --call.")
    who = None
    if call is None:
        who = speaker(known_as, evidence=given["evidence"], adult=given["adult"], age=given["age"])
    return Question(
        at=moment(given["at_text"], "--at") if given["at_text"] else system_clock(),
        call=call,
        leg=given["leg"],
        speaker=who,
        action=given["action"],
        purpose=given["purpose"],
        country=given["country"],
        recording_consent=given["recording_consent"],
    )
