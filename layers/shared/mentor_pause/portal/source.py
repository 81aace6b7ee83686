"""Opens the portal as operators have configured it at this moment (H2).

The switch, the mapping and the secret are read for each page of a run. An operator can change them
without a deployment, and the change takes effect with the next page. The token of a login is kept
for the next page with the same secret (docs/decisions/0040).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from mentor_pause.config import PortalSourceSettings, ReadSecret, load_portal
from mentor_pause.errors import ConfigurationError
from mentor_pause.portal import NoPortal, Portal
from mentor_pause.portal.dataverse import Dataverse
from mentor_pause.portal.login import KeptToken
from mentor_pause.portal.mapping import Mapping
from mentor_pause.portal.requests import Gate, Requests, Timing

type ReadParameter = Callable[[str], str]

ON, OFF = "on", "off"


@dataclass(frozen=True, slots=True)
class PortalSource:
    """Opens the portal."""

    names: PortalSourceSettings
    """The names of the parameters and of the secret."""
    read_parameter: ReadParameter
    read_secret: ReadSecret
    gate: Gate | None = None
    """The gate of the workers; None: this function waits for nobody else."""
    kept: KeptToken = field(default_factory=KeptToken)

    def is_on(self) -> bool:
        """Whether the portal is switched on.

        Raises:
            ConfigurationError: the switch is neither on nor off, or it does not exist.
            SettingsUnavailable: it cannot be read now.
        """
        name = self.names.portal_switch
        value = self.read_parameter(name).strip().lower()
        if value not in (ON, OFF):
            raise ConfigurationError(f"the parameter {name} is neither {ON} nor {OFF}")
        return value == ON

    def open(self, remaining: Callable[[], float]) -> Portal:
        """Return the real client, or `NoPortal` while the switch is off.

        `remaining` returns the seconds that the client may still use.

        Raises:
            ConfigurationError: one sentence names the setting that is missing or wrong.
            SettingsUnavailable: something cannot be read now.
        """
        return self.connect(remaining) if self.is_on() else NoPortal()

    def connect(self, remaining: Callable[[], float]) -> Portal:
        """Return the real client, even while the switch is off.

        Raises:
            ConfigurationError: one sentence names the setting that is missing or wrong.
            SettingsUnavailable: something cannot be read now.
        """
        mapping = Mapping.parse(self.read_parameter(self.names.portal_mapping))
        settings = load_portal(self.names.portal_secret_id, self.read_secret)
        token = self.kept.of(settings)
        return Dataverse(
            Requests(settings, Timing(remaining), token=token, gate=self.gate), mapping
        )
