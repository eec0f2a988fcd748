"""Which deployment is asked first."""

from __future__ import annotations

from collections import Counter

from dailies.catalogue import Catalogue, Deployment
from dailies.routing.choose import ranked
from dailies.video.basics import Size, new_id
from dailies.video.record import VideoRequest

_KITE = """
default_model: kite
models:
  kite:
    routing: ROUTING
    fallbacks: [spare]
    deployments:
      - {name: a, weight: 1, prices: {default: 0.3, 1280x720: 0.1}, COMMON}
      - {name: b, weight: 3, prices: {default: 0.2}, COMMON}
      - {name: c, weight: 6, prices: null, COMMON}
  spare:
    deployments:
      - {name: d, prices: {default: 0.01}, COMMON}
"""
_COMMON = (
    "provider: azure-sora-2, endpoint: 'https://e.example', deployment: kite, "
    "sizes: [720x1280, 1280x720], seconds: [4, 8]"
)


def _catalogue(routing: str, text: str = _KITE) -> Catalogue:
    return Catalogue.parse(text.replace("ROUTING", routing).replace("COMMON", _COMMON), {})


def _names(catalogue: Catalogue, video: str = "video", **changes: object) -> list[str]:
    fields = {"model": "kite", "prompt": "A kite", "seconds": 4, "size": Size(720, 1280)}
    request = VideoRequest.model_validate({**fields, **changes})
    return [each.name for each in ranked(catalogue, request, video, _completion)]


def _completion(deployment: Deployment) -> float:
    return {"a": 90.0, "b": 30.0, "c": 60.0, "d": 1.0}[deployment.name]


def test_by_order_as_the_file_has_them() -> None:
    assert _names(_catalogue("order")) == ["a", "b", "c", "d"]


def test_by_the_price_of_this_very_request_those_unknown_last_and_fallbacks_after() -> None:
    assert _names(_catalogue("price")) == ["b", "a", "c", "d"]
    assert _names(_catalogue("price"), size=Size(1280, 720)) == ["a", "b", "c", "d"]


def test_by_completion_where_it_is_done_first() -> None:
    assert _names(_catalogue("completion")) == ["b", "c", "a", "d"]


def test_by_weight_each_gets_its_share_and_a_video_the_same_one_again() -> None:
    catalogue = _catalogue("weight")
    videos = [new_id(1_795_262_400.0 + number) for number in range(4000)]
    first = {video: _names(catalogue, video)[0] for video in videos}
    shares = Counter(first.values())
    for name, share in (("a", 0.1), ("b", 0.3), ("c", 0.6)):
        # Four standard deviations of 4,000 draws are at most 3.1 points.
        assert abs(shares[name] / len(videos) - share) < 0.031
    assert all(_names(catalogue, video)[0] == chosen for video, chosen in first.items())


def test_by_weight_a_deployment_that_is_taken_out_moves_its_own_videos_only() -> None:
    catalogue, fewer = _catalogue("weight"), _KITE.replace("prices: null", "prices: null, XX")
    lines = [line for line in fewer.splitlines() if "XX" not in line]
    without = _catalogue("weight", "\n".join(lines))
    for number in range(300):
        video = new_id(1_795_262_400.0 + number)
        before = _names(catalogue, video)
        assert _names(without, video) == [name for name in before if name != "c"]


def test_those_that_cannot_do_the_request_are_not_asked() -> None:
    text = _KITE.replace("weight: 1,", "weight: 1, seed: true,")
    assert _names(_catalogue("weight", text), seed=7) == ["a"]
