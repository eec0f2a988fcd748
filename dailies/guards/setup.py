"""The guards that the settings name."""

from __future__ import annotations

from typing import Any

from azure.core.credentials_async import AsyncTokenCredential

from dailies.guards.base import Guard
from dailies.guards.content_safety import ContentSafety
from dailies.guards.panel import Guards
from dailies.guards.webhook import WebhookGuard
from dailies.settings import GuardFailure, Settings
from dailies.video.errors import SettingsError
from dailies.video.guarding import GuardRules

__all__ = ["guards_of"]


def guards_of(settings: Settings, credential: AsyncTokenCredential, **options: Any) -> Guards:
    """The guards that are set up; nothing is contacted yet.

    Args:
        options: of the clients of Azure's services.

    Raises:
        SettingsError: the webhook's secret is none.
    """
    guards: list[Guard] = []
    if settings.content_safety_endpoint is not None:
        guards.append(ContentSafety(settings.content_safety_endpoint, credential, **options))
    if settings.guard_webhook_url is not None:
        assert settings.guard_webhook_secret is not None  # noqa: S101 - checked by Settings
        try:
            guards.append(WebhookGuard(settings.guard_webhook_url, settings.guard_webhook_secret))
        except ValueError as error:
            raise SettingsError([f"DAILIES_GUARD_WEBHOOK_SECRET: {error}"]) from None
    return Guards(
        guards,
        GuardRules(
            severities=settings.content_safety_severities,
            blocklists=settings.content_safety_blocklists,
            frames=settings.guard_frames,
        ),
        seconds=settings.guard_seconds,
        fails_open=settings.guard_failure is GuardFailure.OPEN,
    )
