"""A person at the console, in a real Chromium."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser as Chromium
from playwright.sync_api import sync_playwright

from tests.chromium import FLAGS, executable


@contextmanager
def open_browser() -> Iterator[Chromium]:
    """Chromium, or a loud skip that says how to install it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


class Browser:
    """One person, logged in, whose page may raise no error and ask nobody else for anything."""

    def __init__(
        self, chromium: Chromium, base_url: str, username: str, password: str, *also: str
    ) -> None:
        """`also`: addresses beside the platform's that its pages may ask."""
        self.base_url, self.allowed = base_url, (base_url, "data:", "blob:", *also)
        self.errors: list[str] = []
        self.page = chromium.new_context(viewport={"width": 1440, "height": 900}).new_page()
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self._note(request.url))
        self.open("/admin/login/")
        self.page.fill("input[name=username]", username)
        self.page.fill("input[name=password]", password)
        self.page.click("button[type=submit]")
        self.page.wait_for_load_state("networkidle")

    def _note(self, url: str) -> None:
        if not url.startswith(self.allowed):
            self.errors.append(f"asked {url}")

    def open(self, path: str) -> None:
        """A page of the platform, fully loaded."""
        answer = self.page.goto(self.base_url + path, wait_until="networkidle")
        assert answer is not None
        assert answer.ok, f"{path}: {answer.status}"

    def sees(self, text: str) -> None:
        """Fails where the page does not show a text."""
        self.page.get_by_text(text).first.wait_for(timeout=60_000)

    def open_version(self, model_id: str, number: int) -> None:
        """The page of one version, found as a person finds it: through the list."""
        self.open(f"/admin/registry/modelversion/?q={model_id}")
        self.page.get_by_role("link", name=f"{model_id} v{number}", exact=True).first.click()
        self.page.wait_for_load_state("networkidle")

    def open_promotion(self, model_id: str, number: int) -> None:
        """The page of the open promotion of a version."""
        self.open("/admin/registry/promotion/?status__exact=requested")
        self.page.get_by_role("link", name=f"{model_id} v{number}").first.click()
        self.page.wait_for_load_state("networkidle")

    def act(self, action: str, **fields: str) -> None:
        """Choose an action, fill its dialog, confirm, and wait for the page that answers."""
        self.page.locator(f'a[hx-get$="/{action}/"]').first.click()
        dialog = self.page.locator("#dialog")
        for name, value in fields.items():
            control = dialog.locator(f"[name={name}]")
            if control.evaluate("element => element.tagName") == "SELECT":
                control.select_option(value)
            else:
                control.fill(value)
        with self.page.expect_navigation(wait_until="networkidle", timeout=60_000):
            dialog.locator("button[type=submit]").click()
