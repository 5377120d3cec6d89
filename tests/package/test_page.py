"""``verify.html`` in a real browser verifies as the command and ``verify.py`` do, whatever is done to a package."""

import base64
import hashlib
import json
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consentgate.canonical import decode_canonical, unb64
from consentgate.errors import Malformed
from consentgate.tlog.cosignature import WitnessSigner
from consentgate.verify.package.levels import verify_package
from tests.browser import Browser, Page
from tests.package.forge import ATTACKER
from tests.package.mutations import LEFT, MUTATIONS, made
from tests.package.pages import agrees, drop, judged, take, wait
from tests.package.tiny import PACKAGE_KEY, POLICY, tiny
from tests.tools.golden_package import GOLDEN
from tests.vectors import published

# A browser is not given links; to it the file is not there.
UNSEEN = {("files", "malformed", "README.txt"): ("files", "missing", "README.txt")}


@pytest.fixture(scope="module")
def open_page(browser: Browser, page_file: Path) -> Iterator[Page]:
    """One page for many packages."""
    with browser.page(page_file.as_uri()) as page:
        yield page
        assert page.complaints == []
        assert page.requests == [page_file.as_uri()]


def found(judgement: dict[str, Any]) -> set[tuple[str, ...]]:
    return {tuple(each) for each in judgement["findings"]}


def test_a_good_package_holds_as_the_library_says(open_page: Page, small: Path) -> None:
    judgement, other = judged(open_page, small), verify_package(small)
    assert judgement["findings"] == []
    assert {name for name, state in judgement["levels"].items() if state == "holds"} == {
        level.name for level in other.levels
    }
    assert (judgement["conclusion"], judgement["fingerprint"]) == (other.conclusion, other.fingerprint)


@pytest.mark.parametrize("which", ["package", "narrow_package"])
def test_a_package_verifies_in_the_page_that_it_carries(
    browser: Browser, which: str, request: pytest.FixtureRequest
) -> None:
    folder: Path = request.getfixturevalue(which)
    with browser.page((folder / "verify.html").as_uri()) as page:
        take(page, folder)
        assert page.evaluate("app.result.report.findings") == []
        assert page.evaluate("app.result.records.length") > 20
        assert page.complaints == []
        assert page.requests == [(folder / "verify.html").as_uri()]


def test_packages_that_were_handed_out_still_verify(open_page: Page, tmp_path: Path) -> None:
    for each in sorted(GOLDEN.iterdir()):
        folder = each
        if each.suffix == ".zip":
            folder = tmp_path / each.stem
            shutil.unpack_archive(each, folder)
        judgement = judged(open_page, folder)
        assert (each.name, judgement["findings"]) == (each.name, [])
        assert judgement["conclusion"] == "consistent"


@pytest.mark.parametrize("name", MUTATIONS)
def test_each_mutation_is_told(open_page: Page, small: Path, tmp_path: Path, name: str) -> None:
    forge, told = made(name, tiny())
    folder = forge.write(tmp_path / "p", small, tiny().files)
    judgement = judged(open_page, folder)
    agrees(judgement, verify_package(folder))
    seen = {UNSEEN.get(each, each) for each in told.findings} if name == "link" else set(told.findings)
    assert found(judgement) == seen
    assert judgement["conclusion"] == told.conclusion


def test_a_package_that_was_looked_at_says_so(browser: Browser, page_file: Path, tmp_path: Path) -> None:
    forge, _ = made("looked_at", tiny())
    with browser.page(page_file.as_uri()) as page:
        take(page, forge.write(tmp_path / "p"))
        assert page.evaluate("app.result.report.findings") == []
        assert f"{len(LEFT)} files that computers leave" in page.evaluate("document.body.innerText")


def test_a_browser_without_ed25519_says_the_same(browser: Browser, page_file: Path, small: Path) -> None:
    with browser.page(page_file.as_uri()) as page:
        page.evaluate("edInBrowser = Promise.resolve(false)")
        assert judged(page, small)["findings"] == []


def test_a_fingerprint_confirms_and_another_one_does_not(
    browser: Browser, page_file: Path, small: Path
) -> None:
    with browser.page(page_file.as_uri()) as page:
        take(page, small)
        verdict = "document.querySelector('.verdict').textContent"
        assert page.evaluate(verdict) == "Consistent; signer not confirmed."
        page.click("#fingerprint")
        page.type(f" {PACKAGE_KEY.public.kid} ")
        assert page.evaluate(verdict) == "Consistent, and signed by the key that you confirmed."
        assert "You confirmed this key." in page.evaluate("document.querySelector('.ladder').innerText")
        page.evaluate("document.getElementById('fingerprint').value = ''")
        page.type(ATTACKER.public.kid)
        assert page.evaluate(verdict) == "Do not rely on this package."
        assert "not the key that you gave" in page.evaluate("document.querySelector('.ladder').innerText")


def test_witnesses_of_the_reader_are_named(
    browser: Browser, page_file: Path, small: Path, tmp_path: Path
) -> None:
    stranger = WitnessSigner.generate("stranger.example", lambda size: bytes([9]) * size).key.vkey
    policies = {"own": POLICY, "other": f"witness S {stranger}\nquorum S\n".encode(), "no": b"x"}
    for name, data in policies.items():
        (tmp_path / name).write_bytes(data)
    with browser.page(page_file.as_uri()) as page:
        take(page, small)
        rung = "document.querySelector('.ladder li:last-child').innerText"

        page.choose("#policy", tmp_path / "own")
        wait(page, f"{rung}.includes('The log is witnessed by W0, W1.')")
        assert page.evaluate("document.querySelector('.verdict').className") == "verdict consistent"
        page.click("#fingerprint")
        page.type(PACKAGE_KEY.public.kid)
        assert page.evaluate("document.querySelector('.verdict').className") == "verdict witnessed"
        page.choose("#policy", tmp_path / "other")
        wait(page, f"{rung}.includes('Your witnesses do not vouch for the log.')")
        assert page.evaluate("document.querySelector('.verdict').className") == "verdict broken"
        page.choose("#policy", tmp_path / "no")
        wait(page, "document.querySelector('.ask .problem').textContent.includes('no policy of witnesses')")
        assert "No witness whom you know" in page.evaluate(rung)


def test_a_folder_can_be_dropped(browser: Browser, page_file: Path, small: Path) -> None:
    # Chromium hands no folder below /dev to a page, and there may lie what tests write.
    with tempfile.TemporaryDirectory(dir="/tmp") as place, browser.page(page_file.as_uri()) as page:
        folder = shutil.copytree(small, Path(place) / "package")
        drop(page, folder)
        wait(page, "document.querySelector('.ladder') !== null")
        assert page.evaluate("app.result.report.findings") == []
        assert page.complaints == []


def test_what_is_no_package_is_said(browser: Browser, page_file: Path, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear counsel")
    with browser.page(page_file.as_uri()) as page:
        page.choose("#folder", tmp_path)
        wait(page, "document.getElementById('trouble').textContent.startsWith('This is not the folder')")


def test_signatures_are_those_of_the_published_vectors(open_page: Page) -> None:
    groups = published.load("wycheproof/ed25519_test.json")["testGroups"]
    cases = [
        [base64.b64encode(bytes.fromhex(text)).decode() for text in (key, test["msg"], test["sig"])]
        + [test["result"] == "valid"]
        for group in groups
        for key in [group["publicKey"]["pk"]]
        for test in group["tests"]
    ]
    assert len(cases) > 100
    script = f"""(async () => {{
      const wrong = [];
      for (const [key, message, signature, valid] of {json.dumps(cases)}) {{
        const [k, m, s] = [key, message, signature].map(unbase64);
        const sound = s.length === 64 && littleEndian(s.subarray(32)) < ED_ORDER;
        const here = sound && await edVerifyHere(edKey(k), k, m, s);
        if (here !== valid || await verifyEd25519(k, m, s) !== valid) wrong.push(hex(s));
      }}
      return wrong;
    }})()"""
    assert open_page.evaluate(script) == []


def test_keys_of_small_order_and_second_spellings_are_none(open_page: Page) -> None:
    prime = 2**255 - 19
    order_8 = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
    bad = [
        *(number.to_bytes(32, "little") for number in (0, 1, prime - 1, prime, prime + 1, prime + 3)),
        order_8,
        (2).to_bytes(32, "little"),
        bytes(31),
    ]
    good = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()
    texts = json.dumps([each.hex() for each in (*bad, good)])
    usable = open_page.evaluate(f"{texts}.map((key) => edKey(unhex(key)) !== null)")
    assert usable == [False] * len(bad) + [True]


def test_hashes_are_those_of_the_library(open_page: Page) -> None:
    chance = random.Random(7)
    for size in (0, 1, 55, 56, 63, 64, 65, 119, 120, 1000):
        data = chance.randbytes(size)
        cut = chance.randrange(size + 1)
        pieces = [data[:cut].hex(), data[cut:].hex()]
        told = open_page.evaluate(f"hex(sha256(...{json.dumps(pieces)}.map(unhex)))")
        assert told == hashlib.sha256(data).hexdigest()
    large = "new Folder('f', new Map([['a', new Blob([new Uint8Array(WHOLE_AT_ONCE + 100)])]]))"
    expected = hashlib.sha256(bytes((1 << 24) + 100)).hexdigest()
    assert open_page.evaluate(f"{large}.digest('a')") == expected


def test_json_and_base64_are_taken_as_the_library_takes_them(open_page: Page) -> None:
    texts = [
        *('{"a":1,"b":[true,null,"x"]}', '{"b":1,"a":2}', '{"a":1,"a":1}', '{"a": 1}', "1.0", "-0", "1e2"),
        *("9007199254740991", "9007199254740992", '"\\ud800"', '"\\\\ud800"', '"\\u00e9"', '"é"', '{"é":1}'),
        *(
            "[" * 32 + "]" * 32,
            "[" * 33 + "]" * 33,
            '"\\n\\u001f\\u007f"',
            '"\x7f"',
            '{"__proto__":1}',
            "[1,]",
        ),
    ]
    taken = _each(open_page, texts, "canonicalJson")
    assert dict(zip(texts, taken, strict=True)) == {
        text: _taken(decode_canonical, text.encode()) for text in texts
    }
    spelled = ["", "AA", "AB", "AAA", "AAB", "A", "AAAA", "AA==", "A-_A", "A+/A", "A A"]
    taken = _each(open_page, spelled, "unbase64url")
    assert dict(zip(spelled, taken, strict=True)) == {text: _taken(unb64, text) for text in spelled}


def _each(page: Page, texts: list[str], decode: str) -> list[bool]:
    """Tell of each text whether a decoder of the page takes it."""
    taken: list[bool] = page.evaluate(
        f"{json.dumps(texts)}.map((text) => {{ try {{ {decode}(text); return true; }} catch {{ return false; }} }})"
    )
    return taken


def _taken(decode: Any, given: Any) -> bool:
    try:
        decode(given)
    except Malformed:
        return False
    return True
