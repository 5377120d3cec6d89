"""A timestamping authority: ``openssl ts`` behind a loopback HTTP server, with certificates made on the spot."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

STAMPING: Final = ExtendedKeyUsageOID.TIME_STAMPING
_DAY: Final = timedelta(days=1)
_SETTINGS: Final = """[tsa]
default_tsa = here
[here]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
ess_cert_id_alg = sha256
"""


class Holder:
    """A certificate and its key."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    def __init__(
        self,
        name: str,
        issuer: "Holder | None" = None,
        *,
        usage: ObjectIdentifier | None = None,
        ends: timedelta = 30 * _DAY,
        like: "Holder | None" = None,
    ) -> None:
        self.name = name
        self.key = like.key if like else ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.certificate.subject if issuer else subject)
            .public_key(self.key.public_key())
            .serial_number(like.certificate.serial_number if like else x509.random_serial_number())
            .not_valid_before(datetime.now(UTC) - 90 * _DAY)
            .not_valid_after(datetime.now(UTC) + ends)
            .add_extension(x509.BasicConstraints(ca=usage is None, path_length=None), critical=True)
        )
        if usage is not None:
            made = made.add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
        self.certificate = made.sign(issuer.key if issuer else self.key, hashes.SHA256())

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)


class Tsa:
    """Answers questions; `status` and `instead` change its answers, `waits` keeps them back."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.root = Holder("Test root")
        self.between = Holder("Test intermediate", self.root)
        self.good = Holder("Test authority", self.root, usage=STAMPING)
        self.chained = Holder("Chained authority", self.between, usage=STAMPING)
        self.expired = Holder("Expired authority", self.root, usage=STAMPING, ends=-_DAY)
        self.reset()
        self.url = ""
        (folder / "serial").write_text("01\n")
        (folder / "settings").write_text(_SETTINGS.format(folder=folder))
        (folder / "root.pem").write_bytes(self.root.pem)
        for each in (self.good, self.chained, self.expired):
            (folder / f"{each.name}.pem").write_bytes(each.pem)
            (folder / f"{each.name}.key").write_bytes(
                each.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            )

    @property
    def certificates(self) -> Path:
        """The root, in PEM."""
        return self.folder / "root.pem"

    def reset(self) -> None:
        """Be as it was at first."""
        self.signer: Holder = self.good
        self.chain: tuple[Holder, ...] = ()
        self.status, self.instead, self.asked, self.waits = 200, b"", 0, False

    def answer(self, query: bytes) -> bytes:
        """What ``openssl ts`` answers."""
        place = self.folder
        (place / "query").write_bytes(query)
        (place / "chain.pem").write_bytes(b"".join(each.pem for each in self.chain))
        command = ["openssl", "ts", "-reply", "-config", str(place / "settings"), "-section", "here"]
        command += ["-queryfile", str(place / "query"), "-out", str(place / "answer")]
        command += ["-signer", str(place / f"{self.signer.name}.pem")]
        command += ["-inkey", str(place / f"{self.signer.name}.key")]
        command += ["-chain", str(place / "chain.pem")] if self.chain else []
        subprocess.run(command, check=True, capture_output=True, timeout=30)
        return (place / "answer").read_bytes()

    def accepts(self, stamp: Path, about: Path) -> bool:
        """Whether ``openssl ts -verify`` finds that a timestamp holds."""
        command = ["openssl", "ts", "-verify", "-in", str(stamp), "-data", str(about)]
        command += ["-CAfile", str(self.certificates)]
        return b"Verification: OK" in subprocess.run(command, check=False, capture_output=True).stdout


@contextmanager
def serving(tsa: Tsa) -> Iterator[Tsa]:
    """Put an authority behind a URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            tsa.asked += 1
            query = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.headers["Content-Type"] == "application/timestamp-query"
            body = tsa.instead or tsa.answer(query)
            self.send_response(tsa.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if tsa.waits:
                self.wfile.flush()
                self.rfile.read(1)
                return
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            del args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    tsa.url = f"http://127.0.0.1:{server.server_address[1]}/tsr?one"
    try:
        yield tsa
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
