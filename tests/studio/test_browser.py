"""The pages in a real Chromium: a real server, wide and narrow, with scripts and without, nothing in the console.

`BUCLE_SCREENSHOTS=1 pytest tests/studio -m browser` also writes the pictures of the README to docs/images.
"""

import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect, sync_playwright

from bucle.config import Home
from bucle.server.app import build_application
from tests.access.conftest import PASSWORD, House
from tests.conftest import Installation, composed
from tests.studio.seed import DOUBT, SECOND, WAITING, Story, Team, tell

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
PICTURES: dict[str, ViewportSize] = {
    "loop": {"width": 1200, "height": 900},
    "promotion": {"width": 1200, "height": 1240},
}
SCREENS: dict[str, ViewportSize] = {"wide": {"width": 1440, "height": 900}, "narrow": {"width": 390, "height": 844}}

Scheme = Literal["light", "dark"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Give one browser for the tests of this module."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def opened(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Give what opens a page of its own, in which nothing may be written to the console and nothing may fail."""
    complaints: list[str] = []
    contexts: list[BrowserContext] = []

    def open_page(screen: str, *, scripts: bool = True, scheme: Scheme = "light") -> Page:
        context = chromium.new_context(viewport=SCREENS[screen], java_script_enabled=scripts, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        _listen(page, complaints)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def _listen(page: Page, complaints: list[str]) -> None:
    """Keep every word of the console, every fault of a script, every request that failed."""
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda fault: complaints.append(str(fault)))
    page.on("requestfailed", lambda request: complaints.append(request.url))


@contextmanager
def served(house: House) -> Iterator[str]:
    """Serve an installation of this process on a port of its own; yield its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(build_application(house.world), log_config=None, access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def sign_in(page: Page, address: str, name: str) -> None:
    """Go to the address and sign in on the page that answers."""
    page.goto(address)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Loop")).to_be_visible()


def no_sideways(page: Page) -> bool:
    """Say whether the page fits its screen: wide tables scroll in their own place."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def _seed(home: Path) -> None:
    """Tell the story in a new state folder, under its one administrator."""
    place = Home(root=home)
    alone = Team(author="admin", requester="admin", approver="admin")
    with composed(place) as made:
        tell(Story(world=made.world, team=alone, now=datetime.now(UTC)))


@pytest.mark.parametrize(("screen", "scripts"), [("wide", "on"), ("narrow", "on"), ("wide", "off")])
def test_a_promotion_is_approved_in_a_browser(
    installation: Installation, opened: Callable[..., Page], screen: str, scripts: str
) -> None:
    """From an invitation to an approval in a real server: the pages do it all, and without any script too."""
    _seed(installation.home)
    installation.up()
    with installation.client() as client:
        code = client.principal.invite("admin")["code"]
    page = opened(screen, scripts=scripts == "on")
    page.goto(installation.address)
    page.get_by_label("Code").fill(code)
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_role("button", name="Set password and sign in").click()
    page.get_by_role("link", name=SECOND).first.click()
    page.get_by_label(f"I take on {DOUBT}").check()
    page.get_by_label("Type the release's alias").fill(SECOND)
    page.get_by_label("Comment").fill("Seen in a browser.")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("region", name="Approvals")).to_contain_text("Seen in a browser.")
    with installation.client() as client:
        (given,) = client.promotion.show(WAITING)["approvals"]
    assert (given["by"], given["acknowledged"], given["comment"]) == ("admin", [DOUBT], "Seen in a browser.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_pages_fit_their_screen(story: House, opened: Callable[..., Page], screen: str, scheme: Scheme) -> None:
    """Loop, promotions and a promotion are as wide as the screen, and stages stand there in words."""
    page = opened(screen, scheme=scheme)
    with served(story) as address:
        sign_in(page, address, "approver")
        assert no_sideways(page)
        expect(page.locator(".lane .stage")).to_have_text(["dev", "preprod", "prod"])
        _picture(page, "loop", screen, scheme)
        page.get_by_role("link", name="Promotions").click()
        assert no_sideways(page)
        page.get_by_role("link", name=WAITING).click()
        assert no_sideways(page)
        _picture(page, "promotion", screen, scheme)


def test_the_policy_holds_in_a_browser(story: House, chromium: Browser) -> None:
    """A script that somebody got into a page does not run, and the console, which the other tests read, says so."""
    complaints: list[str] = []
    with served(story) as address, chromium.new_page() as page:
        _listen(page, complaints)
        sign_in(page, address, "approver")
        assert complaints == []
        page.evaluate(
            "const it = document.createElement('script'); it.textContent = 'window.ran = 1'; document.body.append(it)"
        )
        assert page.evaluate("window.ran === undefined")
    assert any("Content Security Policy" in one for one in complaints)


def _picture(page: Page, name: str, screen: str, scheme: Scheme) -> None:
    """Write a picture of the README where that was asked for."""
    if os.environ.get("BUCLE_SCREENSHOTS") and (screen, scheme) == ("wide", "light"):
        page.set_viewport_size(PICTURES[name])
        IMAGES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=IMAGES / f"{name}.png")
        page.set_viewport_size(SCREENS[screen])
