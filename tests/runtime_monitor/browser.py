"""A real Chromium from Debian, driven by Playwright, for the tests and benchmarks of the page.

In: nothing. Out: pages; what a page complains of (scripts' errors, broken policies) fails the test that opened it.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from playwright.sync_api import Browser, Page, sync_playwright

from tests.runtime_monitor import parts

ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
"""As root in a container, with little shared memory and no graphics."""


@dataclass
class Window:
    """An open page and what it complained of."""

    page: Page
    complaints: list[str] = field(default_factory=list)


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, until the block ends."""
    parts.require(parts.CHROMIUM)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=parts.CHROMIUM["chromium"], headless=True, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def window(browser: Browser, *, width: int = 1280, height: int = 800, dark: bool = False) -> Iterator[Window]:
    """A window of its own, without anything kept from others."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", timezone_id="UTC"
    )
    page = context.new_page()
    page.set_default_timeout(20_000)
    made = Window(page)
    page.on("pageerror", lambda error: made.complaints.append(str(error)))
    page.on("console", lambda message: made.complaints.append(message.text) if message.type == "error" else None)
    page.on("dialog", lambda dialog: made.complaints.append(f"a dialog: {dialog.message}"))
    try:
        yield made
    finally:
        context.close()
