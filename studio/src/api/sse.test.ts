import { expect, test } from "vitest";
import { EventParser } from "./sse";

const STREAM =
  'retry: 2000\n\nevent: video.progress\ndata: {"id": 1}\nid: 7\n\n: \n\n' +
  "data: one\r\ndata:two\r\nid: 8\r\n\r\nevent: lost\ndata: never\nid: 9\n";
const TOLD = [
  { event: "video.progress", data: '{"id": 1}' },
  { event: "message", data: "one\ntwo" },
];

test("events are told whole, wherever the stream is cut", () => {
  for (let cut = 0; cut <= STREAM.length; cut++) {
    const parser = new EventParser();
    const told = [...parser.push(STREAM.slice(0, cut)), ...parser.push(STREAM.slice(cut))];
    expect(told, `cut at ${cut}`).toEqual(TOLD);
  }
});

test("an event that was cut off does not count as seen", () => {
  const parser = new EventParser();
  parser.push(STREAM);
  expect(parser.lastId).toBe("8");
});
