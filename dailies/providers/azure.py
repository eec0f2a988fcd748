"""What all providers on Azure OpenAI have in common: how one signs in, and what its errors mean.

Source: Microsoft's Sora quickstart and the recorded errors of Azure's v1 videos API.
"""

from __future__ import annotations

from collections.abc import Callable

from dailies.catalogue import Credential
from dailies.catalogue.limits import Part
from dailies.providers.azure_auth import SCOPE
from dailies.providers.base import VideoProvider
from dailies.providers.classify import ANY, SHUT_OUT, Answer
from dailies.providers.declaration import Help, Provider, Recovery
from dailies.providers.key_auth import ApiKeyAuth
from dailies.providers.outcomes import Kind
from dailies.providers.wire import Wire

__all__ = ["azure_provider", "resource_url"]

_FIREWALL = r"firewall|virtual network|public access is disabled|private endpoint"
_LACKS_ROLE = r"PermissionDenied|lacks the required data action|required permission"
_NO_KEYS = r"AuthenticationTypeDisabled|key.based authentication is disabled"

_ROLE = (
    "Give the app's managed identity the role 'Cognitive Services OpenAI User' on the Azure OpenAI "
    "resource at {endpoint} (Access control (IAM) > Add role assignment; it takes some minutes)."
)

# fmt: off
_ANSWERS = (
    Answer(ANY, {401, 403}, _NO_KEYS, Kind.UNAUTHORISED, "key_disabled", SHUT_OUT,
           remedy="The resource at {endpoint} does not take API keys. Set AZURE_OPENAI_CREDENTIAL "
           "to 'entra', so that the managed identity is used."),
    Answer(ANY, {401, 403}, _FIREWALL, Kind.UNAUTHORISED, "network_blocked", SHUT_OUT,
           remedy="The network rules of the resource at {endpoint} keep the app out. Allow the "
           "app's network or private endpoint under Networking of the Azure OpenAI resource."),
    Answer(ANY, {401, 403}, _LACKS_ROLE, Kind.UNAUTHORISED, "missing_role", SHUT_OUT,
           remedy="The app's identity may not use deployment '{deployment}'. " + _ROLE),
    Answer(ANY, {403}, None, Kind.UNAUTHORISED, "missing_role", SHUT_OUT,
           remedy="The provider at {endpoint} denied access. " + _ROLE),
)
_HELPS = (
    Help("invalid_credential", credential=Credential.API_KEY,
         remedy="The provider at {endpoint} refused the credential. Check that "
         "AZURE_OPENAI_API_KEY is a key of this resource."),
    Help("invalid_credential", credential=Credential.ENTRA,
         remedy="The provider at {endpoint} refused the credential. Check that the managed "
         "identity is assigned to the app (AZURE_CLIENT_ID for a user-assigned one) and is of the "
         "resource's tenant; on your own machine, run 'az login'."),
    Help("rate_limit",
         remedy="If this lasts, ask for more quota of deployment '{deployment}' in the Azure "
         "portal (a quota increase)."),
    Help("deployment_not_found",
         remedy="There is no deployment '{deployment}' at {endpoint}. Check AZURE_OPENAI_ENDPOINT "
         "and the deployment's name in the catalogue; a new deployment takes about five minutes."),
)
# fmt: on


def azure_provider(
    provider_id: str, adapter: Callable[[Wire], VideoProvider], *, jobs_api: bool = False
) -> Provider:
    """The declaration of a provider on Azure OpenAI, which lists jobs and keeps them for a day."""
    return Provider(
        id=provider_id,
        adapter=adapter,
        recovery=Recovery.LISTED,
        sends=(Part.FIRST_FRAME,),
        key_auth=ApiKeyAuth,
        token_scope=SCOPE,
        kept_seconds=86_400,
        jobs_api=jobs_api,
        takes_options=False,  # neither API has any beyond what callers say anyway
        answers=_ANSWERS,
        helps=_HELPS,
    )


def resource_url(endpoint: str) -> str:
    """The resource's address; people also paste it with the path of the API."""
    base = endpoint.rstrip("/")
    for tail in ("/openai/v1", "/openai"):
        base = base.removesuffix(tail)
    return base
