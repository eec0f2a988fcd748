"""Clients in environments of their own: an older official one, and schemathesis."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.stack import RunningStack
from tests.venvs import python_with

CLIENTS = Path(__file__).with_name("clients")
SCHEMATHESIS = "schemathesis==4.32.5"
# For each operation; `make fuzz` asks for more.
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "4"))
SEED = os.environ.get("FUZZ_SEED", "1")

# positive_data_acceptance: which sizes and lengths a model renders is the catalogue's to say.
# unsupported_method: the functions host answers TRACE before the app sees it.
LEFT_OUT = "positive_data_acceptance,unsupported_method"


def run(
    python: Path, *arguments: str, within: float, cwd: Path | None = None, **environ: str
) -> str:
    """Run a program to its end; its output, which is shown when it fails."""
    done = subprocess.run(
        [str(python), *arguments],
        env={**os.environ, "PYTHONUNBUFFERED": "1", "NO_PROXY": "127.0.0.1", **environ},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=within,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-8000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def test_the_previous_major_version_of_the_official_client(stack: RunningStack) -> None:
    output = run(
        python_with("openai==2.54.0"),
        str(CLIENTS / "openai_2.py"),
        within=180,
        OPENAI_BASE_URL=f"{stack.base_url}/v1",
        OPENAI_API_KEY=stack.api_key,
    )
    assert output.endswith("passed\n")


def test_the_openapi_document_is_true(stack: RunningStack, tmp_path: Path) -> None:
    # What is created is refused upstream, so that no processor is spent on videos.
    stack.faults.add(
        "create", "status", status=400, times=100_000, body='{"error": {"message": "No."}}'
    )
    try:
        # As an operator, so that every operation can be reached.
        output = run(
            python_with(SCHEMATHESIS),
            *("-m", "schemathesis.cli", "run", f"{stack.base_url}/openapi.json"),
            *("--header", f"Authorization: Bearer {stack.admin_key}"),
            *("--max-examples", str(EXAMPLES), "--seed", SEED),
            # It goes on for twenty minutes.
            *("--exclude-path", "/v1/videos/events"),
            *("--exclude-checks", LEFT_OUT, "--warnings", "off"),
            *("--phases", "examples,coverage,fuzzing,stateful", "--request-timeout", "60"),
            within=240 + 20 * EXAMPLES,
            cwd=tmp_path,  # it leaves a cache where it runs
        )
    finally:
        stack.faults.clear()
    print(output[-600:])
