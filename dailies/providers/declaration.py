"""What a provider's module declares about it, under the name ``PROVIDER``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from dailies.catalogue.deployment import Deployment
from dailies.catalogue.limits import FIELDS, Limit, Part
from dailies.catalogue.rules import Credential, FieldProblem
from dailies.providers.azure_auth import TokenCredential
from dailies.providers.base import CallsBack, FindsJobs, VideoProvider
from dailies.providers.classify import Answer, CallContext
from dailies.providers.wire import Wire
from dailies.video.basics import Size

__all__ = ["CallerOptions", "Help", "Options", "Provider", "Recovery"]


class Recovery(StrEnum):
    """How an unknown outcome of a create can be cleared up; the strongest first."""

    KEYED = "keyed"
    """The same request may be sent again: it makes no second job."""
    LISTED = "listed"
    """Its jobs can be listed: the adapter is a ``FindsJobs``."""
    CALLED_BACK = "called-back"
    """It calls an address that is the video's own."""
    WHEN_COMPLETED = "when-completed"
    """What a finished job leaves behind can be found."""
    NONE = "none"
    """Nothing can tell."""


class Options(BaseModel):
    """A deployment's own ``options`` in the catalogue: none, unless a provider declares a model
    that derives from this one."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @property
    def download_hosts(self) -> tuple[str, ...]:
        """From where this deployment's files may be fetched, beside its provider's ``hosts``."""
        return ()


@dataclass(frozen=True, slots=True)
class Help:
    """What an operator can do about an outcome of this provider, in place of the general remedy.

    Attributes:
        code: of the outcome.
        remedy: for the log; may hold ``{endpoint}`` and ``{deployment}``.
        credential: the way to sign in that it is for; None for any.
    """

    code: str
    remedy: str
    credential: Credential | None = None


@dataclass(frozen=True, slots=True)
class CallerOptions:
    """Which of a caller's ``provider_options`` a deployment takes; the others are refused at once.

    Attributes:
        only: those that it takes; None for all that are not its ``own``.
        own: what the request's own fields say, or the deployment, or we: length and size are what
            was paid for, and nobody else's address is called.
    """

    only: Collection[str] | None = None
    own: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider, as its module declares it.

    Attributes:
        id: the ``provider`` of the catalogue; the module has the same name, with underscores.
        adapter: the class that speaks to one deployment; it gets a ``Wire`` that is ready.
        recovery: how an unknown outcome can be cleared up. ``when-completed`` is treated as
            ``none``: the video is left to an operator.
        options: what a deployment's ``options`` may hold.
        sends: what its adapter has words for, by a deployment's options where need be; a row that
            promises more is refused. None: ``check`` knows.
        prompt_units: how many UTF-16 units a prompt may have, by the options, where it counts so.
        limits: what its models can't do together with what, whichever they are; gets a deployment
            and its options.
        says_size: puts a size into the provider's words; raises ``ValueError`` where it has none.
        check: what else is wrong with a deployment that is in use, by its options.
        key_auth: how a key is sent; None when it takes none.
        bearer_auth: how one is sent with the credential ``bearer``, where a deployment may choose.
        open_access: a deployment may need no credential.
        hosts: from where its files may be fetched, beside the endpoint's own host; a name that
            begins with a dot stands for all names below it.
        token_scope: for which scope the app's identity gets a token; None when it takes none.
        auth: how one signs in with the app's identity where that takes more than a token of its
            own; gets the deployment's options, and what gives the identity.
        ways: the credentials that go with a deployment's options; None: all that there are.
        kept_seconds: how long it keeps jobs and their files; None when it doesn't say.
        jobs_api: its videos can be asked for as jobs of the Sora 1 API.
        takes_safety_identifier: its adapter sends ``Submission.safety_identifier`` on, by the
            deployment's options. None: it never does.
        takes_options: its adapter sends ``Submission.options`` on.
        caller_options: those that it may get there, by the deployment's options where need be.
        answers: rows that are asked before the general ones, see ``dailies.providers.classify``.
        helps: remedies in place of the general ones.
    """

    id: str
    adapter: Callable[[Wire], VideoProvider]
    recovery: Recovery
    options: type[Options] = Options
    sends: Collection[Part] | Callable[[Any], Collection[Part]] | None = None
    prompt_units: Callable[[Any], int] | None = None
    limits: Callable[[Deployment, Any], Iterable[Limit]] | None = None
    says_size: Callable[[Size], object] | None = None
    check: Callable[[Deployment, Any], Iterable[FieldProblem]] | None = None
    key_auth: Callable[[SecretStr], httpx.Auth] | None = None
    bearer_auth: Callable[[SecretStr], httpx.Auth] | None = None
    open_access: bool = False
    hosts: tuple[str, ...] = ()
    token_scope: str | None = None
    auth: Callable[[Any, Callable[[], TokenCredential]], httpx.Auth] | None = None
    ways: Callable[[Any], Collection[Credential]] | None = None
    kept_seconds: float | None = None
    jobs_api: bool = False
    takes_safety_identifier: Callable[[Any], bool] | None = None
    takes_options: bool = True
    caller_options: CallerOptions | Callable[[Any], CallerOptions] = CallerOptions()
    answers: tuple[Answer, ...] = ()
    helps: tuple[Help, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Whether the adapter can do what the recovery grade promises."""
        lists = isinstance(self.adapter, type) and issubclass(self.adapter, FindsJobs)
        if self.recovery is Recovery.CALLED_BACK and not self.calls_back:
            return False
        # Where the same request may be sent again, nobody needs a list that there may be.
        return self.recovery is Recovery.KEYED or lists == (self.recovery is Recovery.LISTED)

    @property
    def calls_back(self) -> bool:
        """Whether it calls an address of ours when something has become of a job."""
        return isinstance(self.adapter, type) and issubclass(self.adapter, CallsBack)

    def complete(self, deployment: Deployment) -> Deployment:
        """The deployment with what this provider's are, where its entry does not say it."""
        try:
            options: Options | None = self.options_of(deployment)
        except ValidationError:  # which ``problems`` tells
            options = None
        rule = self._caller_options(options)
        own = {
            "kept_seconds": self.kept_seconds,
            "jobs_api": self.jobs_api,
            "takes_options": self.takes_options,
            "only_options": None if rule.only is None else tuple(sorted(rule.only)),
            "own_options": tuple(sorted(rule.own)),
        }
        if self.prompt_units is not None and options is not None:
            own["max_prompt_units"] = self.prompt_units(options)
        tells, said = self.takes_safety_identifier, deployment.model_fields_set
        update: dict[str, Any] = {name: value for name, value in own.items() if name not in said}
        # No entry can promise what there are no words for.
        told = tells is not None and options is not None and tells(options)
        update["takes_safety_identifier"] = told
        if self.limits is not None and options is not None:
            asked = {*deployment.promises, *([Part.OPTIONS] if deployment.takes_options else [])}
            ours = (limit for limit in self.limits(deployment, options) if limit.when in asked)
            update["limits"] = (*deployment.limits, *ours)
        return deployment.model_copy(update=update)

    def problems(self, deployment: Deployment) -> Iterator[FieldProblem]:
        """What is wrong with, or missing from, a deployment of this provider."""
        takes = [
            way
            for way, taken in (
                (Credential.ENTRA, self.token_scope is not None or self.auth is not None),
                (Credential.API_KEY, self.key_auth is not None),
                (Credential.BEARER, self.bearer_auth is not None),
                (Credential.NONE, self.open_access),
            )
            if taken
        ]
        if takes and deployment.credential not in takes:
            yield FieldProblem(
                "credential", f"provider '{self.id}' takes {' or '.join(takes)}; say so"
            )
        try:
            options = self.options_of(deployment)
        except ValidationError as error:
            for detail in error.errors():
                path = ".".join(("options", *map(str, detail["loc"])))
                message = str(detail["msg"]).removeprefix("Value error, ")
                yield FieldProblem(path, message, is_unset=detail["type"] == "missing")
            return
        fitting = takes if self.ways is None else self.ways(options)
        if deployment.credential in takes and deployment.credential not in fitting:
            yield FieldProblem(
                "credential", f"with these options it takes {' or '.join(fitting)}; say so"
            )
        yield from self._unsent(deployment, options)
        yield from self._unsayable(deployment)
        if self.check is not None and not deployment.unset:
            yield from self.check(deployment, options)

    def _caller_options(self, options: Options | None) -> CallerOptions:
        if isinstance(self.caller_options, CallerOptions):
            return self.caller_options
        return CallerOptions() if options is None else self.caller_options(options)

    def _unsent(self, deployment: Deployment, options: Options) -> Iterator[FieldProblem]:
        sends = self.sends(options) if callable(self.sends) else self.sends
        for part in sorted(deployment.promises - {*sends}) if sends is not None else ():
            yield FieldProblem(
                FIELDS[part],
                f"'{self.id}' has no words for {part.words} there, which would be left out; take "
                "the promise back",
            )

    def _unsayable(self, deployment: Deployment) -> Iterator[FieldProblem]:
        says_size = self.says_size or str
        for size in deployment.sizes:
            try:
                says_size(size)
            except ValueError as error:
                yield FieldProblem("sizes", f"{error} that '{self.id}' knows; name another")
                return

    def options_of(self, deployment: Deployment) -> Options:
        """The deployment's options; an empty text is one that is not set.

        Raises:
            ValidationError: they are not what the provider takes.
        """
        given = {name: value for name, value in deployment.options.items() if value != ""}
        return self.options.model_validate(given)

    def context(self, deployment: Deployment) -> CallContext:
        """What messages tell about calls to the deployment."""
        return CallContext(
            endpoint=urlsplit(deployment.endpoint or "").netloc,
            deployment=deployment.deployment,
            answers=self.answers,
            remedies={
                help_.code: help_.remedy
                for help_ in self.helps
                if help_.credential in (None, deployment.credential)
            },
            kept_seconds=deployment.kept_seconds,
            name=deployment.name,
        )
