"""The pages of the story: what they say to whom, their JSON twins, their headers, and strangers' words in them."""

from html.parser import HTMLParser

import pytest

from tests.access.conftest import House
from tests.studio.conftest import TEAM, browser, let_in
from tests.studio.seed import DOUBT, FIRST, SECOND, WAITING, Story, tell

PAGES = ("/studio/loop", "/studio/promotions", f"/studio/promotions/{WAITING}")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
XSS = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' onmouseover='alert(1)", "{{ 7 * 7 }}",
    "</title><svg onload=alert(1)>", "&lt;b&gt;", "javascript:alert(1)", "<!-- ", "\u202e<b>",
    "</textarea><style>*{}</style>",
)  # fmt: skip


ELEMENTS = frozenset(
    {
        "html", "head", "meta", "title", "link", "body", "svg", "defs", "symbol", "circle", "path", "rect", "line",
        "polyline", "use", "header", "nav", "a", "form", "input", "span", "b", "button", "main", "h1", "h2", "p", "ul",
        "ol", "li", "section", "div", "article", "table", "caption", "thead", "tbody", "tr", "th", "td", "code",
        "small", "label", "q", "br",
    }
)  # fmt: skip
"""What our templates are made of."""


class Parsed(HTMLParser):
    """A page as a browser reads it: its elements with the names of their attributes, its texts, attribute values."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.texts: list[str] = []
        self.values: list[str | None] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep one element."""
        self.found.append((tag, tuple(name for name, _ in attrs)))
        self.values += [value for _, value in attrs]

    def handle_data(self, data: str) -> None:
        """Keep one text."""
        self.texts.append(data)


def _foreign(elements: list[tuple[str, tuple[str, ...]]]) -> list[tuple[str, tuple[str, ...]]]:
    """Return the elements that none of our templates makes."""
    return [
        (tag, names)
        for tag, names in elements
        if tag not in ELEMENTS or any(name == "style" or name.startswith("on") for name in names)
    ]


def test_loop_says_where_every_release_is(story: House) -> None:
    """The approver sees each stage with its release, the alert's figure and threshold, and what waits for him."""
    loop = browser(story, "approver").get("/studio/loop.json").json()
    (lane,) = loop["models"][0]["lanes"]
    cells = {cell["stage"]: cell for cell in lane["stages"]}
    assert [cell["release"]["alias"] for cell in cells.values()] == [SECOND, SECOND, FIRST]
    assert [cell["serves"] for cell in cells.values()] == [False, True, True]
    prod = cells["prod"]
    assert (prod["window"]["value"], prod["window"]["threshold"]) == (5.14, 3.19)
    assert prod["series"] == [1.70, 2.49, 3.19, 3.64, 5.14]
    assert prod["release"]["evaluation"]["value"] == 1.9
    assert [(one["signal"], one["verdict"]) for one in prod["signals"]] == [("performance", "alert")]
    assert (prod["traffic"]["shares"], prod["traffic"]["requests"]) == ({FIRST: 100.0}, 148)
    assert [one["name"] for one in loop["waiting"]] == [WAITING]
    assert [one["promotion"] for one in prod["coming"]] == [WAITING]


def test_loop_tells_spans_of_service(story: House) -> None:
    """A release's spans in the ledger end where the next one's begin; the last one has not ended."""
    (model,) = browser(story, "approver").get("/studio/loop.json").json()["models"]
    first = next(one for one in model["releases"] if one["alias"] == FIRST)
    second = next(one for one in model["releases"] if one["alias"] == SECOND)
    spans = {span["stage"]: span for span in first["served"]}
    assert spans["preprod"]["to_at"] == second["served"][0]["from_at"]
    assert spans["prod"]["to_at"] is None


def test_promotion_page_says_what_to_decide_on(story: House) -> None:
    """Both gates' checks with rule and measured figure, the people, the digest, and the command stand on the page."""
    page = browser(story, "approver").get(f"/studio/promotions/{WAITING}")
    known = story.done("GET", f"/promotions/{WAITING}", story.login("approver").json()["session"])
    assert {check["verdict"] for check in known["entry_gate"]} == {"pass", "inconclusive"}
    for words in (DOUBT, "3.3 against 5.14: gain 1.84, bound 1.28, n 29", "data-scientist", "ml-engineer"):
        assert words in page.text
    assert known["release_digest"] in page.text
    assert f"bucle approve {WAITING} --acknowledge {DOUBT}" in page.text
    done = browser(story, "approver").get(f"/studio/promotions/{FIRST}-to-prod-1").text
    assert "p50 2.1, p95 3.4, p99 4.0 ms" in done
    assert "Too few Japanese cars to say" in done


@pytest.mark.parametrize("path", PAGES)
def test_page_is_small_strict_and_alone(story: House, path: str) -> None:
    """A page has the strict policy, no address outside, no inline script or style, and with its style ≤ 150 kB."""
    page = browser(story, "approver").get(path)
    assert (page.status_code, page.headers["content-security-policy"]) == (200, POLICY)
    assert page.headers["cache-control"] == "no-store"
    elements = Parsed(page.text).found
    assert "main" in {tag for tag, _ in elements}
    assert _foreign(elements) == []
    assert "http://" not in page.text
    assert "https://" not in page.text
    style = page.text.partition('rel="stylesheet" href="')[2].partition('"')[0]
    sheet = story.api.get(style)
    assert (sheet.status_code, sheet.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert len(page.content) + len(sheet.content) < 150_000


@pytest.mark.parametrize("name", ["approver", "auditor", "guest"])
@pytest.mark.parametrize("path", PAGES)
def test_twin_is_authorised_as_its_page(story: House, path: str, name: str) -> None:
    """Page and twin answer with one status to each caller; nobody signed in gets neither."""
    seat = browser(story, name)
    page, twin = seat.get(path), seat.get(f"{path}.json")
    assert page.status_code == twin.status_code
    assert f'href="{path}.json"' in page.text or page.status_code in {403, 404}
    assert story.api.get(f"{path}.json").status_code == 401
    assert story.api.get(path, follow_redirects=False).status_code == 303


def test_twin_answers_to_a_token(story: House) -> None:
    """A script asks for the twin by Authorization, and a cookie beside it changes nothing."""
    session = story.login("auditor").json()["session"]
    cookie = {"cookie": f"bucle_session={story.login('approver').json()['session']}"}
    mine = story.api.get("/studio/loop.json", headers=cookie).json()
    his = story.api.get("/studio/loop.json", headers={**cookie, "authorization": f"Bearer {session}"}).json()
    assert [one["name"] for one in mine["waiting"]] == [WAITING]
    assert his["waiting"] == []


def test_who_has_no_role_sees_nothing(story: House) -> None:
    """A guest's Loop holds no model, alert or event, and of the promotion he is told nothing."""
    assert browser(story, "approver").get("/studio/loop.json").json()["models"] != []
    seat = browser(story, "guest")
    loop = seat.get("/studio/loop.json").json()
    assert {name: loop[name] for name in ("models", "alerts", "waiting", "events", "stages")} == {
        "models": [], "alerts": [], "waiting": [], "events": [], "stages": [],
    }  # fmt: skip
    assert WAITING not in seat.get("/studio/promotions").text
    page = seat.get(f"/studio/promotions/{WAITING}")
    assert (page.status_code, SECOND + " →" in page.text) == (404, False)


def test_a_role_in_one_stage_shows_that_stage(story: House) -> None:
    """The data scientist has no role in prod: its cell, its alert and its events are not his to see."""
    whole = browser(story, "approver").get("/studio/loop.json").json()
    part = browser(story, "data-scientist").get("/studio/loop.json").json()
    (lane,) = part["models"][0]["lanes"]
    assert [cell["visible"] for cell in lane["stages"]] == [True, True, False]
    assert (len(whole["alerts"]), part["alerts"]) == (1, [])
    assert "prod" in {one["stage"] for one in whole["events"]}
    assert "prod" not in {one["stage"] for one in part["events"]}


def test_events_of_identity_are_the_auditors(story: House) -> None:
    """Who signed in, and who was refused, stands before whoever holds audit/read, and before nobody else."""
    browser(story, "approver").get("/studio/promotions/no-such-one")
    seen = {
        name: {one["what"].partition("/")[0] for one in browser(story, name).get("/studio/loop.json").json()["events"]}
        for name in ("auditor", "approver")
    }
    assert "sign-in" in seen["auditor"]
    assert seen["approver"] <= {"promotions", "models", "alerts", "gates"}


def test_an_empty_house_says_what_to_do(house: House) -> None:
    """Where there is nothing yet, each page names the command that fills it."""
    let_in(house)
    seat = browser(house, "approver")
    assert "bucle model create --from-job JOB" in seat.get("/studio/loop").text
    assert "bucle promote NAME:VERSION --to STAGE" in seat.get("/studio/promotions").text


@pytest.mark.parametrize("path", ["/studio", "/studio/", "/"])
def test_home_is_the_loop(house: House, path: str) -> None:
    """The bare address leads to the Loop."""
    assert house.api.get(path, follow_redirects=False).headers["location"] == "/studio/loop"


@pytest.mark.parametrize("path", ["/studio/nothing", "/studio/static/bucle.css", "/studio/static/..%2fpage.py"])
def test_no_such_page_is_told_in_words(house: House, path: str) -> None:
    """An unknown address below /studio is answered by a page under the same policy."""
    answer = house.api.get(path)
    assert (answer.status_code, answer.headers["content-security-policy"]) == (404, POLICY)
    assert "There is no page" in answer.text


@pytest.mark.parametrize("words", XSS)
def test_words_of_strangers_stay_words(house: House, words: str) -> None:
    """Targets, data names, findings, group values and comments stand on the pages letter by letter, as text."""
    let_in(house)
    tell(Story(world=house.world, team=TEAM, now=house.clock(), spice=words, serving=True))
    seat = browser(house, "approver")
    for path in ("/studio/loop", f"/studio/promotions/{WAITING}", f"/studio/promotions/{FIRST}-to-preprod-1"):
        parsed = Parsed(seat.get(path).text)
        assert words in "".join(parsed.texts)
        assert _foreign(parsed.found) == []
    twin = seat.get("/studio/loop.json")
    assert (twin.headers["content-type"], twin.headers["x-content-type-options"]) == ("application/json", "nosniff")
    assert twin.json()["models"][0]["target"] == "mpg" + words


@pytest.mark.parametrize("words", XSS)
def test_what_somebody_typed_comes_back_as_text(story: House, words: str) -> None:
    """A comment returns in its field when the form is refused, and as a reason when the promotion is rejected."""
    seat = browser(story, "approver")
    refused = Parsed(seat.say(WAITING, "approve", comment=words).text)
    assert words.strip() in refused.values
    assert _foreign(refused.found) == []
    assert seat.say(WAITING, "reject", comment=words).status_code == 303
    rejected = Parsed(seat.get(f"/studio/promotions/{WAITING}").text)
    assert f"rejected by approver: {words.strip()}" in "".join(rejected.texts)
    assert _foreign(rejected.found) == []
