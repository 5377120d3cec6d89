"""The phrases behind `consentgate.packs.wording`: what each value of a requirement says.

Invariants: nothing but tables; every word of the vocabulary has its phrase.
"""

from typing import Final

# What a requirement is called, in the order in which a brief goes through them.
LABELS: Final[dict[str, str]] = {
    "prohibited": "Prohibition",
    "prohibited_uses": "Forbidden uses",
    "voiceprint_covered": "Voiceprints",
    "consent_required": "Consent",
    "consent_basis": "Ground of consent",
    "consent_form": "Form of consent",
    "electronic_signature_ok": "Electronic signature",
    "oral_consent_ok": "Spoken consent",
    "separate_consent": "Separate consent",
    "consent_refresh": "Consent asked anew",
    "minors": "Minors",
    "notice_required": "Notice",
    "notice_in_writing": "Notice in writing",
    "notice_elements": "Content of the notice",
    "notice_elements_conditional": "Further content",
    "purpose_limited": "Purpose",
    "strict_necessity": "Strict necessity",
    "alternative_required": "Another way",
    "call_recording_consent": "Recording of the call",
    "max_retention": "Keeping",
    "withdrawal": "Withdrawal",
    "sale_prohibited": "Sale",
    "disclosure_rule": "Disclosure",
    "data_localisation": "Place of processing",
    "prior_authority": "Filing",
    "impact_assessment_required": "Impact assessment",
    "public_policy_required": "Public policy",
    "record_keeping": "Proof",
    "private_right_of_action": "Claims",
}

ELEMENTS: Final[dict[str, str]] = {
    "identity_of_controller": "who the controller is",
    "controller_contact": "how to reach the controller",
    "dpo_contact": "how to reach the data protection officer",
    "collection_or_storage_disclosed": "that a voiceprint is collected or kept",
    "categories_of_data": "what kinds of data",
    "specific_purpose": "the specific purpose",
    "legal_basis": "the legal basis",
    "length_of_term": "for how long",
    "retention_schedule": "the retention schedule",
    "recipients_or_disclosure": "who receives it",
    "cross_border_transfer": "transfers abroad",
    "automated_decision": "automated decisions",
    "withdrawal_right": "the right to withdraw",
    "data_subject_rights": "the person's rights",
    "complaint_right": "the right to complain",
    "consequences_of_refusal": "what follows from a refusal",
    "alternative_available": "the other way that is offered",
    "necessity_and_impact": "why it is necessary and what it means for the person",
    "policy_url": "where the policy stands",
    "recording_disclosed": "that the call is recorded",
}

FLAGS: Final[dict[str, str]] = {
    "cross_border": "data crosses a border",
    "automated_decision": "decisions are automated",
    "third_party_provision": "data goes to third parties",
    "provision_is_contractual": "the data is needed for a contract",
    "has_dpo": "there is a data protection officer",
}
OPERATIONS: Final[dict[str, str]] = {
    "search": "Comparing voices",
    "enrol": "Making a voiceprint",
    "update": "Changing a voiceprint",
    "disclose": "Disclosing a voiceprint",
    "sell": "Selling a voiceprint",
    "tone_analysis": "Analysing the tone of a voice",
}
SETTINGS: Final[dict[str, str]] = {
    "customer": "of customers",
    "workplace": "at work",
    "education": "in education",
}
TRIGGERS: Final[dict[str, str]] = {
    "purpose_satisfied": "the purpose is met",
    "last_interaction": "the person last interacted",
    "consent_withdrawn": "consent is withdrawn",
    "employment_ended": "the employment ends",
    "storage_unnecessary_determined": "a review finds storage unnecessary",
}
FILINGS: Final[dict[str, str]] = {
    "none": "A filing with the authority",
    "declaration": "A declaration to the authority",
    "authorisation_conditional": "In some cases an authorisation of the authority",
    "registration": "A registration with the authority",
    "accreditation": "An accreditation by the authority",
    "notification_over_100k": "Above 100,000 people a notification to the authority",
}
AGE_KINDS: Final[dict[str, str]] = {
    "statutory": "",
    "inferred": " (inferred)",
    "proxy": " (taken from another law)",
    "regulator_guidance": " (guidance of the regulator)",
    "unknown": " (not established)",
    "none": "",
    "capacity_of_judgement": " (the law asks for the capacity of judgement)",
}
GROUNDS: Final[dict[str, str]] = {
    "statute": "Consent is asked for by statute.",
    "policy_choice": "No statute asks for consent; it is a choice of policy.",
    "regulator_guidance": "The regulator's guidance asks for consent.",
}

# Per requirement, from what asks least to what asks most: value, sentence, whether it asks for something.
CHOICES: Final[dict[str, dict[object, tuple[str, bool]]]] = {
    "prohibited": {
        False: ("Comparing voices is not forbidden as such.", False),
        True: ("Comparing voices is forbidden, whatever the consent.", True),
    },
    "voiceprint_covered": {
        "no": ("The law does not cover voiceprints.", False),
        "unclear": ("Whether the law covers voiceprints is unclear; they are treated as covered.", True),
        "yes": ("The law covers voiceprints.", True),
    },
    "consent_required": {
        False: ("The law itself asks for no consent; the product's floor asks for it all the same.", False),
        True: ("A voice is compared only with the person's consent.", True),
    },
    "consent_form": {
        "none": ("No form of consent is stated.", False),
        "notice_only": ("A notice is enough for the law itself.", False),
        "opt_in": ("The person has to opt in.", True),
        "explicit": ("The consent has to be explicit.", True),
        "written_release": ("The consent has to be a signed written release.", True),
    },
    "electronic_signature_ok": {
        "yes": ("An electronic signature will do.", False),
        "unclear": ("Whether an electronic signature will do is unclear; it is not accepted.", True),
        "no": ("An electronic signature will not do.", True),
    },
    "oral_consent_ok": {
        "yes": ("A spoken consent will do.", False),
        "unclear": ("Whether a spoken consent will do is unclear; it is not accepted.", True),
        "no": ("A spoken consent will not do.", True),
    },
    "separate_consent": {
        False: ("Consent need not stand apart from other terms.", False),
        True: ("Consent is asked for apart from other terms.", True),
    },
    "notice_required": {
        False: ("The law itself asks for no notice.", False),
        True: ("The person has to be told beforehand.", True),
    },
    "notice_in_writing": {
        False: ("The notice may be spoken.", False),
        True: ("The notice has to be in writing; a spoken one will not do.", True),
    },
    "purpose_limited": {
        False: ("The law itself does not limit the purposes.", False),
        True: ("The voiceprint serves only the purposes that the consent names.", True),
    },
    "strict_necessity": {
        False: ("Strict necessity is not asked for.", False),
        True: ("It is allowed only where it is strictly necessary; consent does not replace that.", True),
    },
    "alternative_required": {
        False: ("No other way has to be offered.", False),
        True: ("Whoever declines has to be offered another way.", True),
    },
    "call_recording_consent": {
        "one_party": ("One party's agreement to the recording of the call is enough.", False),
        "all_party": ("All parties have to agree to the recording of the call.", True),
    },
    "sale_prohibited": {
        "no": ("No rule on sale is stated.", False),
        "opt_out": ("The person can opt out of a sale.", True),
        "without_consent": ("A sale needs consent.", True),
        "without_signed_authorization": ("A sale needs a signed authorisation.", True),
        "yes_with_narrow_exceptions": ("Sale is forbidden, with narrow exceptions.", True),
        "yes": ("Sale is forbidden.", True),
    },
    "disclosure_rule": {
        "general": ("No rule of its own on disclosure is stated.", False),
        "consent": ("Disclosure to others needs consent.", True),
        "consent_or_list": ("Disclosure to others needs consent, or a case that the law lists.", True),
        "separate_consent": ("Disclosure to others needs a consent of its own.", True),
        "closed_list": ("Disclosure is allowed only in the cases that the law lists.", True),
    },
    "data_localisation": {
        "none": ("No rule keeps the voice in the country.", False),
        "conditional": ("Under conditions that are not modelled the voice has to stay in the country.", True),
        "required": ("The voice has to be processed in the country.", True),
    },
    "impact_assessment_required": {
        False: ("No impact assessment is asked for.", False),
        True: ("An impact assessment has to be done first.", True),
    },
    "public_policy_required": {
        False: ("No public policy is asked for.", False),
        True: ("A retention policy has to be public.", True),
    },
}
