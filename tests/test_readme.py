"""The README's commands do what it says."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from clear_core import demo

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
BIN = Path(sys.executable).parent


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def surroundings(tmp_path):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CLEAR_", "OPENAI_"))}
    return kept | {"CLEAR_DATA_DIR": str(tmp_path / "home"), "PATH": f"{BIN}:{os.environ['PATH']}"}


def test_the_library_in_eight_lines(tmp_path):
    (code,) = blocks("python")
    assert len(code.strip().splitlines()) <= 10
    done = subprocess.run(
        [sys.executable, "-c", code], env=surroundings(tmp_path), capture_output=True, text=True, check=True
    )
    examples, dropped = map(int, done.stdout.split())
    assert examples == len(demo.dataset_path().read_text().splitlines())
    assert dropped == examples - -(-examples * 8 // 10)


@pytest.mark.embedded
def test_the_command_line_in_three(tmp_path):
    commands = next(block for block in blocks("sh") if "clear-review score" in block)
    lines = demo.dataset_path().read_text().splitlines(keepends=True)[:3]
    (tmp_path / "data.jsonl").write_text("".join(lines))
    # The scores take five samples a row; three rows are enough to see that the commands fit together.
    subprocess.run(["sh", "-ec", commands], cwd=tmp_path, env=surroundings(tmp_path), check=True, capture_output=True)
    curated = (tmp_path / "curated.jsonl").read_text().splitlines(keepends=True)
    assert len(curated) == 2
    assert set(curated) <= set(lines)
    assert (tmp_path / "curated.jsonl.manifest.json").exists()


def test_every_link_leads_somewhere():
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", README):
        assert (ROOT / target).exists(), target


def test_make_run_serves_the_app(tmp_path):
    """The set-up is done by now, so this is the migration and the server."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            ["make", "run", f"PORT={port}"],
            cwd=ROOT,
            env=surroundings(tmp_path),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 90
        while True:
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()
            assert process.poll() is None, (tmp_path / "log").read_text()
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2) as answer:
                    assert answer.status == 200
                    break
            except OSError:
                time.sleep(0.2)
        assert (tmp_path / "home/review.db").exists()
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)
