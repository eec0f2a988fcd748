import { useCallback, useEffect, useState } from "preact/hooks";
import { told } from "./api/client";
import { session } from "./state/session";

export interface Asked<T> {
  value: T | null;
  wrong: string | null;
  again: () => void;
}

/** What a call answers, and a way to ask it again. */
export function useAsked<T>(path: string): Asked<T> {
  const [value, setValue] = useState<T | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const [count, setCount] = useState(0);
  const client = session.value?.client;
  useEffect(() => {
    if (!client) return undefined;
    const stopping = new AbortController();
    client.get<T>(path, stopping.signal).then(
      (found) => {
        setValue(found);
        setWrong(null);
      },
      (fault) => {
        if (!stopping.signal.aborted) setWrong(told(fault));
      },
    );
    return () => stopping.abort();
  }, [client, path, count]);
  const again = useCallback(() => setCount((before) => before + 1), []);
  return { value, wrong, again };
}
