"""The words of the paper: what each word of the formats means to somebody who never heard of consentgate.

Invariants: nothing but tables and lookups; an unknown word is shown as it is, with spaces for underscores.
"""

from typing import Final

KINDS: Final[dict[str, str]] = {
    "statement": "a person's statement: consent, refusal, withdrawal, or that two references are one person",
    "call": "who joined or left a call",
    "assertion": "a fact that the controller vouches for",
    "registry": "a list of the issuers whose statements count",
    "packs": "a set of rules of law",
    "intent": "a request that was allowed, recorded before it left",
    "denial": "a request that was denied and did not leave",
    "outcome": "how a request ended",
    "observation": "what was seen of a request later",
    "stop": "an order to stop what an allowed request had started",
    "hold": "a legal hold",
    "key_destroyed": "the destruction of a person's key",
    "export": "an export like this one",
    "heartbeat": "a sign that the log is kept",
    "writer_stop": "a process that writes has ended in order",
    "epoch": "a new epoch of the log",
}

WITHHELD: Final[dict[str, str]] = {
    "destroyed": "The key was destroyed, so nobody can read it any more.",
    "matches": "It names other people: whom a voice was compared with, and how alike they were.",
    "other_person": "It is about another person.",
    "privilege": "It is withheld as privileged.",
    "references": "References that name a person are left out.",
    "role": "It is not for this recipient's role.",
    "templates": "Voiceprints are never exported by default.",
}

OF_AGE: Final = "stated to be of age"
"""What ``adult`` of a speaker means."""

SPEAKERS: Final[dict[str, str]] = {
    "adult": (
        "true: the person was stated to be at least 18, for where the exact age is not known. false: that was not "
        "stated, which does not say that the person is younger. Texts leave false out beside an age."
    ),
    "age": "The person's age in whole years, as it was stated; not there where the exact age is not known.",
}

SUBJECT: Final = "subject"
"""The role of the person whom the records are about."""

ROLES: Final[dict[str, str]] = {
    "counsel": "counsel of the controller",
    "regulator": "a regulator",
    "opposing": "the opposing party",
    SUBJECT: "the person whom the records are about",
}

STATES: Final[dict[str, str]] = {
    "ConsentGiven": "Consent given",
    "ConsentRefused": "Consent refused",
    "ConsentWithdrawn": "Consent withdrawn",
    "SameSubject": "Two references declared to be one person",
    "NotSameSubject": "Two references declared not to be one person",
}

STATES_OF_YOURS: Final[dict[str, str]] = {
    "ConsentGiven": "You gave your consent",
    "ConsentRefused": "You refused",
    "ConsentWithdrawn": "You withdrew your consent",
    "SameSubject": "It was stated that two references are you",
    "NotSameSubject": "It was stated that two references are not one person",
}

METHODS: Final[dict[str, str]] = {
    "web_esign": "signed electronically on the web",
    "web_form": "web form",
    "ivr_dtmf": "key press on the telephone",
    "voice_recording": "spoken, and recorded",
    "paper": "on paper",
    "verbal_unrecorded": "spoken, not recorded",
    "import": "taken over from an earlier system",
}

FORMS: Final[dict[str, str]] = {
    "none": "none",
    "notice_only": "notice only",
    "opt_in": "opt-in",
    "explicit": "explicit consent",
    "written_release": "written release",
}

ACTIONS: Final[dict[str, str]] = {
    "search": "Voice comparison",
    "enrol": "Making of a voiceprint",
    "update": "Change of a voiceprint",
    "disclose": "Disclosure of a voiceprint",
    "sell": "Sale of a voiceprint",
    "tone_analysis": "Analysis of a voice's tone",
}

# Nobody's voice is in a container yet, though the operation that makes one is gated as an enrolment.
CONTAINERS: Final[dict[str, str]] = {"CreateVoiceProfileDomain": "Making of a place for voiceprints"}

ENDS: Final[dict[str, str]] = {
    "succeeded": "The request was carried out",
    "rejected": "The receiver refused the request",
    "not_sent": "The request never left",
    "undetermined": "Whether the request was carried out cannot be found out any more",
    "unknown": "What became of the request was not known yet",
}

DUTIES: Final[dict[str, str]] = {
    "stop_processing": "stop the processing",
    "delete_template": "delete the voiceprint",
    "delete_by": "delete the voiceprint",
    "preserve_sealed_no_search": "keep it sealed, without any comparison",
    "refresh_by": "ask for consent anew",
    "retain_proof_until": "keep the proof of consent",
}

SAID: Final[dict[str, str]] = {
    "stopped": "the task was stopped",
    "deleted": "the voice profile was deleted",
    "gone": "it was not there any more",
    "ended": "it had ended by itself",
    "too late": "the order came too late to matter",
    "no answer": "there was no answer",
}

SOURCES: Final[dict[str, str]] = {
    "notification": "told by the vendor",
    "poll": "asked of the vendor",
    "get": "asked of the vendor",
    "cloudtrail": "found in the vendor's trail",
    "tripwire": "seen on a client that no gate protects",
}

PLAIN: Final[dict[str, str]] = {
    "registry": "A list of issuers came into force",
    "packs": "A set of rules came into force",
    "hold": "A legal hold was recorded",
    "key_destroyed": "A key was destroyed",
    "export": "Records were exported",
    "heartbeat": "The log gave a sign of life",
    "writer_stop": "A writing process ended in order",
    "epoch": "A new epoch of the log began",
}


def word(table: dict[str, str], key: str) -> str:
    """Say a word of a format.

    Args:
        table: one of this module's.
        key: the word.

    Returns:
        What it means; the word itself, with spaces, where the table lacks it.
    """
    return table.get(key, key.replace("_", " "))
