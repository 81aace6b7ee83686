"""A digest in words: its subject, and in which order its parts come.

`sections.py` has the words of the parts.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from notify.digest import Digest
from notify.sections import Section, SectionWriter
from texts.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class Letter:
    """An e-mail in words, before a template gives it its form."""

    subject: str
    greeting: str
    sections: tuple[Section, ...]
    closing: str


@dataclass(frozen=True, slots=True)
class LetterWriter:
    """Writes letters in one language."""

    texts: Catalogue

    def write(self, digest: Digest) -> Letter:
        """Return the letter that says everything of a digest."""
        return Letter(
            subject=self._subject(digest),
            greeting=self.texts.gettext("Hello,"),
            sections=tuple(self._sections(digest)),
            closing=self.texts.gettext(
                "This e-mail was sent automatically. For privacy it contains no names."
            ),
        )

    def _sections(self, digest: Digest) -> Iterator[Section]:
        writer = SectionWriter(self.texts)
        if digest.own_paused_on:
            yield writer.own_pause(digest.own_paused_on)
        if digest.own_warned_of:
            yield writer.own_warning(digest.own_warned_of)
        if digest.held_count:
            yield writer.held(digest.held_count)
        if digest.unforeseen_count:
            yield writer.unforeseen(digest.unforeseen_count)
        if digest.own_resumed_on:
            yield writer.own_resumption(digest.own_resumed_on)
        if digest.is_about_others:
            yield writer.others(digest)

    def _subject(self, digest: Digest) -> str:
        """Return what the recipient has to do first."""
        if digest.own_paused_on:
            return self.texts.gettext(
                "Renew your listing: it was paused on %(day)s", day=digest.own_paused_on
            )
        if digest.own_warned_of:
            return self.texts.gettext("Renew your listing before %(day)s", day=digest.own_warned_of)
        if digest.held_count:
            return self.texts.ngettext(
                "Decide: %(count)s pause is held",
                "Decide: %(count)s pauses are held",
                digest.held_count,
            )
        if digest.unforeseen_count:
            return self.texts.ngettext(
                "Check: %(count)s listing was paused without a warning in time",
                "Check: %(count)s listings were paused without a warning in time",
                digest.unforeseen_count,
            )
        if digest.own_resumed_on:
            return self.texts.gettext("Your listing is active again")
        return self._subject_about_others(digest)

    def _subject_about_others(self, digest: Digest) -> str:
        if digest.paused_count:
            return self.texts.ngettext(
                "Follow up: %(count)s listing was paused",
                "Follow up: %(count)s listings were paused",
                digest.paused_count,
            )
        if digest.first_expires_on and digest.expiring_count:
            return self.texts.ngettext(
                "Follow up: %(count)s listing must be renewed before %(day)s",
                "Follow up: %(count)s listings must be renewed, the first before %(day)s",
                digest.expiring_count,
                day=digest.first_expires_on,
            )
        if digest.resumed_count:
            return self.texts.ngettext(
                "%(count)s listing is active again",
                "%(count)s listings are active again",
                digest.resumed_count,
            )
        return self.texts.ngettext(
            "Follow up: %(count)s listing was renewed",
            "Follow up: %(count)s listings were renewed",
            digest.renewed_count,
        )
