"""The app without a browser: its script run in the test's process, on a database of the test's own."""

import asyncio
import json
from pathlib import Path

from starlette.applications import Starlette
from streamlit.testing.v1 import AppTest

from clear_core.io import Source, detect
from clear_core.types import ConfidenceScore
from db.datasets import create_dataset, import_examples
from db.engine import open_engine, upgrade
from db.leases import Progress, beat, claim_run, release_run
from db.results import save_preferences, save_scores
from db.runs import create_run
from db.uploads import store_file

PAGES = Path(__file__).resolve().parents[2] / "pages"

ROWS = [
    {"id": "a", "prompt": "What is 2+2?", "response": "4", "topic": "sums"},
    {"id": "b", "prompt": "Name a colour.", "response": "Blue", "topic": "words"},
    {"id": "c", "prompt": "No response here"},
    {"id": "d", "prompt": "Capital of France?", "response": "Paris", "topic": "places"},
]


class App:
    """Opens pages of the app and fills its database."""

    def __init__(self, data_dir):
        self.data_dir = data_dir
        self.engine = open_engine(f"sqlite:///{data_dir / 'review.db'}")
        upgrade(self.engine)

    def open(self, page="datasets", **query):
        at = AppTest.from_file(str(PAGES / "parts" / "main.py"), default_timeout=30)
        for name, value in query.items():
            at.query_params[name] = str(value)
        at.run()
        if page != "datasets":
            at.switch_page(f"../{page}.py")
            for name, value in query.items():
                at.query_params[name] = str(value)
            at.run()
        return at

    def upload(self, rows=ROWS, name="rows.jsonl"):
        """Store a file as the upload route does; returns its sha256."""
        path = self.data_dir / name
        path.write_text("".join(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows))
        return store_file(self.data_dir / "uploads", path).sha256

    def dataset(self, rows=ROWS, name="rows"):
        """A dataset that is imported already; returns its id."""
        sha256 = self.upload(rows, f"{name}.jsonl")
        source = Source(self.data_dir / "uploads" / sha256, f"{name}.jsonl")
        found = detect(source)
        dataset_id = create_dataset(
            self.engine,
            name=name,
            source=source,
            sha256=sha256,
            detection=found,
            field_map=found.field_map,
            created_by="tester",
        )
        import_examples(self.engine, dataset_id)
        return dataset_id

    def run(self, dataset_id, config, status="done", *, results=(), message="", **progress):
        """A run that a worker has left in this status, with these results; returns its id.

        With status "running" the worker is still at it, and is this process.
        """
        run_id = create_run(self.engine, dataset_id, config, "tester")
        lease = claim_run(self.engine, run_id)
        told = Progress(phase="scoring", **progress)
        if results:
            save = save_scores if config.kind == "score" else save_preferences
            save(self.engine, lease, results, told)
        if status == "running":
            beat(self.engine, lease, told)
        else:
            release_run(self.engine, lease, status, message, told)
        return run_id


def asked(route, method, query="", headers=(), pieces=(), *, announce=True, broken_off=False):
    """One request to a route through the ASGI interface, its body in pieces; returns status, headers and body."""
    sent = []
    last = {"type": "http.disconnect"} if broken_off else {"type": "http.request", "body": b"", "more_body": False}
    body = [*({"type": "http.request", "body": piece, "more_body": True} for piece in pieces), last]
    named = dict(headers) | ({"content-length": str(sum(map(len, pieces)))} if announce else {})

    async def receive():
        if not body:
            await asyncio.Event().wait()  # the client stays until it has its answer
        return body.pop(0)

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": route.path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in named.items()],
    }
    asyncio.run(Starlette(routes=[route])(scope, receive, send))
    told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], told, b"".join(message.get("body", b"") for message in sent[1:])


def scores(*confidences, problem="timeout"):
    """A score for each of the first examples of ROWS; None is a row with a problem."""
    examples = [("a", 0), ("b", 1), ("d", 3)]
    return [
        ConfidenceScore(key, row, value, problem=problem if value is None else None, evidence={"error": "<b>no</b>"})
        for (key, row), value in zip(examples, confidences, strict=False)
    ]


def said(at):
    """All that a page says, as one text: HTML blocks, Markdown, captions and labels of buttons."""
    parts = [element.value for kind in ("html", "markdown", "caption", "title", "text") for element in at.get(kind)]
    parts += [button.label for button in at.button]
    return "\n".join(str(part) for part in parts)
