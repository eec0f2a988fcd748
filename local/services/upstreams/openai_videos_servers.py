"""Where the self-hosted servers of OpenAI's videos protocol differ, and what their models take."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

__all__ = ["SERVERS", "Asked", "Server"]

Failure = tuple[int, str] | None
"""Why a job fails once the model sees it: a status, which some servers answer with, and words."""


class Asked(BaseModel):
    """What a create asks for; what a server does not know it does not read."""

    model_config = ConfigDict(extra="ignore")

    prompt: str
    model: str | None = None
    size: str | None = None
    fps: float | None = Field(default=None, ge=1)
    num_frames: int | None = Field(default=None, ge=1)
    seed: int | None = None
    negative_prompt: str | None = None
    num_inference_steps: int | None = Field(default=None, ge=1, le=200)
    guidance_scale: float | None = Field(default=None, ge=0, le=20)

    @property
    @abstractmethod
    def length(self) -> int:
        """In seconds."""

    @property
    def width_and_height(self) -> tuple[int, int]:
        """In pixels; the model's own where none is said."""
        width, _, height = (self.size or "832x480").partition("x")
        return (int(width), int(height)) if width.isdecimal() and height.isdecimal() else (832, 480)


class VllmOmniForm(Asked):
    """The form of vLLM-Omni: seconds are a text of digits."""

    seconds: Annotated[str, StringConstraints(pattern=r"^[1-9]\d*$")] | None = None
    size: Annotated[str, StringConstraints(pattern=r"^\d+x\d+$")] | None = None
    aspect_ratio: str | None = None
    generate_sound: bool | None = None

    @property
    def length(self) -> int:
        return int(self.seconds or "4")

    @property
    def frames(self) -> int:
        """The number that the model is asked for."""
        return self.num_frames or int(self.length * (self.fps or 24))


class SGLangRequest(Asked):
    """What SGLang and FastVideo take: seconds are a number, also as a text; the job tells those of
    the frames."""

    seconds: int | None = 4

    @property
    def length(self) -> int:
        frames = self.num_frames or (self.fps or 24) * (self.seconds or 4)
        return max(1, round(frames / (self.fps or 24)))


@dataclass(frozen=True, slots=True)
class Server:
    """A server with its one model.

    Attributes:
        form: what it reads of a create.
        images: the fields of a form in which it takes images.
        failure_of: why the model will not render what is asked for, with so many images.
        content_pending: what it says while there is no file, with a 404.
        content_failed: what it answers to the file of a failed job.
        default_limit: of a page of its list.
    """

    name: str
    model: str
    form: type[Asked]
    content_pending: str
    content_failed: tuple[int, str]
    images: tuple[str, ...] = ("input_reference",)
    failure_of: Callable[[Asked, int], Failure] = lambda asked, images: None
    needs_key: bool = False
    has_envelope: bool = False
    multipart_only: bool = False
    knows_model: bool = False
    echoes_prompt: bool = False
    fails_with_status: bool = False
    stops: bool = False
    pages: bool = True
    default_limit: str | None = None
    variant_is_index: bool = False
    in_cloud: bool = False
    quality: str = "standard"


def _ltx(asked: Asked, images: int) -> Failure:
    assert isinstance(asked, VllmOmniForm)
    width, height = asked.width_and_height
    if width % 64 or height % 64:
        return 500, f"LTX2Pipeline resolution must be divisible by 64, got {width}x{height}."
    if (asked.frames - 1) % 8:
        return 500, f"LTX2Pipeline `num_frames` must be 8 * k + 1, got {asked.frames}."
    return None


def _h3(asked: Asked, images: int) -> Failure:
    assert isinstance(asked, VllmOmniForm)
    if not images and asked.aspect_ratio is None:
        return 400, "t2va requires an explicit aspect_ratio"
    if images > 2:
        return 400, "fl2va accepts at most first and last images"
    if not 4 <= asked.length <= 15:
        return 400, "MiniMax H3 output duration must be in [4, 15] seconds"
    return None


def _text_only(asked: Asked, images: int) -> Failure:
    return (400, "This model takes no image.") if images else None


def _vllm_omni(
    name: str,
    model: str,
    failure_of: Callable[[Asked, int], Failure],
    *images: str,
) -> Server:
    return Server(
        name,
        model,
        VllmOmniForm,
        content_pending="Generation is still in-progress",
        content_failed=(422, "Video generation failed. Check job status for error details."),
        images=images or ("input_reference",),
        failure_of=failure_of,
        needs_key=True,
        has_envelope=True,
        multipart_only=True,
        knows_model=True,
        echoes_prompt=True,
        fails_with_status=True,
        stops=True,
        quality="default",
    )


def _sglang(name: str, *, in_cloud: bool = False) -> Server:
    return Server(
        name,
        "Wan-AI/Wan2.2-T2V-A14B-Diffusers",
        SGLangRequest,
        content_pending="Generation is still in-progress",
        content_failed=(404, "Video variant None not found"),
        default_limit="20",
        variant_is_index=True,
        in_cloud=in_cloud,
    )


SERVERS = (
    _vllm_omni("vllm-omni", "Wan-AI/Wan2.2-T2V-A14B-Diffusers", _text_only),
    _vllm_omni("vllm-omni-h3", "MiniMaxAI/MiniMax-H3", _h3, "input_reference", "input_references"),
    _vllm_omni("vllm-omni-ltx", "Lightricks/LTX-2", _ltx),
    _sglang("sglang"),
    _sglang("sglang-cloud", in_cloud=True),
    Server(
        "fastvideo",
        "FastVideo/FastWan2.2-TI2V-5B-Diffusers",
        SGLangRequest,
        content_pending="Video still being generated",
        content_failed=(500, "Video generation failed"),
        pages=False,
    ),
)
