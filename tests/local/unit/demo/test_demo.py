"""What the demo draws: its picture, and its progress in the terminal."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from local.demo.picture import lighthouse
from local.demo.progress import Bar, Progress


class Terminal(io.StringIO):
    """A terminal that obeys the two commands that bars are drawn with."""

    def isatty(self) -> bool:
        return True

    @property
    def screen(self) -> list[str]:
        lines: list[str] = []
        for line in self.getvalue().split("\n"):
            text = line
            while text.startswith("\x1b["):
                rows, _, text = text.removeprefix("\x1b[").partition("F\x1b[J")
                del lines[len(lines) - int(rows) :]
            lines.append(text)
        return [line for line in lines if line]


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")


@pytest.mark.usefixtures("narrow")
def test_bars_are_drawn_in_place_below_the_news() -> None:
    terminal = Terminal()
    progress = Progress(terminal, clock=lambda: 0.0)
    progress.show(Bar("prompt", 0, "accepted"), Bar("image", 0, "accepted"))
    progress.say("event one")
    progress.show(Bar("prompt", 50, "rendering"), Bar("image", 100, "done", done=True))
    assert terminal.screen[0] == "event one"
    first, second = terminal.screen[1:]
    assert "prompt" in first
    assert "50%  rendering" in first
    assert second.startswith("✓ image")
    assert "░" not in second


@pytest.mark.usefixtures("narrow")
def test_a_bar_fits_its_terminal() -> None:
    terminal = Terminal()
    Progress(terminal).show(Bar("a very long label indeed", 50, "a very long word, too, for sure"))
    assert all(len(line) < 60 for line in terminal.screen)


@pytest.mark.usefixtures("narrow")
def test_what_follows_the_end_leaves_the_bars_alone() -> None:
    terminal = Terminal()
    progress = Progress(terminal)
    progress.show(Bar("prompt", 100, "done", done=True))
    progress.close()
    progress.say("Two videos")
    assert len(terminal.screen) == 2


def test_elsewhere_than_on_a_terminal_each_change_is_a_line() -> None:
    out = io.StringIO()
    progress = Progress(out)
    for percent in (0, 0, 45, 45):
        progress.show(Bar("prompt", percent, "rendering"))
    progress.say("event one")
    assert out.getvalue().splitlines() == [
        "prompt: 0% rendering",
        "prompt: 45% rendering",
        "event one",
    ]


def test_the_picture_is_an_image_of_no_size_that_a_model_takes() -> None:
    data = lighthouse()
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "PNG"
        assert image.size == (1600, 1000)
        colours = image.getcolors(maxcolors=image.width * image.height)
    assert colours is not None
    assert len(colours) > 1000, "a drawn scene, not a plain ground"
    assert lighthouse() == data
