/** Server-sent events by `fetch`: an `EventSource` can't send the key's header. */

export interface ServerEvent {
  event: string;
  data: string;
}

/** Reads a stream of events piece by piece, as the HTML standard has it. */
export class EventParser {
  lastId = "";
  private rest = "";
  private event = "";
  private id: string | null = null;
  private data: string[] = [];

  /** The events that are whole with this piece. */
  push(piece: string): ServerEvent[] {
    const found: ServerEvent[] = [];
    const lines = (this.rest + piece).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") {
        if (this.data.length > 0) {
          found.push({ event: this.event || "message", data: this.data.join("\n") });
        }
        // Only now: of an event that was cut off nothing counts.
        this.lastId = this.id ?? this.lastId;
        this.event = "";
        this.data = [];
        continue;
      }
      const colon = line.indexOf(":");
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (name === "event") this.event = value;
      else if (name === "data") this.data.push(value);
      else if (name === "id" && !value.includes("\0")) this.id = value;
    }
    return found;
  }
}
