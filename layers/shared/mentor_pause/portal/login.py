"""The login: client credentials against a token of Entra ID (H3).

Source: Microsoft's documentation of Entra ID ("OAuth 2.0 client credentials flow").
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from mentor_pause.config import PortalSettings
from mentor_pause.portal.answers import login_error_of, token_of
from mentor_pause.portal.exchange import Connections

_EARLY, _LEAST_USE = 60.0, 30.0
"""Seconds: a token is no longer used so long before its end, but is used at least so long.

Where the least use is longer than the token's life, the portal answers 401 and the client logs in
again.
"""


@dataclass(slots=True)
class Token:
    """The token of a login, and the moment from which it is no longer used."""

    text: str = field(default="", repr=False)
    ends_at: float = 0.0


@dataclass(slots=True)
class KeptToken:
    """Keeps a token from one page of a run to the next, in the memory of a warm function.

    The token belongs to one address, tenant, client id and secret. If an operator changes one of
    them, the token is dropped.
    """

    _settings: PortalSettings | None = None
    _token: Token = field(default_factory=Token, repr=False)

    def of(self, settings: PortalSettings) -> Token:
        """Return the token of these settings; it is empty before their first login."""
        if settings != self._settings:
            self._settings, self._token = settings, Token()
        return self._token


@dataclass(slots=True)
class Login:
    """The login of our application user."""

    settings: PortalSettings
    connections: Connections
    clock: Callable[[], float]
    """Seconds of a clock that never goes back. If it stands still while Lambda freezes the
    function, the token may have ended; then the portal answers 401."""
    kept: Token = field(default_factory=Token)

    def token(self) -> str:
        """Return the present token, or log in for a new one.

        Raises:
            TransientError: the login does not answer, or asks the client to wait.
            PortalError: the login refuses, or its answer holds no token.
        """
        kept = self.kept
        if not kept.text or self.clock() >= kept.ends_at:
            kept.text, seconds = self._log_in()
            kept.ends_at = self.clock() + max(seconds - _EARLY, seconds / 2, _LEAST_USE)
        return kept.text

    def forget_token(self) -> None:
        """Log in again before the next request."""
        self.kept.text = ""

    def _log_in(self) -> tuple[str, float]:
        ours = self.settings
        form = {
            "client_id": ours.portal_client_id,
            "client_secret": ours.portal_client_secret.get_secret_value(),
            "scope": f"{ours.portal_url.rstrip('/')}/.default",
            "grant_type": "client_credentials",
        }
        response = self.connections.exchange(
            "POST",
            f"{ours.portal_login_url.rstrip('/')}/{ours.portal_tenant}/oauth2/v2.0/token",
            {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"},
            urlencode(form).encode(),
        )
        if not response.is_success:
            raise login_error_of(response)
        return token_of(response)
