"""The last look knows a gated operation by the place that it goes to."""

import re

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel

from consentgate.aws.operations import GATED, SERVICES
from consentgate.aws.passage import is_gated


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_last_look_knows_where_the_gated_operations_listen_and_no_other(service: str) -> None:
    model = ServiceModel(Loader().load_service_model(service, "service-2"), service)
    for name in model.operation_names:
        http = model.operation_model(name).http
        url = "https://voice.example/x" + re.sub(r"\{[^}]+\}", "arn%3Aaws%2Fid", http["requestUri"])
        assert is_gated(http["method"], url) is ((service, name) in GATED), name


@pytest.mark.parametrize(
    "path",
    [
        "/voice-connectors/c/speaker-search-tasks/",
        "//voice-connectors/c/speaker-search-tasks//",
        "/voice-connectors//speaker-search-tasks",
        "/VOICE-connectors/c/speaker%2Dsearch-tasks?x=1#y",
        "/voice-connectors/c/speaker-search-tasks;x",
        "/voice-connectors/c/../c/./speaker-search-tasks/t/..",
        "/%76oice-connectors/c%2Fspeaker-search-tasks",
    ],
)
@pytest.mark.parametrize("method", ["POST", "post", "PUT", "POST ", "BREW", None])
def test_another_spelling_of_the_place_is_the_same_place(path: str, method: str | None) -> None:
    assert is_gated(method, f"https://voice.example{path}")
