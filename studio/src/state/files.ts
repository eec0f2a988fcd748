/** Addresses of a video's files: links into storage, or, where all goes through the app, copies. */

import { type Client, serverNow } from "../api/client";
import type { Variant, VideoLinks } from "../api/types";

/** A link is asked for anew when it has less than this left, in seconds. */
const MARGIN = 60;

const links = new Map<string, Promise<VideoLinks>>();
const copies = new Map<string, Promise<string>>();

export async function linksOf(client: Client, id: string): Promise<VideoLinks> {
  const known = links.get(id);
  if (known) {
    const found = await known;
    if (found.expires_at - serverNow() > MARGIN) return found;
  }
  const asked = client.get<VideoLinks>(`/v1/videos/${id}/links`);
  links.set(id, asked);
  asked.catch(() => links.delete(id));
  return asked;
}

/** Where to show a file from; null where there is none of the kind. */
export async function addressOf(
  client: Client,
  id: string,
  variant: Variant,
  save = false,
): Promise<string | null> {
  const file = (await linksOf(client, id)).data.find((each) => each.variant === variant);
  if (!file) return null;
  return (save ? file.download_url : file.url) ?? copyOf(client, id, variant);
}

/** A player can't send the key's header, so the file is fetched whole; a session's copies end with
 * the page. */
function copyOf(client: Client, id: string, variant: Variant): Promise<string> {
  const name = `${id}/${variant}`;
  let copy = copies.get(name);
  if (!copy) {
    copy = client
      .fetch("GET", `/v1/videos/${id}/content?variant=${variant}`)
      .then((answer) => answer.blob())
      .then((blob) => URL.createObjectURL(blob));
    copies.set(name, copy);
    copy.catch(() => copies.delete(name));
  }
  return copy;
}

export function forget(): void {
  for (const copy of copies.values()) copy.then((url) => URL.revokeObjectURL(url));
  copies.clear();
  links.clear();
}
