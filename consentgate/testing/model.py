"""A service as botocore describes it, seen from the server: routes, input, answers, errors.

Nothing here knows an operation by name: what botocore's service model says is what is checked and sent.
Covered is the part of rest-json that the voice services use (labels, query, JSON body, JSON answer); a model
of another protocol is refused.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

from consentgate import canonical
from consentgate.errors import InvalidInput, Malformed
from consentgate.moment import to_text
from consentgate.testing.checks import problems

Values = dict[str, Any]

LABEL: Final = re.compile(r"\{([^}]+)\}")


class VendorError(Exception):
    """The modelled failure that the service answers with."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(code)


class Operation:
    """One operation of a service: where it listens, what it takes, what it answers.

    Attributes:
        name: the operation's name in the model.
        service: the service's name in botocore.
        method: HTTP method.
        path: URL path with labels in braces.
        status: HTTP status of success.
        errors: HTTP status of every modelled failure, by its code.
        takes: shape of the input, or None.
        gives: shape of the output, or None.
        fixed: the query members that the model fixes.
    """

    def __init__(self, service: str, model: OperationModel) -> None:
        path, _, query = str(model.http["requestUri"]).partition("?")
        self.name = str(model.name)
        self.path = path
        self.service = service
        self.method = str(model.http["method"])
        self.status = int(model.http.get("responseCode", 200))
        self.fixed = dict(parse_qsl(query, keep_blank_values=True))
        self.errors = {str(one.name): _status(one) for one in model.error_shapes}
        self.takes = model.input_shape
        self.gives = model.output_shape
        self._labels: list[str] = LABEL.findall(path)
        # An empty label still reaches its operation: newer botocore sends one, and the value's check answers.
        self._path = re.compile("([^/]*)".join(re.escape(part) for part in LABEL.split(path)[::2]))

    def fits(self, method: str, path: str, query: Mapping[str, str]) -> bool:
        """Tell whether a request is one of this operation.

        Args:
            method: HTTP method.
            path: URL path, percent-encoded.
            query: parsed URL query.

        Returns:
            True if method, path and the query members that the model fixes are those of this operation.
        """
        return (
            method == self.method
            and self._path.fullmatch(path) is not None
            and all(query.get(name) == value for name, value in self.fixed.items())
        )

    def read(self, path: str, query: Mapping[str, str], body: bytes) -> Values:
        """Read and check the input of a request that fits.

        Args:
            path: URL path, percent-encoded.
            query: parsed URL query.
            body: exact bytes of the body.

        Returns:
            The input by member name; what was not sent, or sent as null, is absent.

        Raises:
            VendorError: BadRequestException with everything that the model forbids.
        """
        if self.takes is None:
            return {}
        found = self._path.fullmatch(path)
        texts = found.groups() if found else ()
        sent = {
            "uri": {name: unquote(text) for name, text in zip(self._labels, texts, strict=False)},
            "querystring": query,
            None: _json_object(body),
        }
        values: Values = {}
        for name, shape in self.takes.members.items():
            where = shape.serialization.get("location")
            value = sent.get(where, {}).get(shape.serialization.get("name", name))
            if value is not None:
                values[name] = _typed(shape, value) if where == "querystring" else value
        wrong = tuple(problems(self.takes, values))
        if wrong:
            raise VendorError("BadRequestException", "; ".join(wrong))
        return values

    def render(self, values: Values) -> bytes:
        """Write an answer.

        Args:
            values: the output by member name.

        Returns:
            The body: JSON with the model's wire names, empty where the operation answers nothing.
        """
        if self.gives is None:
            return b""
        return compact(_wire(self.gives, values))


class ServiceApi:
    """All operations of one service.

    Attributes:
        service: the service's name in botocore.
        operations: its operations by name.
    """

    def __init__(self, service: str) -> None:
        model = _service_model(service)
        if model.metadata["protocol"] != "rest-json":
            raise InvalidInput(f"{service} does not speak rest-json")
        self.service = service
        self.operations = {
            name: Operation(service, model.operation_model(name)) for name in model.operation_names
        }

    def route(self, method: str, path: str, query: Mapping[str, str]) -> Operation | None:
        """Find the operation that a request is for.

        Args:
            method: HTTP method.
            path: URL path, percent-encoded.
            query: parsed URL query.

        Returns:
            The operation that fixes most of the query, or None when none fits.
        """
        fitting = (one for one in self.operations.values() if one.fits(method, path, query))
        return max(fitting, key=lambda one: len(one.fixed), default=None)


def compact(value: object) -> bytes:
    """Write JSON as a service does: compact, and with floats, for scores are such.

    Args:
        value: plain JSON data.

    Returns:
        UTF-8 bytes.
    """
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _status(error: Shape) -> int:
    return int(error.metadata["error"]["httpStatusCode"])


@cache
def _service_model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def _json_object(body: bytes) -> Mapping[str, Any]:
    if not body:
        return {}
    try:
        value = canonical.decode(body, floats=True)
    except Malformed:
        value = None
    if not isinstance(value, Mapping):
        raise VendorError("BadRequestException", "the body is not a JSON object")
    return value


def _typed(shape: Shape, text: str) -> object:
    # What does not fit its type stays text, and the check of the value says so.
    if shape.type_name == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if shape.type_name in {"integer", "long"} and text.isascii() and text.isdigit():
        return int(text)
    return text


def _wire(shape: Shape, value: Any) -> Any:
    if isinstance(shape, StructureShape):
        unknown = value.keys() - shape.members.keys()
        if unknown:
            raise InvalidInput(f"{shape.name} has no member {sorted(unknown)}")
        return {
            shape.members[name].serialization.get("name", name): _wire(shape.members[name], item)
            for name, item in value.items()
            if item is not None
        }
    if isinstance(shape, ListShape):
        return [_wire(shape.member, item) for item in value]
    if isinstance(shape, MapShape):
        return {key: _wire(shape.value, item) for key, item in value.items()}
    if isinstance(value, datetime):
        # rest-json counts seconds in a body unless the shape says otherwise.
        as_text = shape.serialization.get("timestampFormat") == "iso8601"
        return to_text(value) if as_text else value.timestamp()
    return value
