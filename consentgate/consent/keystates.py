"""Retiring a key and marking it as compromised: the only ways in which the state of an issuer's key changes.

Invariants: a state only ever gets stricter. Nothing here makes a key active again, or moves the time since which it
is compromised to a later one; a key that was lost sight of in error is followed by a new key. What is done twice is
done once.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from consentgate.consent.issuers import Issuer, IssuerKey, Registry
from consentgate.errors import InvalidInput
from consentgate.moment import floor

_TICK = timedelta(milliseconds=1)


def retired(issuer: Issuer, at: datetime, kid: str | None = None) -> Issuer:
    """Retire keys: they sign nothing new, and what was received before stands.

    Args:
        issuer: the issuer as it stands.
        at: now.
        kid: thumbprint of one key; None retires all that are active.

    Returns:
        The issuer as it stands then; the same one where nothing changes.

    Raises:
        InvalidInput: the issuer has no such key, or the key is compromised.
    """
    if kid is not None and _key(issuer, kid).state == "compromised":
        raise InvalidInput(
            "This key is compromised: it grants nothing, and retiring it would give that back."
        )
    return _changed(issuer, kid, lambda key: _retired(key, floor(at)))


def compromised(issuer: Issuer, since: datetime, kid: str | None = None, *, at: datetime) -> Issuer:
    """Mark keys as compromised: what they signed grants nothing from now on, as far as its time is not trusted.

    Args:
        issuer: the issuer as it stands.
        since: from when on the keys may have been in other hands.
        kid: thumbprint of one key; None marks all of them, retired ones too.
        at: now.

    Returns:
        The issuer as it stands then; the same one where nothing changes.

    Raises:
        InvalidInput: the issuer has no such key, `since` lies ahead, or a key is compromised since an earlier time.
    """
    if since > at:
        raise InvalidInput("A key is compromised since a time in the past; name that, or now.")
    return _changed(issuer, kid, lambda key: _compromised(key, floor(since), alone=kid is not None))


def _changed(issuer: Issuer, kid: str | None, change: Callable[[IssuerKey], IssuerKey]) -> Issuer:
    if kid is not None:
        _key(issuer, kid)
    keys = tuple(change(key) if kid in (None, key.public.kid) else key for key in issuer.keys)
    return issuer if keys == issuer.keys else replace(issuer, keys=keys)


def _key(issuer: Issuer, kid: str) -> IssuerKey:
    found = issuer.key(kid)
    if found is None:
        raise InvalidInput("This issuer has no such key; `consentgate issuer show` lists its keys.")
    return found


def _retired(key: IssuerKey, at: datetime) -> IssuerKey:
    if key.state != "active":
        return key
    # What was received in this very millisecond was received before: nothing new is taken in from now on.
    end = at + _TICK
    return replace(key, state="retired", not_after=end if key.not_after is None else min(end, key.not_after))


def _compromised(key: IssuerKey, since: datetime, *, alone: bool) -> IssuerKey:
    stands = key.compromised_since
    if stands is not None and stands <= since:
        if alone and stands < since:
            raise InvalidInput(
                "This key is compromised since an earlier time; it is never moved to a later one."
            )
        return key
    return replace(key, state="compromised", compromised_since=since)


def require_stricter(before: Registry, after: Registry) -> None:
    """Refuse a registry in which a key counts for more than it did.

    Args:
        before: the registry in force.
        after: the one that is to follow.

    Raises:
        InvalidInput: a retired or compromised key would be missing, active, or compromised since a later time.
    """
    for issuer in before.issuers:
        for key in issuer.keys:
            then = after.key(issuer.iss, key.public.kid)
            if key.state != "active" and (then is None or not _at_most(then, key)):
                raise InvalidInput("A retired or compromised key never counts again; add a new key.")


def _at_most(then: IssuerKey, key: IssuerKey) -> bool:
    if key.compromised_since is None:
        return then.state == "compromised" or (then.state, then.not_after) == (key.state, key.not_after)
    return then.compromised_since is not None and then.compromised_since <= key.compromised_since
