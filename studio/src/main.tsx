import { render } from "preact";
import { App } from "./app";
import { resume } from "./state/session";
import "./state/theme";

const root = document.getElementById("app");
if (root) render(<App />, root);
void resume();
