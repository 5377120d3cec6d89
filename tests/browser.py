"""A real browser for tests of pages: Debian's chromium, headless, driven by Playwright.

``with Browser() as browser, browser.page(url) as page:`` opens a page; what the page complained about (errors of
scripts, of the content policy, of the network) stands in `Page.complaints`, what it asked the network for in
`Page.requests`. Everything waits at most `PATIENCE` seconds. While a browser is open no loop of asyncio can be run in
the same thread: Playwright has one.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

from playwright.sync_api import ConsoleMessage, Error, sync_playwright
from playwright.sync_api import Page as Driven

PATIENCE: Final = 60.0
PROGRAM: Final = shutil.which("chromium") or shutil.which("chromium-browser")
_FLAGS: Final = ("--disable-gpu", "--disable-dev-shm-usage")


class Browser:
    """One chromium."""

    def __init__(self) -> None:
        assert PROGRAM is not None, "install chromium, or look at PROGRAM before"
        self._driver = sync_playwright().start()
        try:
            self._browser = self._driver.chromium.launch(
                executable_path=PROGRAM, args=_FLAGS, timeout=PATIENCE * 1000
            )
        except Error:
            self._driver.stop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._browser.close()
        self._driver.stop()

    @contextmanager
    def page(
        self, url: str, *, width: int = 1440, height: int = 900, dark: bool = False, scripts: bool = True
    ) -> Iterator["Page"]:
        """Open a page, as on a screen of that size, and wait until it is loaded."""
        context = self._browser.new_context(
            viewport={"width": width, "height": height},
            is_mobile=width < 640,
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
        )
        context.set_default_timeout(PATIENCE * 1000)
        page = Page(context.new_page())
        page.go(url)
        yield page
        context.close()


class Page:
    """One open page."""

    def __init__(self, driven: Driven) -> None:
        self._driven = driven
        self._session = driven.context.new_cdp_session(driven)
        self.complaints: list[str] = []
        self.requests: list[str] = []
        # As the browser itself tells: Playwright leaves out icons, and addresses that hold their own data.
        self._session.on(
            "Network.requestWillBeSent", lambda told: self.requests.append(told["request"]["url"])
        )
        self.call("Network.enable")
        driven.on("pageerror", lambda error: self.complaints.append(str(error)))
        driven.on("console", self._hear)

    def call(self, method: str, **given: Any) -> Any:
        """Ask the browser for something about this page, in its own protocol."""
        return self._session.send(method, given)

    def go(self, url: str) -> None:
        """Open another address, and wait until it is loaded."""
        self._driven.goto(url)

    def evaluate(self, script: str) -> Any:
        """Give the value of an expression, also where the page may run no scripts, or none that are made of text."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def click(self, selector: str) -> None:
        """Click the middle of the first element of that selector, which must be in view and on top."""
        self._driven.mouse.click(*self._middle(selector))

    def hover(self, selector: str) -> None:
        """Point at the middle of the first element of that selector."""
        self._driven.mouse.move(*self._middle(selector))

    def choose(self, selector: str, folder: Path) -> None:
        """Choose a folder in an input."""
        self._driven.set_input_files(selector, folder)

    def type(self, text: str) -> None:
        """Type into what has the focus."""
        self._driven.keyboard.insert_text(text)

    def press(self, key: str) -> None:
        """Press a key that types nothing."""
        self._driven.keyboard.press(key)

    def screenshot(self, file: Path) -> None:
        """Save what is seen as a PNG."""
        self._driven.screenshot(path=file)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning", "assert"):
            self.complaints.append(message.text)

    def _middle(self, selector: str) -> tuple[float, float]:
        x, y, on_top = self.evaluate(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}), b = e.getBoundingClientRect();"
            " const x = b.x + b.width / 2, y = b.y + b.height / 2, top = document.elementFromPoint(x, y);"
            " return [x, y, e.contains(top)]; })()"
        )
        assert on_top, f"{selector} is covered or out of view"
        return x, y
