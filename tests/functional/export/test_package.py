"""What a package holds: every line of it follows from the ledger, and it verifies."""

from pathlib import Path

from consentgate.verify.package.levels import verify_package


def test_good_packages_verify(package: Path, narrow_package: Path) -> None:
    assert verify_package(package).findings == {}
    assert verify_package(narrow_package).findings == {}
