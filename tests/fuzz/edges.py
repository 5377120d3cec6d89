"""What comes from outside: settings, the command line, and the vendor's wire."""

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Final
from unittest import mock

from consentgate import canonical
from consentgate.aws.operations import GATED, PIPELINES, VOICE, Wire
from consentgate.cli import values as typed
from consentgate.config import settings
from consentgate.config.delivering import recipients_in
from consentgate.config.since import read_pinned
from consentgate.config.times import members_of, read_times
from consentgate.errors import InvalidInput, Malformed, Misconfigured
from consentgate.gate.told import answer_of
from consentgate.gate.vendorrequest import VendorRequest, request_of
from tests.fuzz.target import (
    JWKS,
    STATEMENTS,
    Target,
    as_text,
    in_bytes,
    in_json,
    of_file,
    of_json,
    of_object,
    of_text,
)
from tests.fuzz.trees import NOTE, VKEY, WITNESSES

_SETTINGS: Final = (
    (
        b'format = 1\ndatabase = "sqlite:///consentgate.db"\ntenant = "default"\n[controller]\nid = "acme"\n'
        b'jurisdiction = "US-IL"\n[purposes]\nsearch = "authentication"\n[limits]\nclock_skew_s = 5\n'
        b'outcome_budget_s = 2.5\n[spool]\nfolder = "spool"\nlimit = 10\n'
    ),
    (
        b'format = 1\ndatabase = "sqlite:///x.db"\npooler = true\nwriters = 4\nwitness_policy = "1 of 1"\n'
        b'[controller]\nid = "acme"\n[timeouts]\nstop_s = 3\n[retry]\nattempts = 3\nfirst_s = 0.5\n'
        b'[log]\nstate = "s3://bucket/log.state"\nbackground = false\n[shadow]\nby = "dpo"\nuntil = 2026-12-01\n'
        b'[[anchors]]\nname = "site"\nkind = "directory"\npath = "kept"\nalarm_after_s = 900\n'
        b'[[anchors]]\nname = "bucket"\nkind = "s3"\nbucket = "acme-heads"\nprefix = "x"\nretain_days = 30\n'
        b'[[anchors]]\nname = "w"\nkind = "witness"\nurl = "https://w.example/1"\nvkey = "%s"\n'
        % WITNESSES[0].vkey.encode()
    ),
    (
        b'format = 1\ndatabase = "sqlite:///x.db"\n[controller]\nid = "acme"\n[packs]\noverlay = "overlay"\n'
        b'[timestamps]\nurl = "https://tsa.example/tsr"\ncertificates = "tsa.pem"\n'
    ),
)


_OF_REQUEST: Final = {
    each.name for each in fields(VendorRequest) if each.name not in {"body", "captured_at"}
}  # fmt: skip
_PLACES: Final = {
    (VOICE, "StartSpeakerSearchTask"): ("POST", "/voice-connectors/c/speaker-search-tasks", ""),
    (VOICE, "StartVoiceToneAnalysisTask"): ("POST", "/voice-connectors/c/voice-tone-analysis-tasks", ""),
    (VOICE, "CreateVoiceProfile"): ("POST", "/voice-profiles", ""),
    (VOICE, "UpdateVoiceProfile"): ("PUT", "/voice-profiles/vp-1", ""),
    (VOICE, "CreateVoiceProfileDomain"): ("POST", "/voice-profile-domains", ""),
    (PIPELINES, "StartSpeakerSearchTask"): (
        "POST",
        "/media-insights-pipelines/p/speaker-search-tasks",
        "operation=start",
    ),
    (PIPELINES, "StartVoiceToneAnalysisTask"): (
        "POST",
        "/media-insights-pipelines/p/voice-tone-analysis-tasks",
        "operation=start",
    ),
}


def _settings(data: bytes) -> object:
    def read_text(_path: Path, *, encoding: str) -> str:
        return data.decode(encoding)

    with mock.patch.object(Path, "read_text", read_text):
        return settings.load_settings(Path("/home"), {})


def _times(data: bytes) -> object:
    tables = canonical.decode(data, floats=True)
    # `consentgate.config.members` has made sure of that.
    if not isinstance(tables, dict) or not all(isinstance(each, dict) for each in tables.values()):
        raise Malformed
    return read_times(Path("consentgate.toml"), {"limits": {}, "timeouts": {}, "retry": {}, **tables})


def _vendor_request(given: dict[str, Any]) -> object:
    request = VendorRequest(
        **{name: given[name] for name in _OF_REQUEST & given.keys()}, body=given.get("body")
    )
    return request.path, request.query, request.content


def _told(given: dict[str, Any]) -> object:
    body, *others = (given.get(name) for name in ("body", "status", "task", "request_id", "summary"))
    return answer_of(body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body, *others)


def _manifest(data: bytes) -> object:
    with mock.patch.object(typed, "read_bytes", lambda _name, *, limit: data[:limit]):
        return typed.read_manifest("notice.toml")


def _token_file(data: bytes) -> object:
    with mock.patch.object(typed, "read_bytes", lambda _name, *, limit: data[:limit]):
        return typed.read_token("token.jwt")


def _public_key(data: bytes) -> object:
    with mock.patch.object(typed, "read_bytes", lambda _name, *, limit: data[:limit]):
        return typed.read_public_key(jwk="key.jwk", pem=None)


def _address(data: bytes) -> object:
    address = GATED[VOICE, "StartSpeakerSearchTask"].address
    assert address is not None
    path = "/voice-connectors/abcdef1ghij2klmno3pqr4/speaker-search-tasks"
    return address(Wire(method="POST", path=path, query="", body=data))


def _address_path(data: bytes) -> object:
    address = GATED[VOICE, "StartSpeakerSearchTask"].address
    assert address is not None
    return address(Wire(method="POST", path=as_text(data), query="", body=b'{"TransactionId":"t"}'))


def _addressed_by_all(data: bytes) -> object:
    """The same bytes as the body of every gated operation, at its own place."""
    read = [
        operation.address(Wire(method=method, path=path, query=query, body=data))
        for (service, name), operation in GATED.items()
        for method, path, query in [_PLACES[service, name]]
    ]
    for operation in GATED.values():
        canonical.encode(operation.answer(data).summary)
    return [each.trouble for each in read]


def _answered(data: bytes) -> object:
    answer = GATED[VOICE, "StartSpeakerSearchTask"].answer
    assert answer is not None
    found = answer(data)
    canonical.encode(found.summary)
    return found


EDGES: Final[Sequence[Target]] = (
    Target(
        name="config.settings.load_settings",
        decode=_settings,
        samples=_SETTINGS,
        errors=(Misconfigured,),
    ),
    Target(
        name="config.times.read_times",
        decode=_times,
        samples=in_json(
            {"limits": {"send_by_s": 5}, "timeouts": {"who_s": 2.5}, "retry": {}},
            {
                "limits": dict.fromkeys(members_of("limits"), 1),
                "timeouts": {name: 2 + name.endswith("answer_s") for name in members_of("timeouts")},
                "retry": dict.fromkeys(members_of("retry"), 2),
            },
        ),
        errors=(Malformed, Misconfigured),
    ),
    Target(
        name="config.since.read_pinned",
        decode=of_file(lambda file: read_pinned(file, VKEY)),
        samples=[NOTE],
        errors=(InvalidInput,),
    ),
    Target(
        name="config.delivering.recipients_in",
        decode=of_file(recipients_in),
        samples=[b"# two\nage1x\n\nage1y\n"],
        errors=(InvalidInput,),
    ),
    Target(
        name="gate.vendorrequest.request_of",
        decode=of_json(request_of),
        samples=in_json({"audio": "s-1"}, [1.5], None),
        errors=(InvalidInput, Malformed),
    ),
    Target(
        name="gate.vendorrequest.VendorRequest",
        decode=of_object(_vendor_request),
        samples=in_json(
            {
                "body": {"x": 1},
                "url": "https://v.example:8443/a?b=c",
                "country": "DE",
                "token": "t",
                "call": "c",
            },
            {"body": [], "url": "/v1", "method": "PUT", "service": "s", "leg": "Callee", "keep": "digest"},
        ),
        errors=(InvalidInput, Malformed),
    ),
    Target(
        name="gate.told.answer_of",
        decode=of_object(_told),
        samples=in_json({"body": "{}", "status": 201, "task": "t", "request_id": "r", "summary": {"a": [1]}}),
        errors=(InvalidInput, Malformed),
    ),
    Target(
        name="cli.values.read_manifest",
        decode=_manifest,
        samples=[b'id = "x"\nn = 1\n'],
        errors=(InvalidInput,),
    ),
    Target(name="cli.values.read_token", decode=_token_file, samples=STATEMENTS, errors=(InvalidInput,)),
    Target(
        name="cli.values.read_public_key", decode=_public_key, samples=in_json(*JWKS), errors=(InvalidInput,)
    ),
    Target(
        name="cli.values.json_value",
        decode=of_text(typed.json_value),
        samples=in_bytes("true", '{"jurisdiction":"FR"}', "all_parties"),
        errors=(InvalidInput,),
    ),
    Target(
        name="cli.values.moment",
        decode=of_text(lambda text: typed.moment(text, "--at")),
        samples=in_bytes("2026-11-22", "2026-11-22T12:00:00Z"),
        errors=(InvalidInput,),
    ),
    Target(
        name="cli.values.references",
        decode=of_text(lambda text: typed.references([text])),
        samples=in_bytes("customer:C-1001", "phone:+12175550100"),
        errors=(InvalidInput,),
    ),
    Target(
        name="aws.operations.Operation.address",
        decode=_address,
        samples=in_json(
            {
                "TransactionId": "t-1",
                "CallLeg": "Caller",
                "ClientRequestToken": "x",
                "VoiceProfileDomainId": "d",
            }
        ),
        errors=(),
    ),
    Target(
        name="aws.operations.GATED",
        decode=_addressed_by_all,
        samples=in_json(
            {
                "TransactionId": "t-1",
                "LanguageCode": "en-US",
                "ClientRequestToken": "x",
                "SpeakerSearchTaskId": "task",
                "KinesisVideoStreamSourceTaskConfiguration": {"StreamArn": "arn:s", "ChannelId": 0},
                "VoiceProfile": {"VoiceProfileId": "vp"},
            }
        ),
        errors=(),
    ),
    Target(
        name="aws.operations.Operation.address path",
        decode=_address_path,
        samples=in_bytes("/voice-connectors/abcdef1ghij2klmno3pqr4/speaker-search-tasks"),
        errors=(),
    ),
    Target(
        name="aws.operations.Operation.answer",
        decode=_answered,
        samples=in_json(
            {
                "SpeakerSearchTask": {
                    "SpeakerSearchTaskId": "t-1",
                    "SpeakerSearchTaskStatus": "IN_QUEUE",
                    "SpeakerSearchDetails": {"Results": [{"VoiceProfileId": "vp", "ConfidenceScore": 0.5}]},
                }
            }
        ),
        errors=(),
    ),
)
