"""The words of each part of a digest.

The words are neutral: a listing, a contact person, people you follow up. They name neither a person
nor the field of the organisation, because anybody may see an e-mail (W5).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from notify.digest import Digest
from texts.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class Section:
    """A part of an e-mail: paragraphs, then a list, then an ending."""

    paragraphs: tuple[str, ...]
    ending: str
    """The text of the link to the console."""
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SectionWriter:
    """Writes sections in one language."""

    texts: Catalogue

    def own_pause(self, day: date) -> Section:
        """Return the part about the pause of the recipient's own listing."""
        paused = self.texts.gettext(
            "Your listing was paused on %(day)s, because it has not been renewed. It is not shown "
            "while it is paused.",
            day=day,
        )
        how = self.texts.gettext("Your contact person can tell you how to renew.")
        back = self.texts.gettext(
            "To come back, renew your listing. Then sign in through the link below and set your "
            "listing active again, or ask your contact person to do it."
        )
        return Section((paused, back, how), ending=self._own_link())

    def own_warning(self, day: date) -> Section:
        """Return the part that warns of the pause of the recipient's own listing."""
        warning = self.texts.gettext(
            "Your listing will be paused on %(day)s unless it is renewed before that day.", day=day
        )
        renewed = self.texts.gettext(
            "If you have just renewed it, ask your contact person whether the renewal is "
            "registered."
        )
        keep = self.texts.gettext(
            "To keep it, talk with your contact person as soon as you can. The link below also "
            "shows how it is renewed."
        )
        return Section((warning, keep, renewed), ending=self._own_link())

    def _own_link(self) -> str:
        return self.texts.gettext("Sign in and see your listing")

    def held(self, count: int) -> Section:
        """Return the part about held pauses, for administrators."""
        held = self.texts.ngettext(
            "%(count)s pause is held, so the listing is still shown. Decide whether to release "
            "the pause.",
            "%(count)s pauses are held, so the listings are still shown. Decide whether to release "
            "the pauses.",
            count,
        )
        check = self.texts.gettext(
            "Nobody was warned of these pauses in time, so the dates may be wrong. Check the dates "
            "first. Whoever has a corrected date keeps the listing when you release the pauses."
        )
        link = self.texts.gettext("Sign in and decide")
        return Section((held, check), ending=link)

    def unforeseen(self, count: int) -> Section:
        """Return the part about pauses without a warning in time, for administrators."""
        paused = self.texts.ngettext(
            "%(count)s listing was paused, and the person was not warned in time.",
            "%(count)s listings were paused, and these people were not warned in time.",
            count,
        )
        check = self.texts.gettext(
            "The dates may be wrong, so check them today. If they are right, there is nothing "
            "to do. If they are wrong, correct them first. Then take the pauses back."
        )
        link = self.texts.gettext("Sign in and check the pauses")
        return Section((paused, check), ending=link)

    def own_resumption(self, day: date) -> Section:
        """Return the part about the recipient's own listing, whose pause was taken back."""
        resumed = self.texts.gettext(
            "Your listing has been active again since %(day)s, because its pause was taken back. "
            "You do not have to do anything.",
            day=day,
        )
        ask = self.texts.gettext("If you have questions, ask your contact person.")
        return Section((resumed, ask), ending=self._own_link())

    def others(self, digest: Digest) -> Section:
        """Return the part about the people that the recipient follows up."""
        intro = self.texts.gettext("Status on %(day)s for people you follow up:", day=digest.day)
        link = self.texts.gettext("Sign in and see who it is about")
        return Section((intro,), link, items=tuple(self._items(digest)))

    def _items(self, digest: Digest) -> Iterator[str]:
        if digest.paused_count:
            yield self._paused(digest.paused_count)
        if digest.first_expires_on and digest.expiring_count:
            yield self._expiring(digest.expiring_count, digest.first_expires_on)
        if digest.resumed_count:
            yield self._resumed(digest.resumed_count)
        if digest.renewed_count:
            yield self._renewed(digest.renewed_count)
        if digest.unreachable_count:
            yield self._unreachable(digest.unreachable_count)

    def _paused(self, count: int) -> str:
        return self.texts.ngettext(
            "%(count)s listing was paused. Help the person to renew it.",
            "%(count)s listings were paused. Help these people to renew them.",
            count,
        )

    def _expiring(self, count: int, first: date) -> str:
        return self.texts.ngettext(
            "%(count)s listing will be paused on %(day)s unless it is renewed before that day. "
            "Remind the person.",
            "%(count)s listings will be paused unless they are renewed in time, the first on "
            "%(day)s. Remind these people.",
            count,
            day=first,
        )

    def _resumed(self, count: int) -> str:
        return self.texts.ngettext(
            "%(count)s listing is active again, because its pause was taken back.",
            "%(count)s listings are active again, because their pauses were taken back.",
            count,
        )

    def _renewed(self, count: int) -> str:
        return self.texts.ngettext(
            "%(count)s listing was renewed. If it is paused, it can be set active again.",
            "%(count)s listings were renewed. Those that are paused can be set active again.",
            count,
        )

    def _unreachable(self, count: int) -> str:
        return self.texts.ngettext(
            "%(count)s of these people cannot be reached by e-mail. Call this person.",
            "%(count)s of these people cannot be reached by e-mail. Call them.",
            count,
        )
