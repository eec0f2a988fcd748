"""Route templates of HTTP triggers."""

from __future__ import annotations

import pytest

from local.host.routes import RouteTable, RouteTemplate, RouteTemplateError


@pytest.mark.parametrize(
    ("template", "path", "expected"),
    [
        ("videos/{id}", "videos/a%2Fb", {"id": "a%2Fb"}),
        ("videos/{id}", "videos/a/", {"id": "a"}),
        ("videos/{id}", "videos//a", None),
        ("videos", "videos/", {}),
        ("videos/{id}", "videos", None),
        ("videos/{id?}", "videos", {}),
        ("videos/{id:int}", "videos/12", {"id": "12"}),
        ("videos/{id:int}", "videos/x", None),
        ("VIDEOS/list", "videos/LIST", {}),
        ("{*path}", "", {"path": ""}),
        ("{*path}", "a//b\nc/", {"path": "a//b\nc/"}),
        ("{*path}", "/a", None),
        ("v1/{*path}", "v1//a", None),
        ("v1/{*path}", "v1", {}),
        ("v1/{*path}", "v10", None),
        ("{name}.{ext}", "clip.mp4", {"name": "clip", "ext": "mp4"}),
        ("", "", {}),
    ],
)
def test_a_template_matches(template: str, path: str, expected: dict[str, str] | None) -> None:
    assert RouteTemplate.parse(template).match(path) == expected


def test_the_first_route_that_matches_serves() -> None:
    table: RouteTable[str] = RouteTable()
    for template in ("videos/{id:int}", "{*path}", "videos/latest"):
        table.add(RouteTemplate.parse(template), None, template)
    assert table.find("GET", "videos/7") == ("videos/{id:int}", {"id": "7"})
    assert table.find("GET", "videos/latest") == ("{*path}", {"path": "videos/latest"})


def test_a_route_for_another_method_is_passed_over() -> None:
    table: RouteTable[str] = RouteTable()
    table.add(RouteTemplate.parse("videos"), ["post"], "create")
    assert table.find("GET", "videos") is None
    table.add(RouteTemplate.parse("{*path}"), None, "rest")
    assert table.find("GET", "videos") == ("rest", {"path": "videos"})
    assert table.find("POST", "videos") == ("create", {})


@pytest.mark.parametrize("template", ["a/{id:regex(x)}", "a/{id", "a/{id:nope}"])
def test_a_template_that_is_not_understood_is_refused(template: str) -> None:
    with pytest.raises(RouteTemplateError, match="route"):
        RouteTemplate.parse(template)
