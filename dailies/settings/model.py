"""The settings themselves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from dailies.hosts import NO_HOSTS
from dailies.owners.guard import (
    MOST_FRAMES,
    USUAL_SEVERITIES,
)
from dailies.owners.key import OWNER_NAME
from dailies.settings.values import (
    LOOPBACK,
    MOST_REQUEST_SECONDS,
    REQUEST_SECONDS,
    Blocklists,
    ContentDelivery,
    Endpoint,
    GuardFailure,
    Hosts,
    Keys,
    LogLevel,
    Names,
    OptionalSecret,
    OptionalText,
    OtlpProtocol,
    Severities,
    Telemetry,
    UnresolvedSubmit,
    https_or_loopback,
    is_safe_url,
    is_true,
    upper,
)
from dailies.video.errors import SettingsError

__all__ = ["Settings"]

_ROOT = Path(__file__).resolve().parents[2]


class Settings(BaseModel):
    """The app's settings; the alias of each field is its environment variable.

    Durations are seconds, sizes are bytes.
    """

    model_config = ConfigDict(frozen=True, populate_by_name=True, extra="ignore")

    # -- who may call
    api_keys: Keys = Field(default=(), alias="DAILIES_API_KEYS")
    admin_keys: Keys = Field(default=(), alias="DAILIES_ADMIN_KEYS")
    admin_role: str = Field(default="Dailies.Admin", min_length=1, alias="DAILIES_ADMIN_ROLE")
    platform_authenticates: Annotated[bool, BeforeValidator(is_true)] = Field(
        default=False, alias="WEBSITE_AUTH_ENABLED"
    )

    # -- storage: an identity's endpoints, or (the exception that a user must choose) a string
    storage_connection_string: OptionalSecret = Field(default=None, alias="VideoStorage")
    storage_blob_uri: Endpoint = Field(default=None, alias="VideoStorage__blobServiceUri")
    storage_table_uri: Endpoint = Field(default=None, alias="VideoStorage__tableServiceUri")
    videos_container: str = Field(default="videos", alias="DAILIES_VIDEOS_CONTAINER")
    references_container: str = Field(default="references", alias="DAILIES_REFERENCES_CONTAINER")

    # -- identity
    client_id: OptionalText = Field(default=None, alias="AZURE_CLIENT_ID")

    # -- providers
    catalogue_path: Path = Field(default=_ROOT / "models.yaml", alias="DAILIES_CATALOGUE")
    provider_packages: Names = Field(default=(), alias="DAILIES_PROVIDERS")
    private_hosts: Hosts = Field(default=NO_HOSTS, alias="DAILIES_PRIVATE_HOSTS")
    unresolved_submit: UnresolvedSubmit = Field(
        default=UnresolvedSubmit.RESEND, alias="DAILIES_UNRESOLVED_SUBMIT"
    )
    unresolved_hold_seconds: float = Field(
        default=604_800, ge=0, alias="DAILIES_UNRESOLVED_HOLD_SECONDS"
    )
    callback_wait_seconds: float = Field(
        default=3600, ge=0, le=86_400, alias="DAILIES_CALLBACK_WAIT_SECONDS"
    )
    public_url: Endpoint = Field(default=None, alias="DAILIES_PUBLIC_URL")
    website_hostname: OptionalText = Field(default=None, alias="WEBSITE_HOSTNAME")
    submit_timeout_seconds: float = Field(
        default=90, gt=0, le=230, alias="DAILIES_SUBMIT_TIMEOUT_SECONDS"
    )
    submit_deadline_seconds: float = Field(
        default=86_400, gt=0, alias="DAILIES_SUBMIT_DEADLINE_SECONDS"
    )
    reconcile_pause_seconds: float = Field(
        default=15, gt=0, alias="DAILIES_RECONCILE_PAUSE_SECONDS"
    )
    throttle_wait_seconds: float = Field(default=30, gt=0, alias="DAILIES_THROTTLE_WAIT_SECONDS")
    retry_seconds: float = Field(default=5, gt=0, le=300, alias="DAILIES_RETRY_SECONDS")
    azure_openai_account: OptionalText = Field(
        default=None,
        pattern=r"(?i)^/subscriptions/[^/]{1,64}/resourceGroups/[^/]{1,90}/providers/"
        r"Microsoft\.CognitiveServices/accounts/[^/]{2,64}$",
        alias="DAILIES_AZURE_OPENAI_ACCOUNT",
    )
    azure_management: Annotated[str, BeforeValidator(https_or_loopback)] = Field(
        default="https://management.azure.com", alias="DAILIES_AZURE_MANAGEMENT"
    )
    breaker_faults: int = Field(default=5, ge=2, le=50, alias="DAILIES_BREAKER_FAULTS")
    breaker_window_seconds: float = Field(
        default=900, gt=0, le=86_400, alias="DAILIES_BREAKER_WINDOW_SECONDS"
    )
    breaker_pause_seconds: float = Field(
        default=30, gt=0, le=3600, alias="DAILIES_BREAKER_PAUSE_SECONDS"
    )
    delete_upstream: bool = Field(default=False, alias="DAILIES_DELETE_UPSTREAM")

    # -- events
    topic_endpoint: Endpoint = Field(default=None, alias="DAILIES_EVENT_TOPIC_ENDPOINT")
    topic_key: OptionalSecret = Field(default=None, alias="DAILIES_EVENT_TOPIC_KEY")
    webhook_hosts: Hosts = Field(default=NO_HOSTS, alias="DAILIES_WEBHOOK_HOSTS")
    event_source: str = Field(default="/dailies", min_length=1, alias="DAILIES_EVENT_SOURCE")

    # -- the HTTP surface
    content_delivery: ContentDelivery = Field(
        default=ContentDelivery.REDIRECT, alias="DAILIES_CONTENT_DELIVERY"
    )
    content_link_seconds: int = Field(
        default=600, ge=60, le=86_400, alias="DAILIES_CONTENT_LINK_SECONDS"
    )
    request_seconds: float = Field(
        default=REQUEST_SECONDS,
        gt=0,
        le=MOST_REQUEST_SECONDS,
        alias="DAILIES_REQUEST_SECONDS",
    )
    max_reference_bytes: int = Field(
        default=20 * 1024**2, ge=1024, le=100 * 1024**2, alias="DAILIES_MAX_REFERENCE_BYTES"
    )
    max_reference_video_bytes: int = Field(
        default=90 * 1024**2,
        ge=1024,
        le=1024**3,
        alias="DAILIES_MAX_REFERENCE_VIDEO_BYTES",
    )
    max_reference_pixels: int = Field(
        default=51_000_000, ge=10_000, le=500_000_000, alias="DAILIES_MAX_REFERENCE_PIXELS"
    )

    max_unfinished: int = Field(default=2000, ge=0, alias="DAILIES_MAX_UNFINISHED")
    max_streams: int = Field(default=500, ge=0, alias="DAILIES_MAX_STREAMS")

    # -- guards
    content_safety_endpoint: Endpoint = Field(default=None, alias="DAILIES_CONTENT_SAFETY_ENDPOINT")
    content_safety_severities: Severities = Field(
        default=dict(USUAL_SEVERITIES), alias="DAILIES_CONTENT_SAFETY_SEVERITIES"
    )
    content_safety_blocklists: Blocklists = Field(
        default=(), alias="DAILIES_CONTENT_SAFETY_BLOCKLISTS"
    )
    guard_webhook_url: OptionalText = Field(default=None, alias="DAILIES_GUARD_WEBHOOK_URL")
    guard_webhook_secret: OptionalSecret = Field(default=None, alias="DAILIES_GUARD_WEBHOOK_SECRET")
    guard_seconds: float = Field(default=10, gt=0, le=60, alias="DAILIES_GUARD_SECONDS")
    guard_failure: GuardFailure = Field(default=GuardFailure.CLOSED, alias="DAILIES_GUARD_FAILURE")
    guard_frames: int = Field(default=0, ge=0, le=MOST_FRAMES, alias="DAILIES_GUARD_FRAMES")

    # -- dropped images
    drop_owner: str = Field(default="drops", pattern=rf"^{OWNER_NAME}$", alias="DAILIES_DROP_OWNER")
    sidecar_wait_seconds: float = Field(
        default=60, ge=0, le=600, alias="DAILIES_SIDECAR_WAIT_SECONDS"
    )

    # -- waiting
    poll_min_seconds: float = Field(default=1, gt=0, le=60, alias="DAILIES_POLL_MIN_SECONDS")
    poll_max_seconds: float = Field(default=30, gt=0, le=600, alias="DAILIES_POLL_MAX_SECONDS")
    typical_render_scale: float = Field(default=1, gt=0, alias="DAILIES_TYPICAL_RENDER_SCALE")
    video_deadline_seconds: float = Field(
        default=3600, gt=0, le=86_400, alias="DAILIES_VIDEO_DEADLINE_SECONDS"
    )
    quota_window_seconds: float = Field(
        default=60, gt=0, le=3600, alias="DAILIES_QUOTA_WINDOW_SECONDS"
    )
    enforce_quota: bool = Field(default=True, alias="DAILIES_ENFORCE_QUOTA")

    # -- housekeeping
    retention_days: float | None = Field(default=None, gt=0, alias="DAILIES_RETENTION_DAYS")
    history_days: float = Field(default=7, gt=0, alias="DAILIES_HISTORY_DAYS")
    sweep_schedule: str = Field(default="0 */5 * * * *", alias="DAILIES_SWEEP_SCHEDULE")
    sweep_grace_seconds: float = Field(default=60, ge=0, alias="DAILIES_SWEEP_GRACE_SECONDS")

    # -- telemetry
    log_level: Annotated[LogLevel, BeforeValidator(upper)] = Field(
        default=LogLevel.INFO, alias="DAILIES_LOG_LEVEL"
    )
    telemetry: Telemetry = Field(default=Telemetry.EXPORT, alias="DAILIES_TELEMETRY")
    trace_ratio: float = Field(default=1, ge=0, le=1, alias="DAILIES_TRACE_RATIO")
    applicationinsights: OptionalSecret = Field(
        default=None, alias="APPLICATIONINSIGHTS_CONNECTION_STRING"
    )
    otlp_endpoint: Endpoint = Field(default=None, alias="OTEL_EXPORTER_OTLP_ENDPOINT")
    otlp_traces_endpoint: Endpoint = Field(default=None, alias="OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    otlp_metrics_endpoint: Endpoint = Field(
        default=None, alias="OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"
    )
    otlp_headers: OptionalSecret = Field(default=None, alias="OTEL_EXPORTER_OTLP_HEADERS")
    otlp_protocol: OtlpProtocol | None = Field(default=None, alias="OTEL_EXPORTER_OTLP_PROTOCOL")
    otlp_traces_protocol: OtlpProtocol | None = Field(
        default=None, alias="OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
    )
    otlp_metrics_protocol: OtlpProtocol | None = Field(
        default=None, alias="OTEL_EXPORTER_OTLP_METRICS_PROTOCOL"
    )
    telemetry_prompts: bool = Field(default=False, alias="DAILIES_TELEMETRY_PROMPTS")
    helicone_key: OptionalSecret = Field(default=None, alias="DAILIES_HELICONE_API_KEY")
    helicone_endpoint: Annotated[str, BeforeValidator(https_or_loopback)] = Field(
        default="https://api.worker.helicone.ai/custom/v1/log", alias="DAILIES_HELICONE_ENDPOINT"
    )
    log_webhook_url: OptionalText = Field(default=None, alias="DAILIES_LOG_WEBHOOK_URL")
    log_webhook_secret: OptionalSecret = Field(default=None, alias="DAILIES_LOG_WEBHOOK_SECRET")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.storage_connection_string is None and not (
            self.storage_blob_uri and self.storage_table_uri
        ):
            raise ValueError(
                "VideoStorage: set VideoStorage__blobServiceUri and VideoStorage__tableServiceUri "
                "(managed identity), or VideoStorage to a connection string"
            )
        if self.poll_min_seconds > self.poll_max_seconds:
            raise ValueError("DAILIES_POLL_MIN_SECONDS: must not be above DAILIES_POLL_MAX_SECONDS")
        self._check_webhook("GUARD", self.guard_webhook_url, self.guard_webhook_secret)
        self._check_webhook("LOG", self.log_webhook_url, self.log_webhook_secret)
        return self

    def _check_webhook(self, kind: str, url: str | None, secret: SecretStr | None) -> None:
        if url is None:
            return
        if not is_safe_url(url, self.private_hosts):
            raise ValueError(
                f"DAILIES_{kind}_WEBHOOK_URL: expected an https:// URL (http:// only towards a "
                "host of DAILIES_PRIVATE_HOSTS), since prompts go there"
            )
        if secret is None:
            raise ValueError(
                f"DAILIES_{kind}_WEBHOOK_SECRET: the webhook is called with a signature; set it to "
                "'whsec_' and 24 to 64 random bytes in base64"
            )

    def weight_of(self, owner: str) -> float:
        """An owner's share where videos wait: the highest that one of its keys gives it, else 1."""
        keys = (*self.api_keys, *self.admin_keys)
        return max((key.limits.weight or 1 for key in keys if key.owner == owner), default=1)

    @property
    def callback_base(self) -> str | None:
        """The address below which providers may call the app; None where they can't reach it.

        Azure tells the app its own name; Core Tools tells ``localhost``, which reaches nobody.
        """
        if self.public_url is not None:
            return self.public_url
        name = self.website_hostname
        is_local = name is None or name.partition(":")[0] in LOOPBACK
        return None if is_local else f"https://{name}"

    @property
    def otlp_traces_url(self) -> str | None:
        """Where OTLP traces go: the address for them alone as it is, else below the common one."""
        return self.otlp_traces_endpoint or _below(self.otlp_endpoint, "/v1/traces")

    @property
    def otlp_metrics_url(self) -> str | None:
        """Where OTLP metrics go; as with traces."""
        return self.otlp_metrics_endpoint or _below(self.otlp_endpoint, "/v1/metrics")

    @property
    def exports_telemetry(self) -> bool:
        """Whether traces or metrics go anywhere."""
        if self.telemetry is Telemetry.OFF:
            return False
        return (
            self.telemetry is Telemetry.CONSOLE
            or self.applicationinsights is not None
            or self.otlp_traces_url is not None
            or self.otlp_metrics_url is not None
            or self.helicone_key is not None
            or self.log_webhook_url is not None
        )

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> Settings:
        """Read and check the settings.

        Raises:
            SettingsError: with one line for every variable that is wrong.
        """
        try:
            return cls.model_validate(dict(environ))
        except ValidationError as error:
            raise SettingsError([_describe(detail) for detail in error.errors()]) from None

    @classmethod
    def environment_names(cls) -> frozenset[str]:
        """The names of all environment variables that the app reads through this class."""
        return frozenset(str(field.alias) for field in cls.model_fields.values())


def _below(base: str | None, path: str) -> str | None:
    return None if base is None else base + path


def _describe(detail: Any) -> str:
    message = str(detail["msg"]).removeprefix("Value error, ")
    where = ".".join(str(part) for part in detail["loc"])
    return f"{where}: {message}" if where else message
