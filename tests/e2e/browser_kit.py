"""A real server on a free port with its own data, and a real browser in front of it."""

import contextlib
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import expect

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 30_000


@dataclass
class Server:
    """A running app."""

    url: str
    data_dir: Path
    process: subprocess.Popen
    log: Path

    @property
    def pid(self):
        return self.process.pid

    def ask(self, method, path, body=None, **headers):
        """One request, past the browser; header names with _ for -. The answer has .status and .text."""
        connection = http.client.HTTPConnection("127.0.0.1", int(self.url.rpartition(":")[2]), timeout=30)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            answer.text = answer.read().decode("utf-8", "replace")
            return answer
        finally:
            connection.close()

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(20)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_server(data_dir, port=None, **environment):
    """Start the app as `make run` does, on a free port, and wait until it is healthy."""
    port = port or free_port()
    data_dir.mkdir(parents=True, exist_ok=True)
    log = data_dir / "server.log"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "CLEAR_"))}
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)],
            cwd=ROOT,
            env=inherited | {"CLEAR_DATA_DIR": str(data_dir), "CLEAR_REVIEWER": "tester"} | environment,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    server = Server(f"http://127.0.0.1:{port}", data_dir, process, log)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            if server.ask("GET", "/_stcore/health").status == 200:
                return server
        time.sleep(0.1)
    server.stop()
    raise RuntimeError(f"the server did not start:\n{log.read_text()}")


class Visit:
    """A page in the browser, with what it did that it should not."""

    def __init__(self, context):
        self.page = context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.dialogs = []
        self.foreign = []
        self.page.on("dialog", self._dialog)
        self.page.on("request", self._request)

    def _dialog(self, dialog):
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def _request(self, request):
        if not re.match(r"(https?|ws)://127\.0\.0\.1:|data:|blob:|about:", request.url):
            self.foreign.append(request.url)

    def open(self, url):
        self.page.goto(url)
        self.settle()

    def settle(self):
        """Wait until the script has run and nothing on the page is stale."""
        self.page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
        # Not wait_for_function: it evaluates a string, which the app's own policy forbids.
        expect(self.page.locator("[data-testid=stSkeleton], [data-stale=true]")).to_have_count(0, timeout=PATIENCE_MS)

    def upload(self, path):
        """Give a file to the drop zone and wait until the page shows it."""
        self.page.locator("[data-part=input]").set_input_files(path)
        self.page.wait_for_url(re.compile("upload="))
        self.settle()
