import { useEffect } from "preact/hooks";
import { told } from "./api/client";
import { Batches } from "./pages/batches";
import { Operators } from "./pages/operators";
import { SignIn } from "./pages/sign-in";
import { Videos } from "./pages/videos";
import { Notices } from "./parts/notices";
import { Shell } from "./parts/shell";
import { forget } from "./state/files";
import { loadModels } from "./state/models";
import { note } from "./state/notices";
import { route } from "./state/route";
import { resuming, session } from "./state/session";
import { watch } from "./state/videos";

export function App() {
  const current = session.value;
  useEffect(() => {
    if (!current) return undefined;
    const complain = (fault: unknown) => note(told(fault), true);
    loadModels(current.client).catch(complain);
    const stop = watch(current.client, complain);
    return () => {
      stop();
      forget();
    };
  }, [current]);
  return (
    <>
      {current ? (
        <Shell>{page(current.identity.operator)}</Shell>
      ) : resuming.value ? (
        <main class="centre" aria-busy="true" />
      ) : (
        <SignIn />
      )}
      <Notices />
    </>
  );
}

function page(operator: boolean) {
  if (route.value.page === "operators" && operator) return <Operators />;
  if (route.value.page === "batches") return <Batches />;
  return <Videos />;
}
