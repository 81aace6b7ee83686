"""Opens the portal as operators have configured it at this moment (H2).

A switch, a mapping and a secret, each read when it is needed: whoever changes one of them deploys
nothing, and the next page of a run has it.
"""

from collections.abc import Callable

from mentor_pause.config import PortalSourceSettings, ReadSecret, load_portal
from mentor_pause.errors import ConfigurationError
from mentor_pause.portal import NoPortal, Portal
from mentor_pause.portal.dataverse import Dataverse
from mentor_pause.portal.mapping import Mapping
from mentor_pause.portal.requests import Requests, Timing

type ReadParameter = Callable[[str], str]

ON, OFF = "on", "off"


class PortalSource:
    """Where portals come from."""

    def __init__(
        self,
        names: PortalSourceSettings,
        read_parameter: ReadParameter,
        read_secret: ReadSecret,
    ) -> None:
        """`names` says where switch, mapping and secret are."""
        self._names = names
        self._read_parameter = read_parameter
        self._read_secret = read_secret

    def is_on(self) -> bool:
        """Whether the portal is switched on.

        Raises:
            ConfigurationError: the switch stands on neither, or is not there.
            SettingsUnavailable: it cannot be read now.
        """
        name = self._names.portal_switch
        found = self._read_parameter(name).strip().lower()
        if found not in (ON, OFF):
            raise ConfigurationError(f"the parameter {name} is neither {ON} nor {OFF}")
        return found == ON

    def open(self, remaining: Callable[[], float]) -> Portal:
        """Return the real client, or the one that reaches nobody while the switch is off.

        `remaining` tells the seconds that the client has for everything.

        Raises:
            ConfigurationError: one sentence on what is missing or wrong.
            SettingsUnavailable: something cannot be read now.
        """
        return self.connect(remaining) if self.is_on() else NoPortal()

    def connect(self, remaining: Callable[[], float]) -> Portal:
        """Return the real client, wherever the switch stands.

        Raises:
            ConfigurationError: one sentence on what is missing or wrong.
            SettingsUnavailable: something cannot be read now.
        """
        mapping = Mapping.parse(self._read_parameter(self._names.portal_mapping))
        settings = load_portal(self._names.portal_secret_id, self._read_secret)
        return Dataverse(Requests(settings, Timing(remaining)), mapping)
