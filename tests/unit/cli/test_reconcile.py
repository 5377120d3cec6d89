"""What the command shows of things that seldom happen; the rest is driven in the acceptance tests."""

from uuid import UUID

from consentgate.cli import reconcile
from consentgate.gate.evidence import Ungated
from consentgate.gate.reconcile import Closed, Reconciled, Stuck, Waiting
from consentgate.testing.clock import START

INTENT, ENTRY = UUID(int=1), UUID(int=2)


def closed(**how: object) -> Closed:
    known: dict[str, object] = {
        "intent": INTENT,
        "entry": ENTRY,
        "operation": "StartSpeakerSearchTask",
        "asked_at": START,
        "end": "succeeded",
        "by": "cloudtrail",
        "because": "trail",
        "why": "CloudTrail shows the request and what it started.",
        "was": None,
        "fresh": True,
        "stops": "none",
    }
    return Closed(**{**known, **how})  # type: ignore[arg-type]  # as the tests say


def test_each_sort_of_finding_says_what_to_do() -> None:
    done = Reconciled(
        closed=(closed(stops="open"), closed(stops="open", end="undetermined"), closed()),
        late=(closed(was="rejected"), closed(was="undetermined")),
        waiting=(Waiting(intent=INTENT, operation="x", asked_at=START, until=START),),
        stuck=(Stuck(intent=INTENT, why="It is damaged."),),
        ungated=(
            Ungated(
                event="\x07-1",
                at=START,
                operation="x",
                region="y",
                principal="Root",
                error=None,
                unclear=True,
            ),
        ),
    )
    findings = reconcile._found(done)
    assert [(each.kind, each.found.partition(",")[0]) for each in findings] == [
        ("ungated", "x in y by Root at 2026-11-22 12:00:00Z"),
        ("contradicted", "CloudTrail shows the request and what it started."),
        ("open", "none"),
        ("open", "It is damaged."),
        ("stop_open", "a stop order that nobody carried out"),
        ("stop_open", "nobody knows what was started"),
    ]
    assert all(each.cure for each in findings)
    assert findings[0].expected == "an intent, or one of somebody who was erased"
    assert "\x07" not in findings[0].where
    text = reconcile._page(done, with_trail=True)
    for said in (
        "CloudTrail says more",
        "may still arrive",
        "cannot be closed",
        "It is damaged.",
        "passed the gate by",
    ):
        assert said in text
    assert "\x07" not in text
    result = reconcile._result(done)
    assert [len(result[name]) for name in ("items", "late", "waiting", "stuck", "ungated")] == [3, 2, 1, 1, 1]  # type: ignore[arg-type]  # lists
