"""In which country an AWS region processes what is sent to it (ISO 3166-1; AWS's published list of regions)."""

from collections.abc import Mapping
from typing import Final

COUNTRY_OF: Final[Mapping[str, str]] = {
    "af-south-1": "ZA",
    "ap-east-1": "HK",
    "ap-northeast-1": "JP",
    "ap-northeast-2": "KR",
    "ap-northeast-3": "JP",
    "ap-south-1": "IN",
    "ap-south-2": "IN",
    "ap-southeast-1": "SG",
    "ap-southeast-2": "AU",
    "ap-southeast-3": "ID",
    "ap-southeast-4": "AU",
    "ca-central-1": "CA",
    "ca-west-1": "CA",
    "eu-central-1": "DE",
    "eu-central-2": "CH",
    "eu-north-1": "SE",
    "eu-south-1": "IT",
    "eu-south-2": "ES",
    "eu-west-1": "IE",
    "eu-west-2": "GB",
    "eu-west-3": "FR",
    "il-central-1": "IL",
    "me-central-1": "AE",
    "me-south-1": "BH",
    "sa-east-1": "BR",
    "us-east-1": "US",
    "us-east-2": "US",
    "us-gov-east-1": "US",
    "us-gov-west-1": "US",
    "us-west-1": "US",
    "us-west-2": "US",
}


def country_of(region: str | None) -> str | None:
    """Give the country of a region.

    Args:
        region: the client's region, or None.

    Returns:
        Its ISO 3166-1 code, or None for a region that is not in the table: the gate then denies.
    """
    return COUNTRY_OF.get(region or "")
