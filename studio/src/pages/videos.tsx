import { Composer } from "../parts/composer";
import { Viewer } from "../parts/viewer";
import { Wall } from "../parts/wall";
import { route } from "../state/route";

export function Videos() {
  const { page, id } = route.value;
  return (
    <div class="videos">
      <Composer />
      <Wall />
      {page === "videos" && id && <Viewer key={id} id={id} />}
    </div>
  );
}
