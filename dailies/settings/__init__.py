"""Every setting of the app, in one typed place.

Names are those of the environment (Azure Functions application settings are environment
variables). ``Settings.load`` reads and checks them all and raises one ``SettingsError`` that names
every variable that is wrong and says what it should hold.
"""

from dailies.settings.model import Settings
from dailies.settings.values import (
    REQUEST_SECONDS,
    ContentDelivery,
    GuardFailure,
    OptionalSecret,
    OtlpProtocol,
    Telemetry,
    UnresolvedSubmit,
    is_safe_url,
)

__all__ = [
    "REQUEST_SECONDS",
    "ContentDelivery",
    "GuardFailure",
    "OptionalSecret",
    "OtlpProtocol",
    "Settings",
    "Telemetry",
    "UnresolvedSubmit",
    "is_safe_url",
]
