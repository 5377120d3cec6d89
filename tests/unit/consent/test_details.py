from consentgate.consent.details import CallContext, EvidenceRef, Retention, Withdrawal


def test_one_known_member_is_enough() -> None:
    assert CallContext(transaction_id="tx-1").call_leg is None
    assert CallContext(call_leg="Callee").transaction_id is None
    assert Retention(text="three years").period is None
    assert Retention(period="P3Y").text is None
    assert Withdrawal(phone="+1 312 555 0100").uri is None
    assert Withdrawal(uri="mailto:stop@acme.example").text is None


def test_no_repr_shows_a_call_or_where_evidence_lies() -> None:
    context = CallContext(transaction_id="tx-1", voice_connector_id="vc-1")
    evidence = EvidenceRef(digest=bytes(32), media_type="audio/wav", size=1, kind="recording", uri="s3://b/k")
    assert "tx-1" not in repr(context)
    assert "s3" not in repr(evidence)


def test_media_types_may_have_a_parameter() -> None:
    EvidenceRef(digest=bytes(32), media_type="text/plain; charset=utf-8", size=0, kind="transcript")
