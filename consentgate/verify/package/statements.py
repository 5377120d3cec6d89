"""Level ``statements``: each consent statement that can be read was signed by an issuer of the package's registries.

Invariants: the key comes out of a registry, never out of the token or the file; the file beside it is the token,
character for character. Whether the key counted at that time is the gate's question, and stands in the decision.
"""

from collections.abc import Mapping
from typing import Final

from consentgate.canonical import Json
from consentgate.canonical import decode as decode_json
from consentgate.consent.statement import TYP
from consentgate.crypto import jws
from consentgate.errors import KeyMismatch, Malformed, SignatureInvalid
from consentgate.storage.scratch import DiskMap
from consentgate.verify.package.artifacts import IssuerKeys
from consentgate.verify.package.entry import EntryLine
from consentgate.verify.package.folder import PackageFolder, key_of
from consentgate.verify.package.manifest import Manifest
from consentgate.verify.package.result import Findings

LEVEL: Final = "statements"
FOLDER: Final = "data/statements/"

_PART: Final = "statement.0"


class Statements:
    """Goes along the records."""

    def __init__(self, folder: PackageFolder, keys: IssuerKeys, findings: Findings) -> None:
        """Begin before the first record.

        Args:
            folder: the package.
            keys: of all issuers of its registries.
            findings: takes what is wrong.
        """
        self._folder = folder
        self._keys = keys
        self._findings = findings
        self._files = DiskMap()

    def take(self, line: EntryLine, contents: Mapping[str, Mapping[str, Json]]) -> None:
        """Take the next record.

        Args:
            line: the record.
            contents: its opened parts, by name.
        """
        if _PART not in contents:
            return
        where = f"{line.where} part {_PART}"
        token = contents[_PART].get("token")
        if not isinstance(token, str):
            self._findings.say(LEVEL, "malformed", where, "a signed statement", "no token")
            return
        self._file(f"{FOLDER}{line.bates}.jws", token)
        try:
            signed = jws.parse(token, typ=TYP)
            iss = _issuer(signed.payload)
        except Malformed as problem:
            self._findings.say(LEVEL, "malformed", where, "a signed statement", str(problem))
            return
        key = self._keys.get((iss, signed.kid))
        if key is None:
            self._findings.say(
                LEVEL, "unsigned", where, "a key of a registry of the package", "an unknown key"
            )
            return
        try:
            jws.verify(signed, key)
        except KeyMismatch as problem:
            self._findings.say(LEVEL, "unsigned", where, "a key of a registry of the package", str(problem))
        except SignatureInvalid as problem:
            self._findings.say(LEVEL, "forged", where, "the signature of the issuer", str(problem))

    def finish(self, manifest: Manifest, *, wholly: bool, read: bool) -> None:
        """Judge the level.

        Args:
            manifest: lists the files.
            wholly: whether every record of the range could be read.
            read: whether every record that is there could be.
        """
        self._findings.judged(LEVEL, wholly=wholly)
        if read:
            for listed in manifest.files.below(FOLDER):
                if key_of(listed.path) not in self._files:
                    found = "one of no open record"
                    self._findings.say(LEVEL, "extra", listed.path, "a statement of a record", found)

    def close(self) -> None:
        """Forget which files were named."""
        self._files.close()

    def _file(self, path: str, token: str) -> None:
        self._files.put(key_of(path))
        if path not in self._folder:
            self._findings.say(LEVEL, "missing", path, "the statement as it was signed", "nothing")
            return
        if not self._folder.holds(path, (token.encode(),)):
            self._findings.say(LEVEL, "altered", path, "the statement as it was signed", "another text")


def _issuer(payload: bytes) -> str:
    claims = decode_json(payload, floats=True)
    iss = claims.get("iss") if isinstance(claims, dict) else None
    if not isinstance(iss, str):
        raise Malformed("The statement names no issuer.")
    return iss
