"""Veo on Vertex AI: ``{model}:predictLongRunning`` and ``{model}:fetchPredictOperation``.

As google-genai writes and reads them: an operation is done with an ``error`` or a ``response``;
videos that were filtered are counted in one that has none. Videos are written to the bucket of
``google_cloud``, or come within the response where no place is named. It refuses fields that it
does not know. Nothing is listed, and nothing can be stopped.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.services.directives import asks_for_input_moderation
from local.services.jobs import Job
from local.services.upstreams.base import Upstream
from local.services.upstreams.google_cloud import check_access, checked, image, rpc_error

__all__ = ["UPSTREAM", "VertexVeo"]

_MODELS = ("veo-3.1-generate-001", "veo-3.1-fast-generate-001", "veo-3.1-lite-generate-001")
_LINES = {"720p": 720, "1080p": 1080, "4k": 2160}
_SECONDS = (4, 6, 8)
_INSTANCE = {"prompt": str, "image": dict, "lastFrame": dict, "referenceImages": list}
_PICTURE = {"bytesBase64Encoded": str, "mimeType": str}
_REFERENCE = {"image": dict, "referenceType": str}
_PARAMETERS: dict[str, Any] = {
    "sampleCount": int,
    "durationSeconds": int,
    "aspectRatio": str,
    "resolution": str,
    "generateAudio": bool,
    "storageUri": str,
    "seed": int,
    "negativePrompt": str,
    "personGeneration": str,
    "enhancePrompt": bool,
    "resizeMode": str,
    "compressionQuality": str,
}
_BLOCKED = (
    "Veo could not generate videos because the input image or prompt violates Vertex AI's usage "
    "guidelines. If you think this was an error, send feedback. Support codes: 15236754"
)
_FILTERED = (
    "Veo could not generate 1 videos because the output violates Vertex AI's usage guidelines. "
    "Support codes: 29310472"
)


class VertexVeo(Upstream):
    """The predictions of Veo."""

    name: ClassVar[str] = "vertex-veo"
    settings: ClassVar[Mapping[str, str]] = {"VEO_ENDPOINT": "{url}"}

    def routes(self) -> list[Route]:
        """See ``Upstream.routes``."""
        model = "projects/{project}/locations/{location}/publishers/google/models/{model}"
        return [
            route
            for version in ("v1", "v1beta1")
            for route in (
                Route(
                    f"/{version}/{model}:predictLongRunning",
                    self._create,
                    methods=["POST"],
                    name="create",
                ),
                Route(
                    f"/{version}/{model}:fetchPredictOperation",
                    self._fetch,
                    methods=["POST"],
                    name="status",
                ),
            )
        ]

    async def _create(self, request: Request) -> Response:
        check_access(self, request)
        model = request.path_params["model"]
        if model not in _MODELS:
            raise rpc_error(404, f"Publisher Model `publishers/google/models/{model}` not found.")
        try:
            job = self._accept(request, await self.json(request))
        except ValueError as error:
            raise rpc_error(400, str(error)) from None
        return JSONResponse({"name": _name(request, job.model, job.id)})

    def _accept(self, request: Request, body: dict[str, Any]) -> Job:
        checked(body, {"instances": list, "parameters": dict, "labels": dict}, "")
        instances = body.get("instances", [])
        if len(instances) != 1:
            raise ValueError("Exactly one instance is expected.")
        instance = checked(instances[0], _INSTANCE, "instances[0]")
        prompt = instance.get("prompt", "")
        if asks_for_input_moderation(prompt):
            raise ValueError(_BLOCKED)
        parameters = checked(body.get("parameters", {}), _PARAMETERS, "parameters")
        width, height = _shape(parameters)
        seconds = parameters.get("durationSeconds", 8)
        if seconds not in _SECONDS:
            raise ValueError(f"Unsupported output video duration {seconds} seconds.")
        if "generateAudio" not in parameters:
            raise ValueError("generateAudio is required.")
        if parameters.get("sampleCount", 1) != 1:
            raise ValueError("One video at a time is played here.")
        job_id = str(uuid.uuid4())
        folder = parameters.get("storageUri")
        return self.accept(
            request,
            job_id=job_id,
            model=request.path_params["model"],
            prompt=prompt,
            seconds=seconds,
            width=width,
            height=height,
            images=_images(instance),
            details={
                "sound": parameters["generateAudio"],
                "gcs": folder and f"{folder.rstrip('/')}/{job_id}/sample_0.mp4",
                "labels": body.get("labels"),
                "name": _name(request, request.path_params["model"], job_id),
            },
        )

    async def _fetch(self, request: Request) -> Response:
        check_access(self, request)
        name = str((await self.json(request)).get("operationName", ""))
        job = self.find(name.rpartition("/")[2])
        if job is None or name != _name(request, job.model, job.id):
            raise rpc_error(404, f"Operation not found: {name}")
        phase = self.state(job).phase
        if phase in ("queued", "running"):
            return JSONResponse({"name": name})
        return JSONResponse({"name": name, "done": True, **self._end(job, phase)})

    def _end(self, job: Job, phase: str) -> dict[str, Any]:
        kind = {"@type": "type.googleapis.com/cloud.ai.large_models.vision.GenerateVideoResponse"}
        match phase:
            case "completed":
                return {"response": {**kind, "videos": [self._file_of(job)]}}
            case "moderated":
                filtered = {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": [_FILTERED]}
                return {"response": {**kind, **filtered}}
            case _:
                message = f"Video generation failed ({job.directive.error}). Please try again."
                return {"error": {"code": 13, "message": message}}

    def _file_of(self, job: Job) -> dict[str, str]:
        if job.details["gcs"]:
            return {"gcsUri": job.details["gcs"], "mimeType": "video/mp4"}
        data = self.studio.library.files(job.spec()).video.read_bytes()
        coded = base64.b64encode(data).decode("ascii")
        return {"bytesBase64Encoded": coded, "mimeType": "video/mp4"}


def _name(request: Request, model: str, job_id: str) -> str:
    place = "projects/{project}/locations/{location}".format(**request.path_params)
    return f"{place}/publishers/google/models/{model}/operations/{job_id}"


def _shape(parameters: Mapping[str, Any]) -> tuple[int, int]:
    lines = _LINES.get(parameters.get("resolution", "720p"))
    ratio = parameters.get("aspectRatio", "16:9")
    if lines is None or ratio not in ("16:9", "9:16"):
        raise ValueError("Unsupported aspect ratio or resolution.")
    wide = lines * 16 // 9
    return (wide, lines) if ratio == "16:9" else (lines, wide)


def _images(instance: Mapping[str, Any]) -> list[bytes]:
    """The pictures of a request: the first frame, the last one, the references."""
    named = [(name, instance.get(name)) for name in ("image", "lastFrame")]
    for place, item in enumerate(instance.get("referenceImages", [])):
        where = f"referenceImages[{place}]"
        if checked(item, _REFERENCE, where).get("referenceType", "").lower() != "asset":
            raise ValueError(f"Invalid value at '{where}.referenceType'.")
        named.append((f"{where}.image", item.get("image")))
    found = []
    for where, item in named:
        if item is not None:
            picture = checked(item, _PICTURE, where)
            found.append(image(picture.get("bytesBase64Encoded"), picture.get("mimeType"), where))
    return found


UPSTREAM = VertexVeo
