import { expect, test } from "vitest";
import { fitNote, nearestSize, shapeName } from "./sizes";

const WIDE = { width: 1280, height: 720 };

test("a picture chooses the size of the nearest shape, and of equals the first", () => {
  const sizes = ["720x1280", "1280x720", "1920x1080", "960x960"];
  expect(nearestSize(sizes, { width: 4000, height: 2250 })).toBe("1280x720");
  expect(nearestSize(sizes, { width: 600, height: 1100 })).toBe("720x1280");
  expect(nearestSize(sizes, { width: 500, height: 520 })).toBe("960x960");
  expect(nearestSize([], WIDE)).toBeUndefined();
});

test("a note tells what a fit costs the picture", () => {
  const square = { width: 900, height: 900 };
  expect(fitNote(square, WIDE, "cover")).toBe("44% of the picture is cut off, at top and bottom.");
  expect(fitNote(square, WIDE, "contain")).toBe("Bars left and right take 44% of the video.");
  expect(fitNote(square, WIDE, "stretch")).toBe("The picture is stretched by 78% sideways.");
  const panorama = { width: 3200, height: 900 };
  expect(fitNote(panorama, WIDE, "cover")).toBe("50% of the picture is cut off, left and right.");
  expect(fitNote(panorama, WIDE, "contain")).toBe("Bars above and below take 50% of the video.");
  expect(fitNote({ width: 640, height: 360 }, WIDE, "cover")).toBe(
    "The picture has the shape of the video.",
  );
});

test("a shape has the name that people know, also where the pixels are a little off", () => {
  expect(["1280x704", "1366x768", "720x1280", "768x768", "1000x300"].map(shapeName)).toEqual([
    "16:9",
    "16:9",
    "9:16",
    "1:1",
    "1000:300",
  ]);
});
