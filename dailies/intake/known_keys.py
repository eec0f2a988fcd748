"""What a key may do as it is now, by its id: of the settings, or issued."""

from __future__ import annotations

from dailies.owners.key import Limits
from dailies.services import Services

__all__ = ["limits_of"]


async def limits_of(services: Services, key_id: str) -> Limits | None:
    """The limits of a key, also of one that is revoked; None where there is no such key any more.

    Raises:
        azure.core.exceptions.AzureError: storage does not answer.
    """
    in_settings = (*services.settings.api_keys, *services.settings.admin_keys)
    found = next((key for key in in_settings if key.id == key_id), None)
    known = found or await services.keys.get(key_id)
    return None if known is None else known.limits
