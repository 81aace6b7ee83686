"""All settings, and the only place that reads the environment."""

from mentor_pause.config.databases import (
    API_ROLE,
    NOTIFIER_ROLE,
    PORTAL_ROLE,
    PooledDatabase,
    RestDatabase,
    load_api_database,
    load_database,
    load_notifier_database,
    load_portal_database,
)
from mentor_pause.config.secrets import (
    ReadSecret,
    load_http_secrets,
    load_portal,
    short_name,
)
from mentor_pause.config.settings import (
    BusSettings,
    HttpSecrets,
    HttpSettings,
    LedgerSettings,
    NotifierSettings,
    OrgSettings,
    PortalSettings,
    PortalSourceSettings,
    QueueSettings,
    Settings,
    WorkerSettings,
)

__all__ = [
    "API_ROLE",
    "NOTIFIER_ROLE",
    "PORTAL_ROLE",
    "BusSettings",
    "HttpSecrets",
    "HttpSettings",
    "LedgerSettings",
    "NotifierSettings",
    "OrgSettings",
    "PooledDatabase",
    "PortalSettings",
    "PortalSourceSettings",
    "QueueSettings",
    "ReadSecret",
    "RestDatabase",
    "Settings",
    "WorkerSettings",
    "load_api_database",
    "load_database",
    "load_http_secrets",
    "load_notifier_database",
    "load_portal",
    "load_portal_database",
    "short_name",
]
