"""For operators: what needs a person, and whether all is well."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from dailies_cli.api import Api
from dailies_cli.commands.options import AsJson, VideoId, pairs
from dailies_cli.display import console, errors, print_json, table, text, when
from dailies_cli.failures import Failure
from dailies_cli.following import standing
from dailies_cli.place import find_place

__all__ = ["attention", "deployments", "doctor", "find", "resolve", "retry", "stop"]


class Decision(StrEnum):
    """What is to become of a create of which nobody knows whether it was taken."""

    ADOPT = "adopt"
    RESEND = "resend"
    END = "end"


def resolve(
    video_id: VideoId,
    decision: Annotated[
        Decision,
        typer.Argument(
            help="adopt the provider's job, resend as there is none, or end the video.",
        ),
    ],
    job: Annotated[str | None, typer.Option(help="The provider's id of the job to adopt.")] = None,
) -> None:
    """Decide about a video whose provider did not say whether it took the request."""
    if decision is Decision.ADOPT and job is None:
        raise Failure("Which job? Name it with --job, as the provider lists it.")
    body = {"decision": decision.value, **({} if job is None else {"job_id": job})}
    with Api(find_place(), operator=True) as api:
        video = api.post(f"/v1/admin/videos/{video_id}/resolve", body)
    console.print(f"{video_id}  {text(standing(video))}", soft_wrap=True)


def attention(as_json: AsJson = False) -> None:
    """List what does not go on alone, with what to do about it."""
    with Api(find_place(), operator=True) as api:
        found = api.get("/v1/admin/attention")
    if as_json:
        print_json(found)
        return
    rows = (
        (c["about"], c["kind"], c["owner"], when(c["since"]), c["why"], c["remedy"], c["call"])
        for c in found["data"]
    )
    columns = ("about", "what", "owner", "since", "why", "what to do", "by")
    console.print(table(None, columns, rows) if found["data"] else "Nothing waits for an operator.")
    if not found["complete"]:
        errors.print("There may be more: the oldest videos were looked at.")


def retry(video_id: VideoId) -> None:
    """Make a failed video again, of anybody's, for the same owner."""
    with Api(find_place(), operator=True) as api:
        video = api.post(f"/v1/admin/videos/{video_id}/retry")
    console.print(text(video["id"]), soft_wrap=True)


def stop(video_id: VideoId) -> None:
    """Stop a video, of anybody's, at its provider too."""
    with Api(find_place(), operator=True) as api:
        video = api.post(f"/v1/admin/videos/{video_id}/cancel")
    console.print(f"{video_id}  {text(standing(video))}", soft_wrap=True)


def find(
    field: Annotated[
        list[str] | None,
        typer.Option(
            "--field",
            "-f",
            help="What is looked for, as name=value: owner, status, phase, key_id, tag, user, "
            "model, provider, deployment, code, blob, created_after, created_before. All hold.",
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Find videos, of anybody's, newest first and without their prompts."""
    with Api(find_place(), operator=True) as api:
        found = list(api.pages("/v1/admin/videos", limit=limit, **pairs(field or [])))
    if as_json:
        print_json(found)
        return
    rows = (
        (v["id"], v["owner"], v["phase"], v["model"], when(v["created_at"]), _why(v["error"]))
        for v in found
    )
    columns = ("video", "owner", "phase", "model", "since", "why")
    console.print(table(None, columns, rows) if found else "There is no such video.")


def _why(error: dict[str, str] | None) -> str | None:
    return None if error is None else error["code"]


def deployments(
    reset: Annotated[
        str | None, typer.Option(help="Forget what is remembered of this one; it is asked again.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the deployments, and how they fare."""
    with Api(find_place(), operator=True) as api:
        if reset is not None:
            api.post(f"/v1/admin/deployments/{reset}/reset")
        listed = api.get("/v1/admin/deployments")["data"]
    if as_json:
        print_json(listed)
        return
    rows = (
        (d["id"], d["model"], d["provider"], d["state"], d["code"], when(d["until"]), d["remedy"])
        for d in listed
    )
    columns = ("deployment", "model", "made by", "state", "why", "tried again", "what to do")
    console.print(table(None, columns, rows))


def doctor() -> None:
    """Check what can be checked from here, and say what to do about what is wrong."""
    place = find_place()
    problems = 0

    def tell(is_well: bool, what: str, remedy: str = "") -> None:
        nonlocal problems
        problems += not is_well
        mark = "[green]✓[/]" if is_well else "[red]✗[/]"
        console.print(f"{mark} {text(what)}" + (f"\n  {text(remedy)}" if remedy else ""))

    with Api(place) as api:
        health = api.get("/health")
        tell(True, f"{place.url} answers, and its settings are right")
        tell(
            health["status"] == "ok",
            f"{health['models']} models are on offer",
            ""
            if health["status"] == "ok"
            else "Set a provider's key or endpoint: docs/settings.md.",
        )
        listed = api.get("/v1/models")["data"]
        tell(True, "your key is known")
        for model in listed:
            if model["available"] and model["retires_at"]:
                tell(True, f"{model['id']} retires on {model['retires_at']}")
    with Api(place, operator=True) as api:
        try:
            found = api.get("/v1/admin/attention")
        except Failure as failure:
            tell(False, "your key is no operator's", f"Set DAILIES_ADMIN_KEY for more. {failure}")
        else:
            for concern in found["data"]:
                why = f"{concern['about']} ({concern['kind']}): {concern['why']}"
                tell(False, why, " ".join(filter(None, (concern["remedy"], concern["call"]))))
            if not found["data"]:
                tell(True, "nothing waits for an operator")
            for deployment in found["left_out"]:
                tell(True, f"not in use: {deployment}")
    if problems:
        raise Failure(f"{problems} of these need somebody.")
