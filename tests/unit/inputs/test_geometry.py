from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dailies.inputs.geometry import contained_size, covering_box, nearest_size, stored_box
from dailies.video.basics import Size
from dailies.video.framing import CropBounds

PORTRAIT, LANDSCAPE = Size(720, 1280), Size(1280, 720)
sides = st.integers(1, 65_535)


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [(4000, 3000, LANDSCAPE), (3000, 4000, PORTRAIT), (16, 9, LANDSCAPE), (1, 5000, PORTRAIT)],
)
def test_the_size_of_the_nearest_shape_is_chosen(width: int, height: int, expected: Size) -> None:
    assert nearest_size(width, height, [PORTRAIT, LANDSCAPE]) == expected


@given(side=sides)
def test_a_square_is_as_far_from_both_and_takes_the_first(side: int) -> None:
    assert nearest_size(side, side, [PORTRAIT, LANDSCAPE]) == PORTRAIT
    assert nearest_size(side, side, [LANDSCAPE, PORTRAIT]) == LANDSCAPE


@given(width=sides, height=sides, size=st.builds(Size, st.integers(1, 2048), st.integers(1, 2048)))
def test_a_covering_box_lies_inside_and_has_the_shape(width: int, height: int, size: Size) -> None:
    left, top, right, bottom = covering_box((0, 0, width, height), size)
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    assert (right - left) * size.height == pytest.approx((bottom - top) * size.width)
    assert left == pytest.approx(width - right)
    assert top == pytest.approx(height - bottom)


@given(width=sides, height=sides)
def test_a_contained_size_touches_the_frame_and_stays_inside(width: int, height: int) -> None:
    size = contained_size((0, 0, width, height), LANDSCAPE)
    assert 1 <= size.width <= 1280
    assert 1 <= size.height <= 720
    assert size.width == 1280 or size.height == 720


def test_crop_bounds_are_fractions_of_the_picture() -> None:
    assert CropBounds(0.25, 0.5, 0.75, 1).box(400, 200) == (100, 100, 300, 200)


def test_crop_bounds_keep_at_least_a_pixel() -> None:
    left, top, right, bottom = CropBounds(0.999, 0.999, 1, 1).box(10, 10)
    assert (left, top, right, bottom) == (9, 9, 10, 10)


@pytest.mark.parametrize(
    "bounds", [(0.5, 0, 0.5, 1), (0.6, 0, 0.4, 1), (-0.1, 0, 1, 1), (0, 0, 1, 1.1)]
)
def test_bounds_that_enclose_nothing_are_refused(
    bounds: tuple[float, float, float, float],
) -> None:
    with pytest.raises(ValueError, match="crop bounds"):
        CropBounds(*bounds)


@pytest.mark.parametrize(
    ("orientation", "expected"),
    [
        (1, (1, 2, 3, 5)),
        (2, (37, 2, 39, 5)),
        (3, (37, 25, 39, 28)),
        (4, (1, 25, 3, 28)),
        (5, (2, 1, 5, 3)),
        (6, (2, 27, 5, 29)),
        (7, (35, 27, 38, 29)),
        (8, (35, 1, 38, 3)),
    ],
)
def test_a_box_is_found_in_the_stored_picture(
    orientation: int, expected: tuple[float, float, float, float]
) -> None:
    assert stored_box((1, 2, 3, 5), orientation, 40, 30) == expected
