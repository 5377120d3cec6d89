"""``consentgate notice``: the exact texts and recordings that people are shown before they answer."""

from typing import TYPE_CHECKING, Any

import click

from consentgate.canonical import Json
from consentgate.cli.command import Done, Noun
from consentgate.cli.opening import looking, packs_named, settings_of, writing
from consentgate.cli.text import fields, plain, table
from consentgate.errors import InvalidInput

if TYPE_CHECKING:
    from consentgate.config.face import ConsentGate
    from consentgate.config.linting import Found
    from consentgate.consent.notice import Manifest


@click.group(cls=Noun)
def notice() -> None:
    """Add, check and show notices: exact bytes, and what they say."""


@notice.command(
    "add",
    example="consentgate notice add voiceprint.txt --manifest voiceprint.toml",
)
@click.argument("file", type=click.Path(dir_okay=False))
@click.option(
    "--manifest",
    metavar="TOML_OR_JSON",
    help="What the notice says: a TOML or JSON file, or a JSON object. The options below win over it.",
)
@click.option("--id", "notice_id", metavar="NAME", help="The notice's name, the same in all versions.")
@click.option("--version", metavar="NAME", help="Its version.")
@click.option("--language", metavar="TAG", help="Its language, for example en.")
@click.option("--media-type", metavar="TYPE", help="By default text/plain.")
@click.option("--in-writing/--spoken", default=None, help="Whether the person can read it.")
@click.option("--element", "elements", metavar="WORD", multiple=True, help="What it says; may be repeated.")
@click.option("--consent-form", metavar="WORD", help="The form of consent that it asks for.")
@click.option("--purpose", "purposes", metavar="WORD", multiple=True, help="May be repeated.")
@click.option("--operation", "operations", metavar="WORD", multiple=True, help="May be repeated.")
@click.option("--validity", metavar="PERIOD", help="How long a grant holds, for example P2Y.")
def _add(home: str | None, file: str, manifest: str | None, **given: Any) -> Done:
    """Add a notice: the exact bytes of FILE, which are never changed, and what they say.

    A manifest says which elements the notice has, which form of consent it asks for, and for what; see
    docs/formats/notice.md. Adding the same notice twice changes nothing.
    """
    from consentgate.canonical import b64
    from consentgate.cli.values import NOTICE_LIMIT, handed_in, read_bytes, read_manifest
    from consentgate.consent.notice import describe

    text = read_bytes(file, limit=NOTICE_LIMIT)
    members = read_manifest(manifest) if manifest is not None else {}
    given["id"] = given.pop("notice_id")
    for name, value in given.items():
        if value not in (None, ()):
            members[name] = list(value) if isinstance(value, tuple) else value

    defaults = {"media_type": "text/plain", "controllers": [settings_of(home).controller]}
    with handed_in("The manifest"):
        described = describe(text, {**defaults, **members})

    def work(gate: "ConsentGate") -> Done:
        return _shown(described, digest=b64(gate.add_notice(text, **members)))

    return writing(home, work)


@notice.command("list", example="consentgate notice list")
def _list(home: str | None) -> Done:
    """List the notices."""
    from consentgate.config.views import all_notices

    with looking(home) as parts:
        found = all_notices(parts)
    items: list[Json] = [_item(manifest) for _, manifest in found]
    rows = [
        (f"{m.id}@{m.version}", m.language, m.consent_form, ", ".join(m.purposes), m.validity or "no end")
        for _, m in found
    ]
    text = table(rows, ("notice", "language", "form", "purposes", "validity")) if rows else _NONE
    return Done(result={"items": items}, text=text)


@notice.command("show", example="consentgate notice show voiceprint@2026-02")
@click.argument("name")
@click.option("--language", metavar="TAG", help="Where the notice has several languages.")
@click.option("--out", type=click.Path(dir_okay=False), help="Write the exact bytes to a new file.")
def _show(home: str | None, name: str, language: str | None, out: str | None) -> Done:
    """Show what a notice says. NAME is id@version, or id where it has one version."""
    from consentgate.config.views import notice_named

    with looking(home) as parts:
        manifest, digest, content = notice_named(parts, name, language)
    if out is not None:
        _write(out, content)
    return _shown(manifest, digest=digest, size=len(content))


@notice.command("lint", example="consentgate notice lint voiceprint.toml --for US-IL,FR")
@click.argument("name")
@click.option(
    "--for",
    "codes",
    metavar="CODES",
    multiple=True,
    help="Where it is to be used, for example US-IL,FR; may be repeated. By default where its manifest says.",
)
@click.option("--purpose", "purposes", metavar="WORD", multiple=True, help="By default those that it names.")
@click.option("--language", metavar="TAG", help="Where a notice of the ledger has several languages.")
@click.option("--at", "at_text", metavar="DATE", help="As of this day; by default today.")
@click.option("--packs", "named", metavar="PACKS", help="As for `consentgate policy show`.")
def _lint(
    home: str | None,
    name: str,
    codes: tuple[str, ...],
    purposes: tuple[str, ...],
    at_text: str | None,
    named: str | None,
    language: str | None,
) -> Done:
    """Check what a notice says against the law of the places where it is to be used.

    NAME is a manifest, a TOML or JSON file that need not be added yet, or a notice of the ledger, as id@version. The
    manifest is checked, not the text behind it: elements, form of consent, writing, language, version.

    Exit code 1 when something is missing.
    """
    from consentgate.cli.linted import Place, shown
    from consentgate.cli.values import moment
    from consentgate.config.lint import lint, of_version
    from consentgate.moment import system_clock

    found = _found(home, name, language)
    wanted = tuple(code.strip() for text in codes for code in text.split(",") if code.strip())
    place = Place(
        codes=wanted or found.manifest.jurisdictions,
        purposes=purposes or found.manifest.purposes,
        day=(moment(at_text, "--at") if at_text else system_clock()).date(),
        packs=packs_named(home, named),
    )
    if not place.codes:
        raise InvalidInput("Say where the notice is to be used, for example --for US-IL,FR.")
    flaws = lint(
        found.manifest, place.codes, place.purposes, place.packs, day=place.day, standing=found.standing
    )
    return shown(
        found.manifest, place, (*flaws, *of_version(found.manifest, found.known, stored=found.stored))
    )


def _found(home: str | None, name: str, language: str | None) -> "Found":
    from pathlib import Path

    from consentgate.cli.values import handed_in, read_manifest
    from consentgate.config.linting import found_in_file, found_in_ledger
    from consentgate.config.settings import FILE, home_of

    if not (Path(name).is_file() or name.endswith((".toml", ".json"))):
        with looking(home) as parts:
            return found_in_ledger(parts, name, language)
    with handed_in(name):
        members = read_manifest(name)
        if home is None and not (home_of(None) / FILE).exists():
            return found_in_file(members, None)
        with looking(home) as parts:
            return found_in_file(members, parts)


_NONE = "No notice yet. Add one: `consentgate notice add FILE --manifest MANIFEST`."


def _write(out: str, content: bytes) -> None:
    from pathlib import Path

    try:
        with Path(out).open("xb") as file:
            file.write(content)
    except OSError as error:
        raise InvalidInput(f"{out} cannot be written: {error.strerror}.") from error


def _item(manifest: "Manifest") -> dict[str, Json]:
    from consentgate import canonical
    from consentgate.consent.notice import encode

    item = canonical.decode(encode(manifest))
    return dict(item) if isinstance(item, dict) else {}


def _shown(manifest: "Manifest", *, digest: str, size: int | None = None) -> Done:
    from consentgate.canonical import b64

    result: dict[str, Json] = {"manifest": _item(manifest), "manifest_sha256": digest}
    if size is not None:
        result["size"] = size
    pairs = [
        ("notice", f"{manifest.id}@{manifest.version}"),
        ("language", manifest.language),
        ("bytes", f"{size} of {manifest.media_type}" if size is not None else manifest.media_type),
        ("sha256", b64(manifest.digest)),
        ("manifest", digest),
        ("in writing", "yes" if manifest.in_writing else "no"),
        ("form", manifest.consent_form),
        ("purposes", ", ".join(manifest.purposes)),
        ("operations", ", ".join(manifest.operations)),
        ("controllers", ", ".join(manifest.controllers)),
        ("separate", "yes" if manifest.separate else "no"),
        ("disclosure", manifest.disclosure_consent),
        ("validity", manifest.validity or "no end"),
        ("elements", "\n".join(sorted(manifest.elements))),
        ("recipients", ", ".join(plain(r) for r in manifest.recipients)),
    ]
    return Done(result=result, text=fields(pairs))
