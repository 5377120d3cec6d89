"""What happens below a database of PostgreSQL: a page that was overwritten, text that is no UTF-8."""

import pytest

from tests.functional.verify.place import Place

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.parametrize("kind", ["postgresql"], indirect=True, scope="session"),
]


def test_damaged_page_is_a_finding_and_not_only_out_of_reach(place: Place) -> None:
    assert place.server is not None
    place.server.overwrite(place.url, "seq")
    verified = place.verify().verification
    assert verified.exit_code == 1
    assert {each.kind for each in verified.findings} == {"altered"}
    assert [each.verdict for each in verified.levels] == ["broken", *["cannot_judge"] * 6]


def test_text_that_is_no_utf_8_is_one_finding_and_hides_nothing(place: Place) -> None:
    assert place.server is not None
    where = "(SELECT ordinal FROM entry WHERE kind = 'heartbeat' ORDER BY ordinal LIMIT 1 OFFSET 150)"
    with place.server.any_text(place.url):
        place.sql(f"UPDATE entry SET kind = E'\\xff' WHERE ordinal = {where}")
    assert place.kinds() == {"malformed", "missing"}
