"""Makes the pictures of docs/howto/verify-a-package.md with chromium: ``python -m tests.tools.page_screenshots``."""

import tempfile
from pathlib import Path
from typing import Final

from consentgate.export.page import verify_html
from tests.browser import Browser
from tests.package.pages import go, take
from tests.package.story import PACKAGE_KEY, story

FOLDER: Final = Path(__file__).resolve().parents[2] / "docs/howto/verify-a-package"
CALL: Final = "#/call/transaction%2F01000000-0000-0000-0000-000000001eef"
# Name, width, height, dark, view.
PICTURES: Final = (
    ("verification", 1280, 900, False, "#/"),
    ("timeline", 1280, 900, False, "#/timeline"),
    ("call", 1280, 1000, True, CALL),
    ("phone", 390, 844, False, "#/timeline"),
)


def main() -> None:
    """Write the pictures."""
    with tempfile.TemporaryDirectory() as place, Browser() as browser:
        package = story(harm="privacy@acme.example").write(Path(place) / "package")
        file = Path(place) / "verify.html"
        file.write_bytes(verify_html())
        for name, width, height, dark, view in PICTURES:
            with browser.page(file.as_uri(), width=width, height=height, dark=dark) as page:
                take(page, package)
                if name == "verification":
                    page.click("#fingerprint")
                    page.type(PACKAGE_KEY.public.kid)
                    page.evaluate("document.activeElement.blur()")
                go(page, view)
                if name == "phone":
                    page.evaluate("scrollTo(0, 560)")
                    page.evaluate("new Promise((done) => setTimeout(done, 200))")
                page.screenshot(FOLDER / f"{name}.png")


if __name__ == "__main__":
    main()
