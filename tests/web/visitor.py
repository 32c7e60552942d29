"""A person at the page, with an account, and what they do again and again."""

import json
import re
from dataclasses import dataclass

from playwright.sync_api import BrowserContext, Locator, Page, Route, expect

from support import Postgres, Service, User

SIGNED_IN = "localStorage.getItem('chat-history.session') ?? localStorage.setItem('chat-history.session', {})"


@dataclass(frozen=True)
class Visitor:
    page: Page
    user: User
    service: Service

    def open(self, conversation: int | None = None, message: int | None = None) -> None:
        """Goes to a conversation, or to the start page."""
        where = "" if conversation is None else f"c/{conversation}"
        self.page.goto(f"/#/{where}" + ("" if message is None else f"/m/{message}"))
        expect(self.page.locator("chat-bot .page")).to_be_visible()

    @property
    def box(self) -> Locator:
        return self.page.get_by_role("textbox", name="Message", exact=True)

    def send(self, text: str) -> None:
        self.box.fill(text)
        self.button("Send").click()

    @property
    def messages(self) -> Locator:
        return self.page.locator(".messages > li")

    @property
    def reply(self) -> Locator:
        """The text of the last reply."""
        return self.page.locator(".messages > li[data-role=assistant] .answer").last

    @property
    def alert(self) -> Locator:
        return self.page.get_by_role("alert")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    @property
    def conversations(self) -> Locator:
        return self.page.get_by_role("navigation", name="Conversations")

    def link(self, title: str) -> Locator:
        return self.conversations.get_by_role("link", name=title, exact=True)

    def choose(self, title: str, what: str) -> None:
        """Something of a conversation's menu."""
        self.link(title).hover()
        self.button(f"Options for {title}").click()
        self.page.get_by_role("menuitem", name=what, exact=True).click()

    def finish(self, title: str, what: str) -> None:
        """The same, and waits until the service has done it, which the page does not: it shows it at once."""
        with self.page.expect_response(lambda response: response.request.method in ("PATCH", "DELETE")):
            self.choose(title, what)

    def set(self, what: str) -> None:
        """Something of the menu of account and settings."""
        self.page.get_by_role("button", name="Account and settings").click()
        self.page.get_by_role("menu").get_by_text(what, exact=True).click()

    def conversation_here(self) -> int:
        """The id of the conversation that is open."""
        expect(self.page).to_have_url(re.compile(r"#/c/\d+$"))
        return int(self.page.url.rpartition("/")[2])

    def hold(self, path: str | re.Pattern[str]) -> list[Route]:
        """Keeps the requests of a path from the server until the test lets them go on."""
        held: list[Route] = []

        def keep(route: Route) -> None:
            held.append(route)

        self.page.route(path, keep)
        return held

    def wait_for(self, held: list[Route], count: int = 1) -> None:
        """Returns when so many requests are held."""
        while len(held) < count:
            self.page.wait_for_timeout(10)

    def distance_to_end(self) -> float:
        return float(
            self.page.locator(".scroller").evaluate("e => e.scrollHeight - e.scrollTop - e.clientHeight")
        )


def signed_in(context: BrowserContext, user: User, email: str) -> None:
    """As if they had signed in here before."""
    session = json.dumps(json.dumps({"email": email, "token": user.token}))
    context.add_init_script(SIGNED_IN.replace("{}", session))


def fill(postgres: Postgres, user: User, conversation: int, count: int) -> None:
    """Gives a conversation `count` messages, "question 1", "reply 2" and so on, the oldest first."""
    postgres.rows(
        "INSERT INTO message (user_id, conversation_id, seq, role, content, reply_to, created_at)"
        " SELECT %s, %s, n, CASE n %% 2 WHEN 1 THEN 'user' ELSE 'assistant' END,"
        " CASE n %% 2 WHEN 1 THEN 'question ' ELSE 'reply ' END || n,"
        " CASE n %% 2 WHEN 0 THEN n - 1 END, now() - (%s - n) * interval '1 minute'"
        " FROM generate_series(1, %s) AS n",
        user.id,
        conversation,
        count,
        count,
    )
    postgres.rows("UPDATE conversation SET next_seq = %s WHERE id = %s", count + 1, conversation)
