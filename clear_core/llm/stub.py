"""The scripted model as an OpenAI-compatible endpoint on the loopback interface, with latency and faults on demand.

`python -m clear_core.llm.stub --port 0 --answers FILE` prints its base URL and serves until it is ended. FILE holds
one JSON object a line with `prompt` and `response`. Adapters, runs and dry runs are tried on it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from clear_core.llm.fake import Script
from clear_core.llm.stub_tuning import StubTuning

STATUSES: Final[Mapping[str, tuple[int, str, str]]] = {
    "unauthorised": (401, "invalid_api_key", "Incorrect API key provided: {key}."),
    "forbidden": (403, "forbidden", "The key {key} may not do this."),
    "no_model": (404, "model_not_found", "The model does not exist."),
    "too_long": (400, "context_length_exceeded", "This model's maximum context length is 8 tokens."),
    "wants_completion_tokens": (400, "unsupported_parameter", "Use 'max_completion_tokens' instead of 'max_tokens'."),
    "rate_limit": (429, "rate_limit_exceeded", "Slow down."),
    "quota": (429, "insufficient_quota", "You exceeded your current quota."),
    "server_error": (500, "server_error", "Something broke; your key {key} is fine."),
    "request_timeout": (408, "timeout", "The request took too long."),
    "bad_gateway": (502, "bad_gateway", "Bad gateway."),
    "gateway_timeout": (504, "gateway_timeout", "The model took too long."),
    "origin_timeout": (524, "timeout", "A timeout occurred."),
    "overloaded": (503, "overloaded", "Try again later."),
    "rejects_n": (400, "unsupported_value", "Only one completion is given: n must be 1."),
    "rejects_logprobs": (403, "forbidden", "You are not allowed to request logprobs from this model."),
    "redirect": (307, "", ""),
}
CHOICES: Final[Mapping[str, Any]] = {
    "no_choices": [],
    "null_choices": None,
    "null_content": [{"message": {"role": "assistant", "content": None}, "finish_reason": "stop"}],
    "int_content": [{"message": {"role": "assistant", "content": 7}, "finish_reason": "stop"}],
    "surrogate": [{"message": {"role": "assistant", "content": "\ud800"}, "finish_reason": "stop"}],
    "white_space": [{"message": {"role": "assistant", "content": " \n"}, "finish_reason": "stop"}],
    "refusal": [{"message": {"role": "assistant", "content": None, "refusal": "No."}, "finish_reason": "stop"}],
    "length": [{"message": {"role": "assistant", "content": "It goes on and"}, "finish_reason": "length"}],
    "content_filter": [{"message": {"role": "assistant", "content": ""}, "finish_reason": "content_filter"}],
}
BODIES: Final[Mapping[str, tuple[str, str]]] = {
    "html": ("text/html", "<html><body>Please log in</body></html>"),
    "cut_json": ("application/json", '{"choices": [{"message": {"content": "Par'),
    "a_list": ("application/json", "[1, 2]"),
}
SPARED: Final[Mapping[str, Callable[[Mapping[str, Any]], bool]]] = {
    "wants_completion_tokens": lambda asked: "max_completion_tokens" in asked,
    "rejects_n": lambda asked: asked.get("n", 1) == 1,
    "ignores_n": lambda asked: asked.get("n", 1) == 1,
    "one_bad_choice": lambda asked: asked.get("n", 1) == 1,
    "rejects_logprobs": lambda asked: not asked.get("logprobs"),
}
"""Faults of what is asked for, with what a request must be like to be spared them."""
FAULTS: Final = (*STATUSES, *CHOICES, *BODIES, "ignores_n", "one_bad_choice", "drip", "hang", "hang_up", "cut_off")


class StubEndpoint:
    """An endpoint that answers by a script and misbehaves on demand.

    Args:
        answers: the last user turn of a prompt -> its good response.
        error_rate: share of wrong sampled answers.
        latency: seconds before each answer.
        fault: one of FAULTS, or "" for none.
        fault_first: how many calls meet the fault; None for every call.
        fault_after: how many calls go well before that.
        letter_odds: probability that it tells for a reflection's letter, where it is asked; None to tell none.
        tuning: how it fine-tunes; jobs of three steps by default.
        script: what it says, in place of what the answers and the error rate make.

    Attributes:
        latency: seconds before each answer, from now on.
        retry_after: seconds that a refusal asks to wait, from now on.
        calls: requests that came in, failed ones included.
        bodies: what they asked, in order.
        seen: how often each request's text came, to tell repeated calls.
        tuning: its files and fine-tuning jobs.
    """

    def __init__(
        self,
        answers: Mapping[str, str] | None = None,
        *,
        error_rate: float = 0.0,
        latency: float = 0.0,
        fault: str = "",
        fault_first: int | None = None,
        fault_after: int = 0,
        letter_odds: float | None = None,
        tuning: StubTuning | None = None,
        script: Script | None = None,
    ) -> None:
        self._script = script or Script(answers or {}, error_rate, 1.0 if letter_odds is None else letter_odds)
        self._tells_odds = letter_odds is not None
        self.tuning = tuning or StubTuning()
        self.latency = latency
        self.retry_after = 0.01
        self.fault = fault
        self._faults_left = fault_first
        self._fault_after = fault_after
        self.calls = 0
        self.bodies: list[dict[str, Any]] = []
        self.seen: Counter[str] = Counter()
        self._said: Counter[str] = Counter()

    def app(self) -> web.Application:
        """The web application."""
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/v1/models", self._models)
        self.tuning.mount(app)
        return app

    async def _models(self, _request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": "stub", "object": "model"}]})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        self.calls += 1
        self.bodies.append(asked)
        text = "\n\n".join(turn["content"] for turn in asked["messages"])
        self.seen[text] += 1
        await asyncio.sleep(self.latency)
        fault = self._fault_now(asked)
        if fault and fault not in {"ignores_n", "one_bad_choice"}:
            return await self._misbehave(fault, request)
        wanted = 1 if fault == "ignores_n" else asked.get("n", 1)
        choices = [self._choice(asked, text, number) for number in range(wanted)]
        if fault == "one_bad_choice":
            choices[1] = {"index": 1, **CHOICES["content_filter"][0]}
        said = sum(-(-len(choice["message"]["content"]) // 4) for choice in choices)
        return web.json_response(_completion(choices, len(text) // 4, said))

    def _choice(self, asked: Mapping[str, Any], text: str, number: int) -> dict[str, Any]:
        # An endpoint is not told the sample's number: the n-th answer to the same text is taken as sample n.
        said = self._script.reply(text, temperature=asked.get("temperature", 1.0), sample=self._said[text])
        self._said[text] += 1
        message = {"role": "assistant", "content": said}
        told = self._logprobs(said) if asked.get("logprobs") and self._tells_odds else None
        return {"index": number, "message": message, "finish_reason": "stop", "logprobs": told}

    def _logprobs(self, said: str) -> dict[str, Any]:
        tokens = [
            [{"token": text, "logprob": logprob, "bytes": None} for text, logprob in token.alternatives]
            for token in self._script.tail(said)
        ]
        return {"content": [alternatives[0] | {"top_logprobs": alternatives} for alternatives in tokens]}

    def _fault_now(self, asked: Mapping[str, Any]) -> str:
        if not self.fault or self.calls <= self._fault_after:
            return ""
        if self.fault in SPARED and SPARED[self.fault](asked):
            return ""
        if self._faults_left is None:
            return self.fault
        self._faults_left -= 1
        return self.fault if self._faults_left >= 0 else ""

    async def _misbehave(self, fault: str, request: web.Request) -> web.StreamResponse:
        if fault in STATUSES:
            status, code, words = STATUSES[fault]
            key = request.headers.get("Authorization", "").removeprefix("Bearer ")
            headers = {"Location": "/v1/models"} if fault == "redirect" else {"Retry-After": str(self.retry_after)}
            error = {"message": words.format(key=key), "type": "error", "code": code}
            return web.json_response({"error": error}, status=status, headers=headers)
        if fault in CHOICES:
            return web.json_response(_completion(CHOICES[fault], 1, 1))
        if fault in BODIES:
            kind, body = BODIES[fault]
            return web.Response(text=body, content_type=kind)
        if fault == "hang_up":
            if request.transport is not None:
                request.transport.close()
            return web.Response()
        if fault == "cut_off":
            return await _cut_off(request)
        if fault == "hang":
            await asyncio.sleep(3600)
        return await _drip(request)


def _completion(choices: Any, tokens_in: int, tokens_out: int) -> dict[str, Any]:
    used = {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": tokens_in + tokens_out}
    return {
        "id": "stub", "object": "chat.completion", "created": 0, "model": "stub", "choices": choices, "usage": used,
    }  # fmt: skip


async def _cut_off(request: web.Request) -> web.StreamResponse:
    """A body that ends before its announced end."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "999"})
    await response.prepare(request)
    await response.write(b'{"choices": [')
    if request.transport is not None:
        request.transport.close()
    return response


async def _drip(request: web.Request) -> web.StreamResponse:
    """A body that comes byte by byte and never ends."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.05)


@asynccontextmanager
async def served(endpoint: StubEndpoint, port: int = 0) -> AsyncIterator[str]:
    """Serve an endpoint on 127.0.0.1 as long as the context lasts; gives its base URL."""
    runner = web.AppRunner(endpoint.app(), shutdown_timeout=0.1, handle_signals=False)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


async def _serve(endpoint: StubEndpoint, port: int) -> None:
    async with served(endpoint, port) as base_url:
        sys.stdout.write(base_url + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> None:
    """Serve a stub endpoint from the command line."""
    parser = argparse.ArgumentParser(prog="python -m clear_core.llm.stub", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 for a free one")
    parser.add_argument("--answers", type=Path, help="JSON lines with prompt and response")
    parser.add_argument("--error-rate", type=float, default=0.0, help="share of wrong sampled answers")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--fault", choices=("", *FAULTS), default="")
    parser.add_argument("--fault-first", type=int, help="how many calls meet the fault; all by default")
    parser.add_argument("--letter-odds", type=float, help="probability of a reflection's letter; tells none by default")
    parser.add_argument("--fault-after", type=int, default=0, help="how many calls go well before")
    options = vars(parser.parse_args())
    port, path = options.pop("port"), options.pop("answers")
    records = [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path else []
    answers = {record["prompt"]: record["response"] for record in records}
    try:
        asyncio.run(_serve(StubEndpoint(answers, **options), port))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
