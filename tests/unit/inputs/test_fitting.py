"""What comes out of ``fit`` for pictures that are sound."""

from __future__ import annotations

import pytest
from PIL import Image, ImageChops, ImageOps, ImageStat

from dailies.inputs.fitting import LARGEST_PICTURE, Fitted, fit
from dailies.inputs.image_info import ImageFormat
from dailies.video.basics import Size
from dailies.video.framing import CropBounds, FitMode
from tests.unit.inputs import pictures
from tests.unit.inputs.pictures import BLUE, GREEN, RED, WHITE, decode, encode, quadrants

PORTRAIT, LANDSCAPE, SMALL = Size(720, 1280), Size(1280, 720), Size(64, 64)
SIZES = (PORTRAIT, LANDSCAPE)


def fitted(data: bytes, size: Size | None = SMALL, **options: object) -> Fitted:
    return fit(data, size=size, sizes=SIZES, max_pixels=25_000_000, **options)  # type: ignore[arg-type]  # options differ by test


def corners(image: Image.Image) -> list[tuple[int, int, int]]:
    """The colours in the middle of each quarter, left to right and top to bottom."""
    points = [(x, y) for y in (0.25, 0.75) for x in (0.25, 0.75)]
    pixels = [image.getpixel((int(x * image.width), int(y * image.height))) for x, y in points]
    return [p for p in pixels if isinstance(p, tuple) and len(p) == 3]


def difference(first: Image.Image, second: Image.Image) -> float:
    return max(ImageStat.Stat(ImageChops.difference(first, second)).mean)


def close(actual: tuple[int, int, int], expected: tuple[int, int, int], by: int = 6) -> bool:
    return all(abs(a - e) <= by for a, e in zip(actual, expected, strict=True))


def test_the_result_is_a_plain_png_of_the_exact_size() -> None:
    result = fitted(encode(quadrants(300, 200), "PNG"), LANDSCAPE)
    image = decode(result.data)
    assert (image.format, image.mode, image.size) == ("PNG", "RGB", (1280, 720))
    assert result.size == LANDSCAPE
    assert result.original_size == Size(300, 200)
    assert result.original_format is ImageFormat.PNG
    assert result.content_type == "image/png"


def test_a_large_result_is_a_jpeg_that_travels_in_a_request() -> None:
    noise = Image.effect_noise((1920, 1080), 90).convert("RGB")
    made = fit(encode(noise, "PNG"), size=Size(1920, 1080), max_pixels=10**7)
    assert made.content_type == "image/jpeg"
    assert len(made.data) < LARGEST_PICTURE
    picture = decode(made.data)
    assert (picture.format, picture.size, picture.mode) == ("JPEG", (1920, 1080), "RGB")


def test_a_picture_of_the_right_size_keeps_every_pixel() -> None:
    original = Image.effect_noise((1280, 720), 80).convert("RGB")
    result = fitted(encode(original, "PNG"), LANDSCAPE)
    assert decode(result.data).tobytes() == original.tobytes()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_orientation_is_applied_as_viewers_do(format: str, orientation: int) -> None:
    options = {"lossless": True} if format == "WEBP" else {}
    data = pictures.with_orientation(quadrants(480, 320), format, orientation, **options)
    upright = ImageOps.exif_transpose(decode(data))
    result = fitted(data, Size(*upright.size))
    assert result.original_size == Size(*upright.size)
    assert difference(decode(result.data), upright.convert("RGB")) < 0.01


def test_a_size_is_chosen_for_the_upright_picture_not_the_stored_one() -> None:
    sideways = pictures.with_orientation(quadrants(400, 300), "JPEG", 6)
    assert fitted(sideways, None).size == PORTRAIT
    assert fitted(encode(quadrants(400, 300), "JPEG"), None).size == LANDSCAPE


def test_a_size_is_chosen_for_the_part_that_is_used() -> None:
    data = encode(quadrants(400, 300), "PNG")
    assert fitted(data, None, crop=CropBounds(0, 0, 0.25, 1)).size == PORTRAIT


def test_cover_cuts_off_both_sides_evenly() -> None:
    strips = Image.new("RGB", (300, 100), GREEN)
    strips.paste(RED, (0, 0, 100, 100))
    strips.paste(BLUE, (200, 0, 300, 100))
    image = decode(fitted(encode(strips, "PNG"), Size(100, 100)).data)
    assert image.tobytes() == Image.new("RGB", (100, 100), GREEN).tobytes()


def test_contain_shows_everything_between_bars() -> None:
    data = encode(quadrants(200, 100), "PNG")
    image = decode(fitted(data, Size(100, 100), mode=FitMode.CONTAIN, background=(9, 8, 7)).data)
    assert image.getpixel((50, 24)) == (9, 8, 7)
    assert image.getpixel((50, 75)) == (9, 8, 7)
    assert corners(image.crop((0, 25, 100, 75))) == [RED, GREEN, BLUE, WHITE]


def test_stretch_shows_everything_without_bars() -> None:
    data = encode(quadrants(200, 100), "PNG")
    image = decode(fitted(data, Size(50, 300), mode=FitMode.STRETCH).data)
    assert corners(image) == [RED, GREEN, BLUE, WHITE]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_crop_bounds_count_on_the_upright_picture(orientation: int) -> None:
    data = pictures.with_orientation(quadrants(400, 200), "PNG", orientation)
    expected = corners(ImageOps.exif_transpose(decode(data)).convert("RGB"))[1]
    image = decode(fitted(data, crop=CropBounds(0.55, 0.05, 0.95, 0.45)).data)
    assert corners(image) == [expected] * 4


@pytest.mark.parametrize("mode", list(FitMode))
@pytest.mark.parametrize("shape", [(8, 3000), (3000, 8), (8, 8), (8, 65_535)])
def test_extreme_shapes_still_fill_the_frame(mode: FitMode, shape: tuple[int, int]) -> None:
    result = fitted(encode(Image.new("RGB", shape, RED), "PNG"), LANDSCAPE, mode=mode)
    assert decode(result.data).size == (1280, 720)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_a_png_of_any_mode_keeps_its_greys(mode: str) -> None:
    grey = Image.new("L", (50, 50), 255).convert(mode)
    grey.paste(Image.new("L", (25, 50), 0).convert(mode), (0, 0))
    image = decode(fitted(encode(grey, "PNG")).data)
    assert image.getpixel((8, 32)) == (0, 0, 0)
    assert image.getpixel((56, 32)) == (255, 255, 255)


def test_sixteen_bits_of_grey_are_scaled_and_not_clipped() -> None:
    for value, expected in ((0, 0), (32_768, 128), (65_535, 255)):
        deep = Image.new("I;16", (20, 20), value)
        pixel = decode(fitted(encode(deep, "PNG")).data).getpixel((10, 10))
        assert pixel == (expected, expected, expected)


def test_cmyk_becomes_rgb() -> None:
    data = encode(quadrants(64, 64).convert("CMYK"), "JPEG", quality=95)
    assert all(
        close(actual, expected)
        for actual, expected in zip(
            corners(decode(fitted(data).data)), [RED, GREEN, BLUE, WHITE], strict=True
        )
    )


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_transparent_pixels_show_the_background(format: str) -> None:
    clear = Image.new("RGBA", (40, 40), (255, 0, 0, 0))
    image = decode(fitted(encode(clear, format), background=(1, 2, 3)).data)
    assert image.getpixel((20, 20)) == (1, 2, 3)


def test_a_transparent_palette_colour_shows_the_background() -> None:
    palette = Image.new("P", (40, 40), 1)
    palette.putpalette([255, 0, 0, 0, 255, 0])
    image = decode(fitted(encode(palette, "PNG", transparency=1), background=(1, 2, 3)).data)
    assert image.getpixel((20, 20)) == (1, 2, 3)


def test_the_rim_of_a_cut_out_does_not_take_the_colour_of_hidden_pixels() -> None:
    cut_out = Image.new("RGBA", (100, 100), (0, 255, 0, 0))
    cut_out.paste((255, 0, 0, 255), (0, 0, 50, 100))
    image = decode(fitted(encode(cut_out, "PNG"), Size(37, 37)).data)
    greens = [image.getpixel((x, 18)) for x in range(37)]
    assert max(pixel[1] for pixel in greens if isinstance(pixel, tuple)) <= 1


def test_an_embedded_profile_is_brought_to_srgb() -> None:
    profile = pictures.profile_with_swapped_red_and_green()
    data = encode(Image.new("RGB", (30, 30), RED), "PNG", icc_profile=profile)
    pixel = decode(fitted(data).data).getpixel((5, 5))
    assert isinstance(pixel, tuple)
    assert close((pixel[0], pixel[1], pixel[2]), GREEN)


@pytest.mark.parametrize("profile", [b"nonsense", pictures.profile_with_swapped_red_and_green()])
def test_a_profile_that_does_not_apply_is_ignored(profile: bytes) -> None:
    data = encode(Image.new("L", (30, 30), 77), "JPEG", icc_profile=profile)
    pixel = decode(fitted(data).data).getpixel((5, 5))
    assert pixel == (77, 77, 77)


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_of_an_animation_the_first_frame_counts(format: str) -> None:
    frames = [Image.new("RGB", (30, 30), color) for color in (BLUE, RED)]
    options = {"lossless": True} if format == "WEBP" else {}
    data = encode(frames[0], format, save_all=True, append_images=frames[1:], **options)
    assert decode(fitted(data).data).getpixel((9, 9)) == BLUE


def test_no_metadata_gets_through() -> None:
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    data = encode(quadrants(64, 64), "JPEG", exif=exif, comment=b"secret", dpi=(72, 72))
    assert set(pictures.png_chunks(fitted(data).data)) == {b"IHDR", b"IDAT", b"IEND"}


@pytest.mark.parametrize("mode", list(FitMode))
def test_a_large_jpeg_decoded_at_a_fraction_looks_like_the_whole(mode: FitMode) -> None:
    large = ImageOps.colorize(Image.radial_gradient("L"), "navy", "gold").resize((4003, 3001))
    data = encode(large, "JPEG", quality=90)
    sharp = fitted(encode(decode(data), "PNG"), Size(320, 180), mode=mode)
    assert difference(decode(fitted(data, Size(320, 180), mode=mode).data), decode(sharp.data)) < 1


def test_bytes_behind_the_picture_are_ignored() -> None:
    motion_photo = encode(quadrants(64, 64), "JPEG") + b"\0\0\0\x18ftypmp42" + b"\xff\xda" * 5000
    assert corners(decode(fitted(motion_photo).data))


def test_a_fit_without_any_size_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="size"):
        fit(encode(quadrants(8, 8), "PNG"), size=None, max_pixels=100)
