"""How statements are shown: who attested what, when, and what stands; never a reference unless asked for."""

from typing import TYPE_CHECKING, Final

from consentgate.canonical import Json
from consentgate.cli.command import Done
from consentgate.cli.text import faint, fields, moment_text, plain, short_ids, table, title, word

if TYPE_CHECKING:
    from consentgate.config.views import Said
    from consentgate.consent.state import Consent, Received
    from consentgate.consent.statement import Statement

_WORDS: Final = {
    "ConsentGiven": "given",
    "ConsentRefused": "refused",
    "ConsentWithdrawn": "withdrawn",
    "SameSubject": "same_subject",
    "NotSameSubject": "not_same_subject",
}


def state_word(statement: "Statement") -> str:
    """Say in a word what a statement is.

    Args:
        statement: the statement.

    Returns:
        ``given``, ``refused``, ``withdrawn``, ``same_subject`` or ``not_same_subject``.
    """
    return _WORDS[statement.state]


def shown_one(received: "Received", *, reveal: bool) -> Done:
    """Show one statement.

    Args:
        received: the statement.
        reveal: whether to show references.

    Returns:
        What the command came to.
    """
    it = received.statement
    pairs = [
        ("consent", word(state_word(it))),
        (
            "issuer",
            plain(it.issuer)
            + (f" ({plain(received.issuer.name)})" if received.issuer else ": not in the registry"),
        ),
        ("sound", "yes" if received.sound else "no: issuer, key, signature or notice do not fit"),
        ("said at", moment_text(it.event_time)),
        ("received", f"{moment_text(received.received_at)}, not anchored yet"),
        ("method", it.method + (f", originally {it.imported_method}" if it.imported_method else "")),
        ("form", it.consent_form if it.grants else ""),
        ("signature", it.signature_kind if it.grants else ""),
        ("notice", f"{it.notice.id}@{it.notice.version} ({it.notice.language})" if it.notice else ""),
        ("purposes", _purposes(it)),
        ("operations", ", ".join(it.operations)),
        ("controllers", ", ".join(it.controllers)),
        ("until", (moment_text(it.valid_until) or "no end") if it.grants else ""),
        ("uses", f"at most {it.max_uses}" if it.max_uses else ""),
        ("bound to", "one call" if it.context else ""),
        ("references", _references(it, reveal=reveal)),
        ("entry", received.entry),
    ]
    return Done(result=_item(received, reveal=reveal), text=fields(pairs))


def shown_person(said: "Said", *, reveal: bool) -> Done:
    """Show what one person said, and what stands of it.

    Args:
        said: the statements and the state.
        reveal: whether to show references.

    Returns:
        What the command came to.
    """
    items: list[Json] = [_item(each, reveal=reveal) for each in said.received]
    consents: list[Json] = [_consent(each) for each in said.state.consents]
    result: dict[str, Json] = {"items": items, "consents": consents, "standing": len(said.state.standing)}
    if not said.received:
        return Done(result=result, text="Nobody recorded a statement of this person.")
    short = short_ids(each.entry for each in said.received)
    rows = [
        (
            short[each.entry],
            word(state_word(each.statement)),
            moment_text(each.statement.event_time),
            each.statement.method,
            _purposes(each.statement),
            "yes" if each.sound else "no",
            *([_references(each.statement, reveal=True)] if reveal else []),
        )
        for each in said.received
    ]
    standing = "\n".join(_standing(each, short) for each in said.state.consents)
    headers = (
        "entry",
        "consent",
        "said at",
        "method",
        "purposes",
        "sound",
        *(("references",) if reveal else ()),
    )
    return Done(result=result, text=f"{table(rows, headers)}\n\n{title('What stands')}\n\n{standing}")


def _purposes(statement: "Statement") -> str:
    return "" if statement.pair is not None else ", ".join(statement.purposes) or "all"


def _standing(consent: "Consent", short: dict[str, str]) -> str:
    name = short[consent.entry]
    if not consent.endings:
        until = moment_text(consent.grant.valid_until) if consent.grant else ""
        through = consent.grant.through if consent.grant else None
        by = f", through {short[through]}" if through else ""
        return f"  {name}  stands{f', until {until}' if until else ''}{by}"
    ended = ", ".join(
        f"{each.kind} {moment_text(each.at)}" + (faint(f" by {short[each.entry]}") if consent.grant else "")
        for each in consent.endings
    )
    return f"  {name}  {ended}"


def _references(statement: "Statement", *, reveal: bool) -> str:
    if reveal:
        return ", ".join(f"{r.kind}:{plain(r.value)}" for r in statement.references)
    return ", ".join(r.kind for r in statement.references) + faint("  (--reveal shows the values)")


def _consent(consent: "Consent") -> dict[str, Json]:
    from consentgate.moment import to_text

    endings: list[Json] = [
        {"kind": each.kind, "at": to_text(each.at), "entry": each.entry} for each in consent.endings
    ]
    through = consent.grant.through if consent.grant else None
    return {
        "entry": consent.entry,
        "granted": consent.grant is not None,
        "through": through,
        "endings": endings,
    }


def _item(received: "Received", *, reveal: bool) -> dict[str, Json]:
    from consentgate.moment import to_text

    it = received.statement
    notice: Json = (
        {"id": it.notice.id, "version": it.notice.version, "language": it.notice.language}
        if it.notice
        else None
    )
    return {
        "entry": received.entry,
        "state": state_word(it),
        "issuer": it.issuer,
        "sound": received.sound,
        "event_time": to_text(it.event_time),
        "received_at": to_text(received.received_at),
        # Without an anchor the time is the ledger's own word.
        "trusted_at": to_text(received.trusted_at) if received.trusted_at else "weak",
        "method": it.method,
        "consent_form": it.consent_form,
        "signature_kind": it.signature_kind,
        "purposes": list(it.purposes),
        "operations": list(it.operations),
        "controllers": list(it.controllers),
        "notice": notice,
        "valid_until": to_text(it.valid_until) if it.valid_until else None,
        "max_uses": it.max_uses,
        "bound_to_call": it.context is not None,
        "references": [{"kind": r.kind, "value": r.value if reveal else None} for r in it.references],
    }
