import { useEffect, useState } from "preact/hooks";
import type { Variant } from "../api/types";
import { addressOf } from "../state/files";
import { session } from "../state/session";

/** Where a file of a finished video is, once that is known. */
export function useAddress(id: string | null, variant: Variant): string | null {
  const [address, setAddress] = useState<string | null>(null);
  const client = session.value?.client;
  useEffect(() => {
    if (!client || !id) return undefined;
    let wanted = true;
    addressOf(client, id, variant).then(
      (found) => wanted && setAddress(found),
      // The card then shows no picture; opening it tells why.
      () => undefined,
    );
    return () => {
      wanted = false;
    };
  }, [client, id, variant]);
  return address;
}
