"""The pages in a real browser: Debian's Chromium, without a screen. Skipped where there is none.

The board is the committed sample in reports/, and the one of the golden files.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from example_board import board

from harness.reports.writing import write_reports

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

playwright = pytest.importorskip("playwright.sync_api", reason="no playwright here")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SAMPLE = Path(__file__).parents[1] / "reports"
WIDE, PHONE = (1400, 900), (390, 844)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt install chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module", params=["sample", "golden"])
def reports(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if request.param == "sample":
        return SAMPLE
    folder = tmp_path_factory.mktemp("reports")
    write_reports(board(), folder)
    return folder


class Visit:
    """A page that was opened, with everything it asked for and complained about."""

    def __init__(self, browser: Browser, path: Path, size: tuple[int, int] = WIDE, **context: object) -> None:
        width, height = size
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page: Page = browser.new_page(viewport={"width": width, "height": height}, **context)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(path.as_uri())

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, *exception: object) -> None:
        self.page.close()

    def texts(self, selector: str) -> list[str]:
        """What stands in each visible element."""
        return [found.inner_text().strip() for found in self.page.locator(selector).all() if found.is_visible()]

    def names(self) -> list[str]:
        return self.texts("table.board td.submission .name")


@pytest.fixture
def visit(browser: Browser, reports: Path) -> Iterator[Visit]:
    with Visit(browser, reports / "leaderboard.html") as opened:
        yield opened


def every_page(reports: Path) -> list[Path]:
    return [reports / "leaderboard.html", *sorted((reports / "students").glob("*.html"))[:3]]


def test_no_page_complains_or_asks_for_anything(browser: Browser, reports: Path) -> None:
    for path in (*every_page(reports), *(reports / "pictures").glob("*.svg")):
        with Visit(browser, path) as opened:
            asked = [url for url in opened.requests if not url.startswith("data:image/png;base64,")]
            assert (asked, opened.complaints) == ([path.as_uri()], [])


def test_a_click_sorts_a_second_turns_and_a_third_restores(visit: Visit) -> None:
    before = visit.names()
    header = visit.page.locator("th.parameters")
    counts = []
    for direction in ("ascending", "descending"):
        header.get_by_role("button").click()
        assert header.get_attribute("aria-sort") == direction
        counts.append([int(text.split()[0].replace(",", "")) for text in visit.texts("td.parameters") if text != "–"])
    assert counts[0] == sorted(counts[0]) and counts[1] == sorted(counts[1], reverse=True)
    assert visit.texts("td.parameters")[-1] == "–", "what is missing comes last, whichever way"
    header.get_by_role("button").click()
    assert header.get_attribute("aria-sort") is None and visit.names() == before


def test_the_keyboard_sorts(visit: Visit) -> None:
    visit.page.locator("table.board th.place button").focus()
    visit.page.keyboard.press("Tab")
    visit.page.keyboard.press("Enter")
    assert visit.page.locator("th.submission").get_attribute("aria-sort") == "ascending"
    plain = [name for name in visit.names() if name.isidentifier()]
    assert plain == sorted(plain) and len(plain) > 5


def test_words_filter_the_rows_and_the_dots(visit: Visit) -> None:
    total = len(visit.names())
    visit.page.get_by_role("searchbox").fill("gwen")
    assert visit.names() == ["gwen_bigger"]
    assert visit.texts(".tools output") == [f"1 of {total} shown"]
    dots = visit.page.locator("svg a").count()
    assert visit.page.locator("svg a.away").count() == dots - 1
    visit.page.get_by_role("searchbox").fill("")
    assert len(visit.names()) == total


@pytest.mark.parametrize("size", [WIDE, (1200, 800), PHONE])
def test_the_filter_hides_rows_at_every_width(browser: Browser, reports: Path, size: tuple[int, int]) -> None:
    with Visit(browser, reports / "leaderboard.html", size) as opened:
        opened.page.get_by_role("searchbox").fill("gwen")
        assert opened.names() == ["gwen_bigger"]


def test_a_phone_sorts_by_a_menu_and_no_button_hides_there(browser: Browser, reports: Path) -> None:
    with Visit(browser, reports / "leaderboard.html", PHONE) as opened:
        opened.page.get_by_label("order").select_option(label="parameters, descending")
        assert opened.names()[0] == "gwen_bigger"
        opened.page.get_by_label("order").focus()
        opened.page.keyboard.press("Tab")
        assert opened.page.evaluate("document.activeElement.closest('thead')") is None


def test_statuses_filter_the_rows(visit: Visit) -> None:
    visit.page.get_by_label("status", exact=True).select_option("failed")
    assert set(visit.texts("td.status")) == {"failed"} and "jon_unpadded" in visit.names()


def test_a_dot_leads_to_its_row_and_unfolds_it(visit: Visit) -> None:
    visit.page.locator("svg a").first.focus()
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_function("document.querySelector('tbody:target details').open")
    assert visit.page.locator("tbody:target .plain").is_visible()


def test_without_script_everything_can_be_read(browser: Browser, reports: Path) -> None:
    with Visit(browser, reports / "leaderboard.html") as scripted:
        names = scripted.names()
    with Visit(browser, reports / "leaderboard.html", java_script_enabled=False) as opened:
        assert opened.names() == names
        assert not opened.page.locator(".tools").is_visible()
        opened.page.locator("summary").first.click()
        assert opened.page.locator("details[open] .plain").first.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_light_and_in_dark(browser: Browser, reports: Path, scheme: str) -> None:
    with Visit(browser, reports / "leaderboard.html", color_scheme=scheme) as opened:
        for selector in ("h1", ".budget", "td.submission .name", ".badge.ranked", ".badge.failed", "summary"):
            contrast = opened.page.evaluate(CONTRAST, selector)
            assert contrast >= 4.5, f"{selector}: {contrast:.1f} (WCAG 2.2 asks for 4.5)"
        paper = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, paper.strip("rgb()").split(","))) > 384) == (scheme == "light")


CONTRAST = """
(selector) => {
  const channels = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => {
    const [r, g, b] = channels(color).slice(0, 3).map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const element = document.querySelector(selector);
  let behind = element;
  while (behind && channels(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
  const paper = getComputedStyle(behind ?? document.body).backgroundColor;
  const [a, b] = [light(getComputedStyle(element).color), light(paper)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}
"""


def test_nothing_is_wider_than_a_phone(browser: Browser, reports: Path) -> None:
    for path in every_page(reports):
        with Visit(browser, path, PHONE) as opened:
            assert opened.page.evaluate("document.documentElement.scrollWidth") <= PHONE[0], path.name


def test_on_paper_there_are_no_tools_and_every_row(browser: Browser, reports: Path) -> None:
    with Visit(browser, reports / "leaderboard.html") as opened:
        names = opened.names()
        opened.page.emulate_media(media="print")
        assert not opened.page.locator(".tools").is_visible()
        assert opened.names() == names
        assert opened.page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
