"""Renders a digest as an e-mail: subject, plain text and HTML (W5)."""

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from mentor_pause.aws.mailer import Mail
from notify.digest import Digest
from notify.letter import LetterWriter
from texts.catalogue import LOCALES, Catalogue, Language

TEMPLATES = Path(__file__).parent / "templates"
TRANSLATIONS = Path(__file__).parent / "translations"
_ADDRESS = re.compile(r"https?://[!-~]+")


class Renderer:
    """Renders digests. It reads templates and catalogues when it is built, once per process."""

    def __init__(self, console_url: str) -> None:
        """`console_url` is the address of the console, to which the e-mails lead.

        Raises:
            ValueError: `console_url` is not the address of a page.
        """
        if not _ADDRESS.fullmatch(console_url):
            raise ValueError("the console's address must begin with http and have no space")
        environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._console_url = console_url
        self._text = environment.get_template("digest.txt")
        self._html = environment.get_template("digest.html")
        self._writers: dict[Language, LetterWriter] = {
            language: LetterWriter(Catalogue(language, TRANSLATIONS)) for language in LOCALES
        }

    def render(self, digest: Digest) -> Mail:
        """Return the e-mail of a digest, in the recipient's language."""
        letter = self._writers[digest.language].write(digest)
        values = {
            "letter": letter,
            "language": digest.language,
            "console_url": self._console_url,
        }
        return Mail(letter.subject, self._text.render(values), self._html.render(values))
