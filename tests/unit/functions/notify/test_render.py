"""The form of an e-mail: one line of subject, plain text, and a simple page (W5)."""

from typing import Any

import pytest

from mentor_pause.aws.mailer import Mail
from notify.render import Renderer
from support.digests import CONSOLE, LATER, TODAY, Page, digest, words
from texts.catalogue import Language

ALL: dict[str, Any] = {
    "own_paused_on": TODAY,
    "own_expires_on": LATER,
    "held_count": 4,
    "unforeseen_count": 12,
    "own_resumed_on": TODAY,
    "paused_count": 2,
    "expiring_count": 3,
    "first_expires_on": LATER,
    "resumed_count": 5,
    "renewed_count": 1,
    "unreachable_count": 1,
}
RENDERER = Renderer(CONSOLE)


def test_the_text_can_be_read_by_itself() -> None:
    """Paragraphs, a list, and the link on a line of its own."""
    mail = RENDERER.render(digest(language="en", paused_count=2, renewed_count=1))
    assert mail.subject == "Follow up: 2 listings were paused"
    assert mail.text == (
        "Hello,\n\n"
        "Status on 26 November 2026 for people you follow up:\n\n"
        "- 2 listings were paused. Help these people to renew them.\n"
        "- 1 listing was renewed. If it is paused, it can be set active again.\n\n"
        "Sign in and see who it is about:\n"
        "https://console.example/prod/\n\n"
        "This e-mail was sent automatically. For privacy it contains no names.\n"
    )


@pytest.mark.parametrize("language", ["nb", "en"])
def test_the_page_can_be_read_without_its_style(language: Language) -> None:
    """WCAG: a language, a title, one heading, paragraphs, a list, links with words of their own."""
    mail = RENDERER.render(digest(language=language, **ALL))
    page = Page(mail.html)
    assert ("html", {"lang": language}) in page.tags
    assert page.texts["title"] == page.texts["h1"] == [mail.subject]
    assert {tag for tag, _ in page.tags} == {
        "html", "head", "meta", "title", "body", "h1", "p", "ul", "li", "a"
    }  # fmt: skip
    assert len(page.texts["li"]) == 5
    assert all(len(text.split()) > 2 for text in page.texts["a"])
    assert len(page.texts["a"]) == len(page.links) == 6


@pytest.mark.parametrize("language", ["nb", "en"])
def test_text_and_page_have_the_same_words(language: Language) -> None:
    """A reader of either knows everything."""
    mail = RENDERER.render(digest(language=language, **ALL))
    text = mail.text.replace(CONSOLE, "")
    assert sorted(words(text)) == sorted(words(Page(mail.html).body))


def test_the_address_of_the_console_is_data() -> None:
    """It cannot end an attribute, and the templates do not read it as a template."""
    console = 'https://console.example/?next=">{{7*7}}<script>&amp=1'
    mail = Renderer(console).render(digest(paused_count=1))
    page = Page(mail.html)
    assert page.links == [console]
    assert "script" not in {tag for tag, _ in page.tags}
    assert f"\n{console}\n" in mail.text


@pytest.mark.parametrize(
    "console",
    [
        "",
        "javascript:alert(1)",
        "console.example",
        "ftp://console.example/",
        "https://",
        "https://console.example/ https://other.example/",
        "https://console.example/\r\nBcc: everybody@example.com",
        "https://console.example/\n",
        " https://console.example/",
    ],
)
def test_an_address_that_is_not_a_page_is_refused_at_the_start(console: str) -> None:
    """Not at the first e-mail."""
    with pytest.raises(ValueError, match="console's address"):
        Renderer(console)


def test_a_mail_does_not_change() -> None:
    """The sender may try again with the same one."""
    first, second = (RENDERER.render(digest(**ALL)) for _ in range(2))
    assert first == second == Mail(first.subject, first.text, first.html)
