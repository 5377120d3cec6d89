"""Why not: every reason as a typed value, with a sentence, its law, and what would cure it.

Two families. The law's reasons follow from packs; the gate's own follow from what the gate was or was not
told. `docs/reference/reasons.md` lists them all. Text is rendered here and nowhere else; what varies stands
in `detail`, as words of the vocabulary, never as personal data.

>>> reason("INPUT_MISSING", "purpose").code
'INPUT_MISSING:purpose'
"""

from typing import Final, Literal, TypeAlias

from consentgate.errors import InvalidInput
from consentgate.packs.pack import Basis
from consentgate.values import dataclass

Family: TypeAlias = Literal["law", "gate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One reason code.

    Attributes:
        code: the code, without a detail.
        family: whose reason it is.
        sentence: what is wrong, for a person.
        cure: what would make it go away.
    """

    code: str
    family: Family
    sentence: str
    cure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason why a request is denied; has what `errors.ReasonLike` asks for.

    Attributes:
        code: the code; ``INPUT_MISSING`` carries what is missing, as in ``INPUT_MISSING:purpose``.
        speaker: which speaker, as the caller named them, or None.
        bases: every pack that asks for it, sorted; empty for reasons of the gate itself.
        detail: what exactly, for example the notice elements that are missing.
    """

    code: str
    speaker: str | None = None
    bases: tuple[Basis, ...] = ()
    detail: tuple[str, ...] = ()

    @property
    def definition(self) -> Definition:
        """The entry of `DEFINITIONS` behind the code."""
        return DEFINITIONS[self.code.partition(":")[0]]

    @property
    def family(self) -> Family:
        """Whether the law asks for it or the gate itself."""
        return self.definition.family

    @property
    def pack(self) -> str | None:
        """The first pack that asks for it, or None."""
        return self.bases[0].pack if self.bases else None

    @property
    def law(self) -> str | None:
        """Jurisdiction and citation of each rule, or None."""
        return "; ".join(f"{basis.pack}: {basis.citation}" for basis in self.bases) or None

    @property
    def sentence(self) -> str:
        """One sentence for a person."""
        text = self.definition.sentence
        return f"{text[:-1]}: {', '.join(self.detail)}." if self.detail else text

    @property
    def cure(self) -> str:
        """What would make the reason go away."""
        return self.definition.cure


def reason(
    code: str,
    *detail: str,
    speaker: str | None = None,
    bases: tuple[Basis, ...] = (),
) -> Reason:
    """Make a reason.

    Args:
        code: a code of `DEFINITIONS`.
        *detail: what exactly; for ``INPUT_MISSING`` the one input that is missing.
        speaker: which speaker, or None.
        bases: the packs that ask for it.

    Returns:
        The reason.

    Raises:
        InvalidInput: there is no such code.
    """
    if code not in DEFINITIONS:
        raise InvalidInput("There is no such reason code; consentgate/policy/reasons.py lists them.")
    if code == "INPUT_MISSING":
        return Reason(code=f"{code}:{detail[0]}", speaker=speaker, bases=bases)
    return Reason(code=code, speaker=speaker, bases=bases, detail=detail)


_LAW: Final = (
    ("AGE_UNKNOWN", "Nobody ruled out that the speaker is a minor.",
     "Give the speaker's age, adult=True, or a grant with the claim age_over."),
    ("ALTERNATIVE_NOT_OFFERED", "Callers who decline have no other way that is asserted.",
     "Offer another way, then assert alternative_offered."),
    ("COLLECTION_BEFORE_CONSENT", "The audio was captured before the consent was given.",
     "Use audio captured after the grant, and do not process what came before."),
    ("CONSENT_BUNDLED", "The consent was not asked for apart from other terms.",
     "Ask with a notice that asks for this consent separately."),
    ("CONSENT_EXPIRED", "The consent has run out.", "Ask for a new consent."),
    ("CONSENT_FORM_INSUFFICIENT", "The consent is not in a form that the law accepts.",
     "Ask again in the form that is needed, for example a written release signed on the web."),
    ("CONSENT_NOT_YET_GIVEN", "The consent is dated after the decision.",
     "Check the issuer's clock, or search after the consent."),
    ("CONSENT_REFRESH_REQUIRED", "The speaker has not interacted for so long that consent must be renewed.",
     "Ask for a new consent."),
    ("CONSENT_REFUSED", "The speaker refused.",
     "Take another way; do not ask again unless the speaker does."),
    ("CONSENT_WITHDRAWN", "The speaker withdrew the consent.",
     "Take another way; delete the voiceprint, or keep it sealed under a legal hold."),
    ("DISCLOSURE_NOT_PERMITTED", "The voiceprint must not be disclosed on this consent.",
     "Ask for a separate consent to the disclosure where the law knows one; some laws know none."),
    ("IMPACT_ASSESSMENT_MISSING", "No impact assessment is asserted.",
     "Do the assessment, then assert impact_assessment_done."),
    ("LOCALISATION_VIOLATION", "The law wants the voice processed in its own country.",
     "Use a region in that country."),
    ("MINOR_NO_GUARDIAN", "The speaker is below the age limit and no verified guardian consented.",
     "Have a guardian consent, and verify that they may."),
    ("NOTICE_INCOMPLETE", "The notice that was shown lacks what it has to say.",
     "Show a notice with these elements, and ask again."),
    ("NOTICE_NOT_WRITTEN", "The notice was not in writing.", "Show the notice in writing before asking."),
    ("NOT_STRICTLY_NECESSARY", "Strict necessity is not asserted.",
     "Assert strictly_necessary where it is true; consent does not replace it."),
    ("NO_CONSENT", "There is no consent of this speaker.", "Ask for consent, for example on the line."),
    ("NO_PROOF_OF_CONSENT", "Nobody recorded the spoken consent.",
     "Record the consent, or take a key press or a signature."),
    ("PRIOR_AUTHORITY_MISSING", "A filing with an authority is not asserted.",
     "Make the filing, then assert authority_filing."),
    ("PRIOR_AUTHORITY_PENDING", "The time between the filing and the processing has not passed.",
     "Wait until the lead time is over."),
    ("PROHIBITED_BY_LAW", "The law forbids this altogether.", "Take another way; no consent helps."),
    ("PUBLIC_POLICY_MISSING", "No public retention policy is asserted.",
     "Publish the policy, then assert public_policy_published."),
    ("PURPOSE_MISMATCH", "The consent is for other purposes.", "Ask for consent for this purpose."),
    ("PURPOSE_SATISFIED", "The purpose of the voiceprint has been met.",
     "Delete it; enrol anew if the need is new."),
    ("RECORDING_CONSENT_MISSING", "The parties who have to agree to the recording of the call did not.",
     "Announce the recording, and pass recording_consent or assert it."),
    ("RECORD_INTEGRITY_FAILED", "The consent's record does not verify.",
     "Check issuer, key and notice; ask for a new consent."),
    ("RETENTION_EXCEEDED", "The voiceprint should already be gone.",
     "Delete it, or keep it sealed under a legal hold."),
    ("SALE_PROHIBITED", "The law forbids the sale.", "Do not sell it; no consent helps."),
    ("UNKNOWN_JURISDICTION", "No pack covers a jurisdiction that is known of the speaker.",
     "Give evidence of jurisdiction that a pack covers; a number alone is none."),
)  # fmt: skip

_GATE: Final = (
    ("CALL_UNKNOWN", "Nobody registered this call.", "Call register_call before the search."),
    ("CLOCK_DISAGREES", "The clocks of process and database disagree.", "Synchronise the clocks."),
    ("CONSENT_CHANGED", "What the decision rested on changed before the request left.",
     "Search again; the gate decides anew."),
    ("CONSENT_FOR_OTHER_CALL", "The consent was given for another call only.", "Ask on this call."),
    ("CONSENT_USED_UP", "The consent covers no further request.", "Ask for a new consent."),
    ("CONTROLLER_NOT_CONSENTED", "The consent is for another controller.",
     "Ask for consent that names this controller."),
    ("ENROLMENT_NOT_PREPARED", "Nobody can be asked to enrol: no notice for it, or no issuer, is on record.",
     "Add an issuer, and a notice whose operations include enrol, before making a place for voiceprints."),
    ("INPUT_MISSING", "The gate was not told something that the decision needs.",
     "Pass it to register_call, set its default, or assert it."),
    ("INTERNAL_ERROR", "A failure inside consentgate kept it from deciding.",
     "Take another way, and report the exception that is the denial's cause."),
    ("ISSUER_OUT_OF_SCOPE", "The issuer of the consent may not record such grants.",
     "Widen the issuer's scope in the registry, or use another issuer."),
    ("LEDGER_BUSY", "What the decision read kept changing.", "Try again."),
    ("LEDGER_UNAVAILABLE", "The ledger could not be reached.", "Check the database."),
    ("LEDGER_UNREADABLE", "Something stored in the ledger could not be read.", "Run consentgate verify."),
    ("LEG_UNKNOWN", "Nobody said who is on this leg of the call.",
     "Register the leg's speakers, or NOBODY; or pass CallLeg."),
    ("LOG_UNSIGNED", "Entries of the log have waited too long for a signature.",
     "Run consentgate log sign --once: it says why the log is not signed."),
    ("NO_PERMIT", "The request has no intent in the ledger.", "Send it through the protected client."),
    ("NO_SPEAKER", "Nobody said who is on the call.", "Register the call's speakers."),
    ("OPERATION_NOT_CONSENTED", "The consent does not cover this operation.",
     "Ask for consent that names the operation."),
    ("OPERATION_NOT_SUPPORTED", "This operation compares voices and the gate cannot yet decide on it.",
     "Use a supported operation."),
    ("PACKS_UNUSABLE", "A rule pack that is needed cannot be used.", "Run consentgate doctor."),
    ("PERMIT_EXPIRED", "The request did not leave in time.", "Search again; the gate decides anew."),
    ("PROFILE_OF_ANOTHER", "The voice profile that would be changed stands for somebody else's voice.",
     "Name a profile of this speaker, or make a new one."),
    ("REQUEST_ALTERED", "The request was altered after the decision.",
     "Remove the hook that changes requests after they are signed off."),
    ("REQUEST_UNREADABLE", "The request could not be read as one of a gated operation.",
     "Call the operation as its service model describes it."),
    ("SPEAKER_AMBIGUOUS", "The search heard several speakers, and nobody said whose voice it is.",
     "Pass who to protect: it is asked for the one, and everybody there needs a consent that names enrolment."),
    ("STREAM_UNNAMED", "The request names no stream, so nobody can say whose voices it would analyse.",
     "Pass KinesisVideoStreamSourceTaskConfiguration with the stream and the channel."),
    ("TASK_STOPPED", "The search that this rests on was ordered to stop.",
     "Search again, once nothing speaks against it."),
    ("TASK_TOO_OLD", "The search that this rests on is older than 24 hours.", "Search again."),
    ("TASK_UNKNOWN", "The ledger has no search under this task id that succeeded.",
     "Use the task id of a search that went through this gate."),
    ("TOO_MANY_SPEAKERS", "More than twelve speakers are on the leg.", "Search legs with fewer speakers."),
    ("UNGATED_CLIENT", "A client that no gate protects was about to send a gated request.",
     "Protect the client, or make it with the session that the gate was installed in."),
    ("WHO_FAILED", "The resolver that was asked who is on the call failed.",
     "Mend the function that was passed as who, or call register_call before the search."),
    ("WHO_TIMED_OUT", "The resolver that was asked who is on the call did not answer in time.",
     "Make the function that was passed as who quicker, or call register_call before the search."),
    ("WHO_UNUSABLE", "What the resolver answered cannot be who is on the call.",
     "Answer with speakers for each leg, NOBODY, or None; never with less than the call was told before."),
)  # fmt: skip


def _define(family: Family, table: tuple[tuple[str, str, str], ...]) -> dict[str, Definition]:
    return {
        code: Definition(code=code, family=family, sentence=sentence, cure=cure)
        for code, sentence, cure in table
    }


DEFINITIONS: Final = _define("law", _LAW) | _define("gate", _GATE)
