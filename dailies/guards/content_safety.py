"""Azure AI Content Safety: how severe a text or a picture is in four kinds of harm, and whether a
text holds what stands in a list.

Limits and answers are those of the API version of the SDK, 2023-10-01 (learn.microsoft.com,
"Azure AI Content Safety"): 10,000 characters a text; pictures of 50 to 2048 pixels and 4 MB.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError

from dailies.guards.base import Passed, Refused, Shown, Subject, Unsaid, Verdict
from dailies.video.guarding import GuardName, GuardRules, Harm

if TYPE_CHECKING:
    from azure.ai.contentsafety.aio import ContentSafetyClient

__all__ = ["ContentSafety", "pieces"]

BLOCKLIST = "blocklist"
"""The category of what stands in a list; which list it was is not for its sender."""

_LONGEST_TEXT = 10_000
_OVERLAP = 200
"""Characters that two pieces share, so that what is torn in two is still read whole once."""

_HARMS = {"Hate": Harm.HATE, "SelfHarm": Harm.SELF_HARM, "Sexual": Harm.SEXUAL}
_HARMS["Violence"] = Harm.VIOLENCE
_NAMES = {harm: name for name, harm in _HARMS.items()}
# The whole verdict has a time of its own: these only keep one silent call from using it up.
_PATIENCE: Mapping[str, Any] = {"retry_total": 2, "retry_backoff_factor": 0.4}
_AGAIN = frozenset({"POST"})
"""A question may be asked again; the SDK does so with no POST that was throttled by itself."""


def pieces(text: str) -> Iterator[str]:
    """A text in pieces that can be looked at, each a little into the next."""
    start = 0
    while True:
        yield text[start : start + _LONGEST_TEXT]
        if start + _LONGEST_TEXT >= len(text):
            return
        start += _LONGEST_TEXT - _OVERLAP


class ContentSafety:
    """A ``Guard`` that asks Azure, as the app's own identity.

    Args:
        options: of the SDK's client, for its transport.
    """

    def __init__(self, endpoint: str, credential: AsyncTokenCredential, **options: Any) -> None:
        self._endpoint = endpoint
        self._credential = credential
        self._options = options
        self._client: ContentSafetyClient | None = None

    @property
    def name(self) -> GuardName:
        """See ``Guard``."""
        return GuardName.CONTENT_SAFETY

    @property
    def sees_pictures(self) -> bool:
        """See ``Guard``."""
        return True

    async def judge(self, subject: Subject, rules: GuardRules) -> Verdict:
        """See ``Guard``. All texts and pictures are looked at at once. The first that is refused
        settles it, whatever is not said of the others by then: an answer that is late, or never
        comes, must not take a refusal away. Of several that are known, the first counts."""
        texts = [piece for text in subject.texts if text for piece in pieces(text)]
        shown = Shown.INPUT if subject.video_id is None else Shown.VIDEO
        questions = [
            *(self._text(piece, rules) for piece in texts),
            *(self._picture(picture, rules, shown) for picture in subject.pictures),
        ]
        asked = [asyncio.create_task(question) for question in questions]
        known: list[Verdict] = []
        try:
            left = set(asked)
            while left:
                _, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
                known = [task.result() for task in asked if task.done()]
                for verdict in known:
                    if isinstance(verdict, Refused):
                        return verdict
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        return next((said for said in known if isinstance(said, Unsaid)), Passed())

    async def close(self) -> None:
        """See ``Guard``."""
        if self._client is not None:
            await self._client.close()

    async def _text(self, text: str, rules: GuardRules) -> Verdict:
        from azure.ai.contentsafety.models import AnalyzeTextOptions

        options = AnalyzeTextOptions(
            text=text,
            categories=_categories(rules),
            blocklist_names=list(rules.blocklists) or None,
            halt_on_blocklist_hit=True if rules.blocklists else None,
        )
        if not rules.severities and not rules.blocklists:
            return Passed()
        try:
            result = await self._open().analyze_text(options, retry_on_methods=_AGAIN)
        except (AzureError, ValueError) as error:
            return _unsaid(error)
        for match in result.blocklists_match or ():
            # Its item would repeat what was written.
            return Refused(BLOCKLIST, Shown.PROMPT, f"the list {match.blocklist_name}")
        return _judged(result.categories_analysis, rules, Shown.PROMPT)

    async def _picture(self, picture: bytes, rules: GuardRules, shown: Shown) -> Verdict:
        from azure.ai.contentsafety.models import AnalyzeImageOptions, ImageData

        if not rules.severities:
            return Passed()
        options = AnalyzeImageOptions(
            image=ImageData(content=picture), categories=_categories(rules)
        )
        try:
            result = await self._open().analyze_image(options, retry_on_methods=_AGAIN)
        except (AzureError, ValueError) as error:
            return _unsaid(error)
        return _judged(result.categories_analysis, rules, shown)

    def _open(self) -> ContentSafetyClient:
        """Imported and built at the first question: most apps have no such account."""
        if self._client is None:
            from azure.ai.contentsafety.aio import ContentSafetyClient

            self._client = ContentSafetyClient(
                self._endpoint, self._credential, **{**_PATIENCE, **self._options}
            )
        return self._client


def _categories(rules: GuardRules) -> list[Any] | None:
    """The harms that matter; None asks for all, which is what an empty list would mean too."""
    return [_NAMES[harm] for harm in rules.severities] or None


def _judged(analysis: Any, rules: GuardRules, shown: Shown) -> Verdict:
    """By the severity of each harm; the gravest beyond its limit is named."""
    told: dict[Harm | None, object] = {}
    for found in analysis or ():
        category = getattr(found, "category", None)  # the SDK checks no types
        name = getattr(category, "value", category)
        told[_HARMS.get(str(name))] = getattr(found, "severity", None)
    worst: tuple[int, Harm] | None = None
    for harm, limit in rules.severities.items():
        severity = told.get(harm)
        if not isinstance(severity, int):
            return Unsaid(f"the answer tells nothing of {harm}")
        if severity >= limit and (worst is None or severity > worst[0]):
            worst = severity, harm
    return Passed() if worst is None else Refused(worst[1], shown, f"severity {worst[0]}")


def _unsaid(error: AzureError | ValueError) -> Unsaid:
    """What can be told of a fault: never its words, which may repeat the text.

    The SDK lets a ``ValueError`` through where a proxy answers with what is no JSON.
    """
    kind = type(error).__name__
    if isinstance(error, HttpResponseError) and error.status_code is not None:
        code = getattr(error.error, "code", None)
        told = f"{error.status_code} {code}" if code else str(error.status_code)
        return Unsaid(f"{kind}: {told}", _remedy(error.status_code))
    if isinstance(error, ClientAuthenticationError):
        return Unsaid(f"{kind}: no token", _remedy(401))
    return Unsaid(kind)


def _remedy(status: int) -> str | None:
    """What the operator can do about an answer."""
    remedies = {
        401: "The app's identity is not known there. Give it the role 'Cognitive Services User' on "
        "the Content Safety account, whose endpoint must have a name of its own.",
        403: "Give the app's identity the role 'Cognitive Services User' on the Content Safety "
        "account, and let the app's network reach it.",
        404: "DAILIES_CONTENT_SAFETY_ENDPOINT is another resource's, or a list of "
        "DAILIES_CONTENT_SAFETY_BLOCKLISTS or of the key is not there.",
    }
    return remedies.get(status)
