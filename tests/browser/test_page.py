"""The page in a real browser: a headless Chromium that the system has, driven by Playwright."""

import asyncio
import re
import shutil
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import uvicorn
from fastapi import Depends, FastAPI, HTTPException
from playwright.sync_api import expect, sync_playwright
from rest import add

from ziggy_async.api import create_dashboard, create_lifespan
from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig
from ziggy_async.sample import sample_universe
from ziggy_async.store import BarStore

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SCREENSHOTS = Path(__file__).parent / "screenshots"
MARKUP = "<img src=x onerror=alert(1)>"
VIEWS = {
    "overview": "Success rate",
    "operations": "worker_task",
    "tasks": "night 1",
    "letters": "no route",
    "scaling": "workers",
    "market": "CHEM46",
}
"""Each with what stands on it once it is there."""

expect.set_options(timeout=20_000)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium or Chrome on this machine")


class Desk:
    """An application with a dashboard, one that cannot change anything and one behind a login, in a thread."""

    def __init__(self):
        self.store = BarStore()
        self.computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=2))
        self.is_logged_in = True
        app = FastAPI(lifespan=create_lifespan(self.computer))
        app.include_router(create_dashboard(self.computer, self.store, describe=lambda args, kwargs: str(args)))
        app.include_router(create_dashboard(self.computer, self.store, read_only=True, prefix="/seen"))
        app.include_router(create_dashboard(self.computer, self.store, [Depends(self.login)], prefix="/closed"))
        config = uvicorn.Config(app, port=0, log_level="warning", timeout_graceful_shutdown=1)
        self.server = uvicorn.Server(config)
        self.loop = None
        self.thread = threading.Thread(target=lambda: asyncio.run(self.run()))

    async def login(self):
        if not self.is_logged_in:
            raise HTTPException(401, "log in")

    async def run(self):
        self.loop = asyncio.get_running_loop()
        await self.server.serve()

    def call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(60)

    @property
    def url(self):
        (listener,) = self.server.servers[0].sockets
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture(scope="module")
def desk():
    desk = Desk()
    for symbol, columns in sample_universe():
        if symbol in ("SPY", "AUTO07", "CHEM46", "BANK07") or symbol.startswith("AUTO1"):
            desk.store.load(symbol, columns)
    desk.store.load(MARKUP, columns)
    desk.thread.start()
    while not desk.server.started:
        time.sleep(0.01)
        assert desk.thread.is_alive()
    desk.call(fill(desk.computer))
    yield desk
    desk.server.should_exit = True
    desk.thread.join(60)


async def fill(computer):
    for number in range(5):
        await (await computer.enqueue_task(f"night {number}", int))
    await computer.execute_blocking_operation("fetch:SPY", int)
    await add(computer, "quotes", MARKUP, function=int)
    await add(computer, "late", function=float, reason="deadline")


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, desk):
    """Opens a page; in the end nothing may have gone wrong in it, and no other host may have been asked."""
    troubles = []

    @contextmanager
    def opening(path, width=1440, height=900, theme="light", expected=()):
        with browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme) as context:
            page = context.new_page()
            page.set_default_timeout(20_000)
            page.on("console", lambda message: message.type in ("error", "warning") and troubles.append(message.text))
            page.on("pageerror", lambda error: troubles.append(str(error)))
            page.on("dialog", lambda dialog: troubles.append(f"a dialog: {dialog.message}") or dialog.dismiss())
            page.on("request", lambda asked: asked.url.startswith(desk.url) or troubles.append(f"asked {asked.url}"))
            page.goto(f"{desk.url}{path}")
            yield page

    yield opening
    assert troubles == []


def rows(page, label):
    return page.get_by_role("table", name=label, exact=True).locator("tbody tr")


# --- what it looks like


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 400])
def test_all_pages_fit_and_load_without_a_fault(open_page, theme, width):
    SCREENSHOTS.mkdir(exist_ok=True)
    with open_page("/dashboard/", width, 900, theme) as page:
        for view, text in VIEWS.items():
            page.goto(f"{page.url.partition('#')[0]}#/{view}")
            expect(page.get_by_text(text, exact=False).first).to_be_visible()
            expect(page.locator("#status .pill")).to_be_visible()
            if view == "market":
                expect(page.locator("#chart canvas").first).to_be_visible()
            page.screenshot(path=SCREENSHOTS / f"{view}-{theme}-{width}.png")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{view} is wider than the window"
        assert page.evaluate("document.documentElement.dataset.theme") == theme


def test_text_is_shown_as_text(open_page):
    with open_page("/dashboard/#/market") as page:
        rows(page, "Watchlist").filter(has_text=MARKUP).click()
        expect(page.locator(".sentence")).to_contain_text(MARKUP)
        expect(page.locator("#chart [data-pane='0']")).to_contain_text(MARKUP)
        page.goto(f"{page.url.partition('#')[0]}#/letters")
        rows(page, "Dead letters").filter(has_text=MARKUP).click()
        expect(page.locator("dialog")).to_contain_text(MARKUP)
        assert page.locator("img").count() == 0


# --- what it does


def test_a_dead_letter_is_requeued_by_a_click(open_page, desk):
    (letter,) = desk.call(add(desk.computer, "click me", function=int))
    with open_page("/dashboard/#/letters") as page:
        row = rows(page, "Dead letters").filter(has_text="click me")
        row.get_by_role("button", name="Requeue").click()
        expect(page.locator("#notes")).to_contain_text("1 requeued")
        expect(row).to_have_count(0)
    assert letter not in [each.id for each in desk.computer.dead_letters.list()]
    assert desk.computer.tasks("succeeded")[-1].task_id == "click me"


def test_a_group_of_letters_is_discarded_when_that_is_confirmed(open_page, desk):
    desk.call(add(desk.computer, "x1", "x2", function=complex, reason="dropped"))
    with open_page("/dashboard/#/letters") as page:
        rows(page, "Operations and reasons").filter(has_text="complex").click()
        expect(rows(page, "Dead letters")).to_have_count(2)
        page.get_by_role("button", name="Discard all 2").click()
        page.get_by_role("button", name="Keep").click()
        expect(rows(page, "Dead letters")).to_have_count(2)
        page.get_by_role("button", name="Discard all 2").click()
        page.locator("dialog").get_by_role("button", name="Discard", exact=True).click()
        expect(rows(page, "Dead letters")).to_have_count(0)
    assert not [each for each in desk.computer.dead_letters.list() if each.task_id in ("x1", "x2")]


def test_a_running_task_is_cancelled(open_page, desk):
    handle = desk.call(desk.computer.enqueue_task("endless", asyncio.sleep, 600))
    with open_page("/dashboard/#/tasks?state=running") as page:
        rows(page, "Tasks").filter(has_text="endless").get_by_role("checkbox").check()
        page.get_by_role("button", name="Cancel 1 task").click()
        expect(page.locator("#notes")).to_contain_text("1 cancelled")
        expect(rows(page, "Tasks")).to_have_count(0)
    assert handle.state == "cancelled"


def test_a_formula_that_is_typed_becomes_a_column(open_page, desk):
    with open_page("/dashboard/#/market") as page:
        field = page.get_by_label("Add a column")
        field.fill("smaa(close, 3)")
        fault = page.locator(".fault:visible")
        expect(fault).to_contain_text("did you mean 'sma'")
        expect(fault.locator("mark")).to_have_text("smaa")
        field.press("Enter")
        field.fill("sma(close, 3) * 0 + 42")
        expect(page.locator("td.draft").first).to_have_text("42.00")
        field.press("Enter")
        expect(page.locator("td.draft")).to_have_count(0)
        expect(page.get_by_role("button", name="Remove sma(close, 3) * 0 + 42")).to_be_visible()
        page.reload()
        expect(page.locator("tbody tr").first.locator("td").last).to_have_text("42.00")


def test_the_watchlist_is_filtered_and_sorted(open_page, desk):
    closes = {symbol: desk.store.bars(symbol)["close"][-1] for symbol in desk.store.symbols()}
    wanted = sorted((symbol for symbol in closes if closes[symbol] > 60), key=closes.get, reverse=True)
    with open_page("/dashboard/#/market") as page:
        page.get_by_label("Filter").fill("close > 60")
        page.get_by_role("button", name="Close").click()
        expect(page.locator("th[aria-sort=descending]")).to_have_text("Close")
        expect(rows(page, "Watchlist").locator(".ticker")).to_have_text(wanted)
        expect(page.locator(".pager")).to_contain_text(f"out of {len(closes)}")


def test_a_bar_moves_chart_and_watchlist(open_page, desk):
    bars = desk.store.bars("SPY")
    last = bars["timestamp"][-1]
    with open_page("/dashboard/#/market?ticker=SPY&column=close&overlay=sma(2)") as page:
        legend = page.locator("#chart [data-pane='0']")
        expect(legend).to_contain_text(f"C{bars['close'][-1]:.2f}")
        before = page.locator("#chart").screenshot()
        desk.store.append("SPY", last + np.timedelta64(1, "D"), 400.0, 444.0, 400.0, 444.0, 1e6)
        expect(legend).to_contain_text("C444.00")
        expect(legend).to_contain_text(f"sma(2){(444 + bars['close'][-1]) / 2:.2f}")
        expect(rows(page, "Watchlist").filter(has_text="SPY").locator("td").nth(1)).to_have_text("444.00")
        assert page.locator("#chart").screenshot() != before
        desk.store.append("SPY", last + np.timedelta64(1, "D"), 400.0, 450.0, 400.0, 450.0, 1e6)
        expect(legend).to_contain_text("C450.00")


def test_a_formula_goes_on_the_chart_and_below_it(open_page):
    with open_page("/dashboard/#/market?ticker=AUTO07") as page:
        page.get_by_label("On the chart").fill("sma(50)")
        page.get_by_label("On the chart").press("Enter")
        expect(page.locator("#chart [data-pane='0']")).to_contain_text("sma(50)")
        page.get_by_label("Below it").fill("macd()")
        page.get_by_label("Below it").press("Enter")
        expect(page.locator("#chart [data-pane='1']")).to_contain_text("macd().histogram")
        page.get_by_role("button", name="Remove macd()").click()
        expect(page.locator("#chart [data-pane='1']")).to_have_count(0)


# --- how it is used


def test_a_read_only_page_has_nothing_to_press(open_page):
    with open_page("/seen/#/letters") as page:
        expect(rows(page, "Dead letters").first).to_be_visible()
        expect(page.get_by_role("button", name=re.compile("Requeue|Discard"))).to_have_count(0)
        expect(page.get_by_role("checkbox")).to_have_count(0)


def test_it_is_used_by_keyboard(open_page):
    with open_page("/dashboard/") as page:
        page.keyboard.press("6")
        expect(rows(page, "Watchlist").first).to_be_visible()
        for _ in range(3):
            page.keyboard.press("j")
        page.keyboard.press("Enter")
        chosen = rows(page, "Watchlist").nth(2).locator(".ticker").inner_text()
        expect(page.locator(".sentence b").first).to_have_text(chosen)
        page.keyboard.press("/")
        expect(page.get_by_label("Filter")).to_be_focused()
        page.keyboard.type("close > 1e9")
        expect(page.get_by_text("no ticker matches")).to_be_visible()
        page.keyboard.press("Escape")
        page.keyboard.press("?")
        expect(page.locator("dialog")).to_contain_text("the next row")
        page.keyboard.press("Escape")
        page.keyboard.press("d")
        page.keyboard.press("d")
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_the_stream_pauses_while_the_tab_is_hidden(open_page, desk):
    with open_page("/dashboard/#/tasks") as page:
        body = page.locator("body")
        expect(body).to_have_attribute("data-stream", "live")
        page.evaluate("""() => {
            Object.defineProperty(document, "hidden", {value: true, configurable: true});
            document.dispatchEvent(new Event("visibilitychange"));
        }""")
        expect(body).to_have_attribute("data-stream", "paused")
        desk.call(desk.computer.enqueue_task("meanwhile", int))
        with page.expect_request(re.compile("/page/events/tasks")):
            page.evaluate("""() => {
                delete document.hidden;
                document.dispatchEvent(new Event("visibilitychange"));
            }""")
        expect(page.get_by_text("meanwhile")).to_be_visible()


def test_who_is_logged_out_learns_it(browser, desk):
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{desk.url}/closed/")
        expect(page.locator("#status .pill")).to_be_visible()
        desk.is_logged_in = False
        page.keyboard.press("3")
        expect(page.get_by_role("alert")).to_contain_text("log in")
        desk.is_logged_in = True
        expect(page.get_by_role("alert")).to_be_hidden()
