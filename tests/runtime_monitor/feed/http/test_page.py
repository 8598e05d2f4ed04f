"""The page, in a real Chromium, served by a real feed. It also makes the README's pictures (PODSEAL_REWRITE=1)."""

import os
import pathlib
import random
import time
from collections.abc import Iterator

import msgspec
import pytest
from playwright.sync_api import Browser, Error, Page, expect

from runtime_monitor.alerts import Alert
from runtime_monitor.spool.writer import Writer
from tests import waiting
from tests.runtime_monitor import browser as browsers
from tests.runtime_monitor import generated, parts
from tests.runtime_monitor.browser import Window
from tests.runtime_monitor.feed import feeds

pytestmark = pytest.mark.browser
PICTURES = feeds.ROOT / "tests" / "data" / "pictures"
expect.set_options(timeout=30_000)
HOUR = 3600 * 10**9


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all tests."""
    with browsers.chromium() as made:
        yield made


@pytest.fixture
def writer(tmp_path: pathlib.Path) -> Iterator[Writer]:
    """The sensor's end: 300 alerts within the last hour."""
    made = Writer(tmp_path / "spool.db")
    made.report("sensor", {
        "tier": "tracepoints", "rules": 31, "rules_stale": 0, "rules_loaded_timestamp_seconds": time.time(),
        "ring_highest_ratio": 0.0123, "events": 1_204_331, "lost": 0,
    })  # fmt: skip
    made.append(recent(300))
    yield made
    made.close()


@pytest.fixture
def feed(tmp_path: pathlib.Path, writer: Writer) -> Iterator[feeds.Feed]:
    """A feed over them."""
    del writer
    with feeds.feed(tmp_path) as made:
        yield made


@pytest.fixture
def window(browser: Browser) -> Iterator[Window]:
    """A window that complains of nothing."""
    with browsers.window(browser) as made:
        yield made
        assert made.complaints == []


def recent(count: int, start: int = 0) -> list[Alert]:
    """Alerts whose times fill the last hour, most of them near its end."""
    now = time.time_ns()
    made = generated.stream(count, start=start)
    return [
        msgspec.structs.replace(alert, time=now - int(HOUR * (1 - number / count) ** 2 * 0.95))
        for number, alert in enumerate(made)
    ]


def picture(page: Page, name: str) -> None:
    """Keep a picture for the README."""
    if os.environ.get("PODSEAL_REWRITE") == "1":
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=PICTURES / f"{name}.png")


def test_a_feed_of_the_cluster_shows_the_state_of_its_stream(window: Window, feed: feeds.Feed, writer: Writer) -> None:
    """Where a node's shows its sensor's."""
    replicas = {"nats-1": "current", "nats-2": "7 behind"}
    writer.report("stream", {"name": "PODSEAL", "leader": "nats-0", "replicas": replicas, "alerts": 12, "bytes": 3})
    writer.append(())
    window.page.goto(feed.url)
    expect(window.page.locator("#health")).to_have_text(
        "stream PODSEALalerts 12leader nats-0nats-1 currentnats-2 7 behind", use_inner_text=False
    )


def test_alerts_appear_as_they_come(window: Window, feed: feeds.Feed, writer: Writer) -> None:
    """The newest on top; the sensor's state and the strip of minutes above."""
    page = window.page
    page.goto(feed.url)
    expect(page.locator("#connection")).to_have_text("live")
    expect(page.locator(".row").first).to_be_visible()
    expect(page.locator("#health")).to_contain_text("tracepoints")
    expect(page.locator("#health")).to_contain_text("rules 31")
    expect(page.locator("#health")).to_contain_text("ring highest 1.2 %")
    assert page.locator("#health .bad").count() == 0
    assert page.locator("#bars rect").count() == 120
    picture(page, "alerts")
    new = msgspec.structs.replace(recent(1, start=5000)[0], output="the very newest", time=time.time_ns())
    writer.append([new])
    expect(page.locator(".row").first).to_contain_text("the very newest")
    expect(page.locator("#news")).to_contain_text("1 new")


def test_filters_are_in_the_url(window: Window, feed: feeds.Feed, writer: Writer) -> None:
    """Typed ones go there, those that are there are applied, also to what follows."""
    page = window.page
    page.goto(f"{feed.url}/?namespace=shop&priority=error")
    expect(page.get_by_label("Namespace")).to_have_value("shop")
    expect(page.locator(".row .place").first).to_contain_text("shop/")
    assert all(text.startswith("shop/") for text in page.locator(".row .place").all_inner_texts())
    page.get_by_label("Rule").fill("Write*")
    expect(page).to_have_url(f"{feed.url}/?priority=error&rule=Write*&namespace=shop")
    expect(page.locator(".row .rule").first).to_have_text("Write below root file system")
    before = page.locator(".row").count()
    fitting = [each for each in generated.stream(60, start=900) if each.rule.startswith("Write")]
    named = [
        msgspec.structs.replace(each, output_fields={**each.output_fields, "k8s.ns.name": namespace})
        for each, namespace in zip(fitting, ["other", "shop"] * 3, strict=False)
    ]
    writer.append(named)
    expect(page.locator(".row")).to_have_count(before + sum(n.output_fields["k8s.ns.name"] == "shop" for n in named))
    page.get_by_role("button", name="Clear").click()
    expect(page).to_have_url(f"{feed.url}/")
    expect(page.locator("#list")).to_have_attribute("aria-rowcount", str(200))
    page.get_by_label("Pod").fill("no-such-pod")
    expect(page.locator("#empty")).to_be_visible()


def test_hostile_contents_are_text(window: Window, feed: feeds.Feed, writer: Writer) -> None:
    """Markup is shown, not obeyed; direction marks and controls stand as escapes; in the table and in the detail."""
    page = window.page
    page.goto(f"{feed.url}/?priority=critical")
    expect(page.locator("#connection")).to_have_text("live")
    writer.append(generated.hostile())
    expect(page.locator(".row", has_text="<img src=x onerror=alert(1)>")).to_be_visible()
    rows = page.locator(".row", has_text="file=")
    for number in range(len(generated.HOSTILE)):
        rows.nth(number).click()
        expect(page.locator("#detail")).to_be_visible()
        page.keyboard.press("Escape")
    text = page.locator("#rows").inner_text()
    assert "\\u202egnp.exe" in text
    assert "\u202e" not in text
    assert "\\u001b[31mred" in text
    assert page.locator("#rows img, #rows script, #detail img, #detail script").count() == 0


INJECTIONS = {
    "a handler": "() => document.body.setAttribute('onclick', 'document.title = 1')",
    "markup": "() => { document.body.innerHTML = '<b>x</b>'; }",
    "a script": "() => { const made = document.createElement('script'); made.textContent = 'document.title = 1';"
    " document.body.append(made); }",
}


def test_the_page_runs_no_script_but_its_own(browser: Browser, feed: feeds.Feed) -> None:
    """What somebody manages to put into it is refused by the policy."""
    with browsers.window(browser) as window:
        page = window.page
        page.goto(feed.url)
        expect(page.locator(".row").first).to_be_visible()
        for injection in INJECTIONS.values():
            with pytest.raises(Error, match="Trusted"):
                page.evaluate(injection)
        assert page.title() == "podseal: alerts"


def test_the_keyboard_is_enough(window: Window, feed: feeds.Feed) -> None:
    """Into the table, down, open, close; pause; nothing needs a mouse."""
    page = window.page
    page.goto(feed.url)
    expect(page.locator(".row").first).to_be_visible()
    page.locator("#list").focus()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    selected = page.locator('.row[aria-selected="true"]')
    expect(selected).to_have_attribute("aria-rowindex", "3")
    page.keyboard.press("End")
    expect(selected).to_have_attribute("aria-rowindex", "200")
    expect(page.locator("#list")).to_have_attribute("aria-rowcount", "300")
    page.keyboard.press("Home")
    expect(selected).to_have_attribute("aria-rowindex", "1")
    page.keyboard.press("Enter")
    expect(page.locator("#detail")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#detail")).to_be_hidden()
    expect(selected).to_be_focused()
    page.keyboard.press("p")
    expect(page.locator("#pause")).to_have_attribute("aria-pressed", "true")


def test_drift_has_its_remedy(window: Window, feed: feeds.Feed, writer: Writer) -> None:
    """The volume to paste, or the policy's line; also for an alert that came by the stream."""
    page = window.page
    page.goto(feed.url)
    expect(page.locator("#connection")).to_have_text("live")
    drift = next(each for each in recent(60, start=7000) if each.output_fields["drift.kind"] == "write")
    fields = {**drift.output_fields, "fd.name": "/var/cache/app/data", "k8s.ns.name": "shop"}
    writer.append([msgspec.structs.replace(drift, output="drifted", output_fields=fields)])
    page.locator(".row", has_text="drifted").click()
    expect(page.locator(".remedy pre")).to_contain_text('podseal.dev/writable-paths: "api=/var/cache/app"')
    picture(page, "remedy")


def test_a_session_is_a_timeline_and_a_tree(window: Window, feed: feeds.Feed) -> None:
    """From an alert, and from the list of sessions; its address can be sent to others."""
    page = window.page
    page.goto(feed.url)
    page.locator(".row").nth(5).click()
    page.get_by_role("button", name="Show the session").click()
    expect(page.locator(".timeline li")).to_have_count(12)
    expect(page.locator(".tree .tree code").first).to_be_visible()
    picture(page, "session")
    address = page.url
    page.get_by_role("button", name="Sessions").click()
    expect(page.locator("#sessions button")).to_have_count(25)
    page.goto("about:blank")
    page.goto(address)
    expect(page.locator(".timeline li")).to_have_count(12)


def test_dark_and_light(browser: Browser, feed: feeds.Feed) -> None:
    """By the system's wish, or the reader's, which is kept."""
    with browsers.window(browser, dark=True) as window:
        page = window.page
        page.goto(feed.url)
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        expect(page.locator("body")).to_have_css("background-color", "rgb(18, 21, 28)")
        expect(page.locator(".row").first).to_be_visible()
        picture(page, "dark")
        page.get_by_role("button", name="Dark or light").click()
        expect(page.locator("body")).to_have_css("background-color", "rgb(255, 255, 255)")
        page.reload()
        expect(page.locator("html")).to_have_attribute("data-theme", "light")
        assert window.complaints == []


def test_on_a_phone_nothing_is_cut(browser: Browser, feed: feeds.Feed) -> None:
    """No sideways scrolling; an alert fills the screen."""
    with browsers.window(browser, width=390, height=844) as window:
        page = window.page
        page.goto(feed.url)
        expect(page.locator(".row").first).to_be_visible()
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
        picture(page, "phone")
        page.locator(".row").first.click()
        box = page.locator("#detail").bounding_box()
        assert box
        assert (box["x"], box["width"]) == (0, 390)
        assert window.complaints == []


def test_rows_are_never_blank_while_scrolling(window: Window, feed: feeds.Feed, writer: Writer) -> None:
    """Down through thousands that are fetched on the way; the place is kept when new ones come."""
    writer.append(recent(4000, start=1000))
    page = window.page
    page.goto(feed.url)
    expect(page.locator(".row").first).to_be_visible()
    for _ in range(15):
        page.evaluate(
            "() => { document.getElementById('list').scrollTop += 2500;"
            " return new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))); }"
        )
        expect(page.locator(".row").first).to_be_attached()
        covered = page.evaluate(
            "() => { const box = document.getElementById('list').getBoundingClientRect();"
            " return [0.1, 0.5, 0.9].every((part) =>"
            "   document.elementFromPoint(box.left + 50, box.top + box.height * part)?.closest('.row')); }"
        )
        assert covered
    middle = page.evaluate(
        "() => { const box = document.getElementById('list').getBoundingClientRect();"
        " return document.elementFromPoint(box.left + 50, box.top + box.height / 2).closest('.row').dataset.id; }"
    )
    writer.append(recent(50, start=6000))
    waiting.until(lambda: int(page.locator("#list").get_attribute("aria-rowcount") or 0) % 50 == 0, "the new ones")
    expect(page.locator(f'.row[data-id="{middle}"]')).to_be_in_viewport()


SCROLLED = """async (place) => {
  const box = document.getElementById("list");
  box.scrollTop = place * box.scrollHeight;
  for (const _ of [1, 2]) await new Promise((drawn) => requestAnimationFrame(drawn));
  const { left, top, height } = box.getBoundingClientRect();
  const parts = [...Array(20).keys()].map((part) => (part + 0.5) / 20);
  return parts.filter((part) => !document.elementFromPoint(left + 50, top + height * part)?.closest(".row")).length;
}"""
"""Scroll to a part of the whole, and count in how many of twenty heights of the table no row is."""


def test_fifty_thousand_alerts_are_read_to_the_last(window: Window, feed: feeds.Feed, writer: Writer) -> None:
    """As many as the table holds, fetched on the way down; then any place of it is full of rows at once."""
    whole = 50_000
    for first in range(300, whole, 700):
        writer.append(recent(700, start=1000 + first))
    page = window.page
    page.goto(feed.url)
    expect(page.locator(".row").first).to_be_visible()
    table = page.locator("#list")

    def loaded() -> int:
        return int(table.get_attribute("aria-rowcount") or 0)

    while (before := loaded()) < whole:
        assert page.evaluate(SCROLLED, 1.0) == 0
        waiting.until(lambda before=before: loaded() > before, f"more than {before} rows", 60)  # type: ignore[misc]
    source = random.Random(5)  # noqa: S311 -- places to look at
    for place in (0.0, 1.0, *(source.random() for _ in range(40))):
        assert page.evaluate(SCROLLED, place) == 0
    assert page.locator(".row").count() < 200, "only what is in sight, and some around it, is in the page"


def test_it_comes_back_when_the_feed_was_away(browser: Browser, tmp_path: pathlib.Path, writer: Writer) -> None:
    """With everything that came meanwhile, once."""
    port = parts.free_port()
    with browsers.window(browser) as window:
        page = window.page
        with feeds.feed(tmp_path, port=port) as feed:
            page.goto(f"{feed.url}/?priority=critical")
            expect(page.locator("#connection")).to_have_text("live")
            feed.kill()
        expect(page.locator("#connection")).to_have_text("connection lost, trying again")
        before = int(page.locator("#list").get_attribute("aria-rowcount") or 0)
        writer.append(generated.hostile())
        with feeds.feed(tmp_path, port=port):
            expect(page.locator("#connection")).to_have_text("live")
            expect(page.locator("#list")).to_have_attribute("aria-rowcount", str(before + len(generated.HOSTILE)))


def test_a_token_is_asked_for_and_kept_in_the_tab_alone(
    browser: Browser, tmp_path: pathlib.Path, writer: Writer
) -> None:
    """A wrong one is asked for again."""
    del writer
    (tmp_path / "tokens").write_text("right\n")
    with (
        feeds.feed(tmp_path, listen={"token_file": str(tmp_path / "tokens")}) as feed,
        browsers.window(browser) as window,
    ):
        page = window.page
        page.goto(feed.url)
        for token in ("wrong", "right"):
            expect(page.locator("#login")).to_be_visible()
            page.locator("#token").fill(token)
            page.get_by_role("button", name="Show the alerts").click()
        expect(page.locator(".row").first).to_be_visible()
        page.reload()
        expect(page.locator(".row").first).to_be_visible()
        assert "right" not in page.url
