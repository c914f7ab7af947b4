"""Owns every setting: environment only, MILEPOST_ + name. Each default is written here, once.

The README's table of settings is held to this module by a test.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from milepost.errors import ConfigurationError
from milepost.origins import normal_origin

KNOWN_SECRETS = frozenset({"secret", "changeme", "change-me", "milepost", "development"})
MIN_SECRET_CHARS = 32


class Settings(BaseSettings):
    """What a Milepost process is told by its environment."""

    model_config = SettingsConfigDict(env_prefix="MILEPOST_", frozen=True, extra="ignore")

    redis_url: str = Field(
        "redis://127.0.0.1:6379/0",
        description="The log: redis, rediss, redis+cluster or rediss+cluster",
    )
    namespace: str = Field(
        "mp", pattern=r"^[A-Za-z0-9_.-]{1,32}$", description="Prefix of every key in Redis"
    )
    partitions: int = Field(
        16, ge=1, le=1024, description="Fixed when a deployment is made (`up` chooses 1)"
    )
    database_url: str = Field(
        "sqlite+aiosqlite:///milepost.db", description="Read models and accounts, SQLAlchemy URL"
    )
    secret: str = Field(
        "", description="Signs sessions and HS256 tokens; several, comma-separated: the first signs"
    )
    jwks_url: str | None = Field(
        None, pattern=r"^(https?://\S+)?$", description="Public keys for RS256, ES256, EdDSA tokens"
    )
    jwt_issuer: str | None = Field(None, description="`iss` that foreign tokens must have")
    jwt_audience: str = Field("milepost", description="`aud` that tokens must have")
    session_seconds: int = Field(
        30 * 24 * 3600, ge=60, description="How long after signing in one has to sign in again"
    )
    session_idle_seconds: int = Field(
        7 * 24 * 3600, ge=60, description="How long a session lives that is not used"
    )
    public_url: str | None = Field(
        None, description="Address people use, such as https://tasks.example; null: as requested"
    )
    submit_url: str = Field(
        "http://127.0.0.1:8000", description="Where other services reach submit"
    )
    notify_url: str = Field(
        "http://127.0.0.1:8000", description="Where other services reach notify"
    )
    url: str | None = Field(
        None, description="Where the terminal client reaches Milepost; null: the last login's"
    )
    token: str | None = Field(
        None, description="The terminal client's token; null: that which `milepost login` has made"
    )
    host: str = Field("127.0.0.1", description="Address an HTTP service listens on")
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Origins, comma-separated, whose pages may call; `*`: all, without cookies",
    )
    trusted_proxies: str = Field(
        "", description="Addresses, comma-separated, whose X-Forwarded-* are believed"
    )
    signup: Literal["open", "closed"] = Field(
        "closed", description="Whether people may make accounts (`up` chooses open)"
    )
    smtp_url: str = Field(
        "smtp://127.0.0.1:1025",
        pattern=r"^(smtp|smtp\+starttls|smtps)://[^/\s]+",
        description="smtp, smtp+starttls or smtps, with user and password",
    )
    mail_from: str = Field("milepost@localhost", description="Sender of mail.send")
    tasks: str = Field("", description="Modules, comma-separated, with your @task functions")
    middleware: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Your dramatiq middleware in workers, module:Class, comma-separated"
    )
    public_types: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Task types people may submit though they are private (`up`: mail.send)",
    )
    build: str = Field(
        "",
        pattern=r"^[A-Za-z0-9._+-]{0,64}$",
        description="Build of a worker's code, for operators; empty: Milepost's version",
    )
    queues: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Queues a worker serves, comma-separated; empty: those of its task types"
    )
    durability: Literal["fsync", "memory"] = Field(
        "fsync", description="`fsync`: no accepted task is lost with Redis; `memory`: some may be"
    )
    lease_seconds: float = Field(
        30.0, ge=1, le=3600, description="A worker unheard of for so long is taken for dead"
    )
    grace_seconds: float = Field(
        20.0, ge=0, le=3600, description="What ends within it after SIGTERM is not handed back"
    )
    log_keep: float = Field(
        3600.0,
        ge=0,
        description="Seconds of events kept behind all readers; a quarter of maxmemory at most",
    )
    history_days: float = Field(
        90.0, gt=0, description="How long ended tasks are kept in SQL, with their history"
    )
    demo: bool = Field(False, description="Lets demo.steps kill its worker (`up` chooses 1)")
    log_format: Literal["text", "json"] = Field("text", description="Form of log lines")
    metrics_port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="Where workers and projectors serve metrics and probes; null: nowhere",
    )
    otlp_endpoint: str | None = Field(
        None, description="OpenTelemetry collector that traces go to, OTLP over HTTP; null: none"
    )

    max_body_bytes: int = Field(1024 * 1024, ge=1024, description="Request body")
    max_batch_bytes: int = Field(8 * 1024 * 1024, ge=1024, description="Body of a batch")
    max_bodies_bytes: int = Field(
        256 * 1024 * 1024, ge=1024, description="Bodies of all requests under way in a process"
    )
    max_params_bytes: int = Field(512 * 1024, ge=16, description="A task's params as JSON")
    max_json_depth: int = Field(
        32, ge=4, le=32, description="Arrays and objects inside each other in a body"
    )
    max_title_chars: int = Field(200, ge=1, le=200, description="A task's title")
    max_tags: int = Field(10, ge=0, le=10, description="Tags of a task")
    max_tag_chars: int = Field(64, ge=1, le=64, description="A tag")
    max_batch_tasks: int = Field(1000, ge=1, le=1000, description="Tasks of a batch")
    max_live_tasks: int = Field(1000, ge=1, description="Tasks of one owner not yet ended")
    max_result_bytes: int = Field(64 * 1024, ge=16, description="A task's result as JSON")
    max_log_lines: int = Field(1000, ge=0, description="Log lines of one task")
    max_waiting: int = Field(10, ge=1, description="Long polls and streams of one owner")
    max_connections: int = Field(
        16_384, ge=1, description="Open connections of a process, as far as it may open files"
    )
    max_url_bytes: int = Field(8 * 1024, ge=256, description="A request's address")
    max_header_bytes: int = Field(32 * 1024, ge=1024, description="A request's headers")
    head_seconds: float = Field(10.0, gt=0, description="For a request's address and headers")
    body_seconds: float = Field(
        30.0, gt=0, description="For a request's body, and a second more for every 16 KiB"
    )
    stall_seconds: float = Field(
        30.0, gt=0, description="A client that takes nothing of its answer for so long is dropped"
    )
    max_requests_per_second: float | None = Field(
        None,
        gt=0,
        description="Requests a second of an owner, or an address without credentials; null: any",
    )

    @field_validator("cors_origins", "middleware", "public_types", "queues", mode="before")
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "*" in value and len(value) > 1:
            raise ValueError("`*` stands alone")
        return tuple(each if each == "*" else normal_origin(each) for each in value)

    @classmethod
    def load(cls, **overrides: object) -> Self:
        """Read the environment; `overrides` win.

        Raises:
            ConfigurationError: a variable has no usable value; one line that names it.
        """
        try:
            return cls(**overrides)  # pyright: ignore[reportArgumentType]  # checked by pydantic
        except ValidationError as err:
            first = err.errors(include_url=False, include_input=False)[0]
            name = "MILEPOST_" + "_".join(str(part) for part in first["loc"][:1]).upper()
            raise ConfigurationError(f"{name}: {first['msg']}") from err

    @property
    def secrets(self) -> tuple[str, ...]:
        """All signing secrets; the first signs, every one verifies."""
        return tuple(part.strip() for part in self.secret.split(",") if part.strip())

    def require_secret(self) -> None:
        """Refuse to serve people with a secret that anybody could guess.

        Raises:
            ConfigurationError: it is missing, shorter than 32 characters, or a known default.
        """
        if not self.secrets:
            raise ConfigurationError(
                "MILEPOST_SECRET is not set: `./milepost init` writes one to .env"
            )
        for secret in self.secrets:
            if len(secret) < MIN_SECRET_CHARS or secret.lower() in KNOWN_SECRETS:
                raise ConfigurationError(
                    f"MILEPOST_SECRET is shorter than {MIN_SECRET_CHARS} characters or a known "
                    "default: `./milepost init` writes a good one to .env"
                )
