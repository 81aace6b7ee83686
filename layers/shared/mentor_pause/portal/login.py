"""The login: client credentials against a token of Entra ID (H3).

Source: Microsoft's documentation of Entra ID ("OAuth 2.0 client credentials flow").
"""

from collections.abc import Callable
from dataclasses import dataclass

from mentor_pause.config import PortalSettings
from mentor_pause.portal.answers import login_error_of, token_of
from mentor_pause.portal.exchange import Connections

_EARLY, _LEAST_USE = 60.0, 30.0
"""Seconds: a token is no longer used so long before its end, but is used at least so long.

Where the least use is longer than the token's life, the portal answers 401 and the client logs in
again.
"""


@dataclass(slots=True)
class Login:
    """The token of our application user, kept as long as it is valid."""

    settings: PortalSettings
    connections: Connections
    clock: Callable[[], float]
    """Seconds of a clock that never goes back."""
    _token: str = ""
    _ends_at: float = 0.0

    def token(self) -> str:
        """Return the present token, or log in for a new one.

        Raises:
            TransientError: the login does not answer, or asks the client to wait.
            PortalError: the login refuses, or its answer holds no token.
        """
        if not self._token or self.clock() >= self._ends_at:
            self._token, seconds = self._log_in()
            self._ends_at = self.clock() + max(seconds - _EARLY, seconds / 2, _LEAST_USE)
        return self._token

    def forget_token(self) -> None:
        """Log in again before the next request."""
        self._token = ""

    def _log_in(self) -> tuple[str, float]:
        ours = self.settings
        response = self.connections.exchange(
            "POST",
            f"{ours.portal_login_url.rstrip('/')}/{ours.portal_tenant}/oauth2/v2.0/token",
            headers={"Accept": "application/json"},
            data={
                "client_id": ours.portal_client_id,
                "client_secret": ours.portal_client_secret.get_secret_value(),
                "scope": f"{ours.portal_url.rstrip('/')}/.default",
                "grant_type": "client_credentials",
            },
        )
        if not response.is_success:
            raise login_error_of(response)
        return token_of(response)
