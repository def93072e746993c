"""The child process of a local LoRA: reads a job, learns, tells its progress, ends when its parent does.

It reads one line of JSON from standard input and writes JSON lines to standard output. When standard input ends it
saves a checkpoint after the step under way and ends: so a pause, and so a parent that was killed, lose no step.
"""

from __future__ import annotations

import json
import math
import os
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final, TextIO

from clear_core.errors import ClearError, InputError, TrainingError
from clear_core.io import atomic_writer
from clear_core.train.gguf_adapter import write_gguf
from clear_core.train.lora_data import Tokens, batches, tokens_of
from clear_core.train.lora_model import base_model, learn_step, rate, with_lora
from clear_core.train.settings import LORA_BATCH_SIZE, LORA_LEARNING_RATE, TrainSettings

CHECKPOINT: Final = "checkpoint.pt"
FACTS: Final = "facts.json"
LEFT_OUT: Final = "left_out.jsonl"


class _Job:
    """One training, from rows to adapter.

    Args:
        folder: where rows.jsonl lies and everything is written.
        settings: how to train.
        mark: the training's fingerprint; a checkpoint with another one is not gone on from.
        out: where progress is told.
    """

    def __init__(self, folder: Path, settings: TrainSettings, mark: str, out: TextIO) -> None:
        self._folder = folder
        self._settings = settings
        self._mark = mark
        self._out = out
        self._stop = threading.Event()
        self._seconds = 0.0
        self._step = 0
        self._loss = 0.0

    def stop(self) -> None:
        """End after the step under way."""
        self._stop.set()

    def tell(self, **what: Any) -> None:
        """Write one line; where nobody reads any more, stop instead, so that what is learned gets saved."""
        try:
            self._out.write(json.dumps(what) + "\n")
            self._out.flush()
        except BrokenPipeError:
            self.stop()

    def run(self) -> None:
        """Train until done or stopped."""
        import torch  # noqa: PLC0415

        self.tell(phase="preparing", told="Loading the base model.")
        model, tokenizer = base_model(self._settings.base)
        examples, left_out = self._examples(tokenizer)
        size = self._settings.batch_size or LORA_BATCH_SIZE
        total = self._settings.epochs * -(-len(examples) // size)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        torch.manual_seed(self._settings.seed)
        model = with_lora(model, self._settings.rank).to(device)
        model.train()
        learned = [weights for weights in model.parameters() if weights.requires_grad]
        optimizer = torch.optim.AdamW(learned, lr=0.0, weight_decay=0.0)
        self._resume(model, optimizer, device)
        self.tell(phase="training", step=self._step, total=total, told=f"{len(examples):,} examples on the {device}.")
        lengths = [len(example) for example in examples]
        pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
        started, before = time.monotonic(), self._seconds
        for step in range(self._step, total):
            if self._stop.is_set():
                self._save(model, optimizer)
                return
            epoch, place = divmod(step, total // self._settings.epochs)
            if place == 0 or step == self._step:
                order = batches(lengths, size, self._settings.seed, epoch)
            batch = [examples[number] for number in order[place]]
            for group in optimizer.param_groups:
                group["lr"] = rate(step, total, self._settings.learning_rate or LORA_LEARNING_RATE)
            self._loss = learn_step(model, optimizer, learned, batch, pad)
            if not math.isfinite(self._loss):
                raise TrainingError(f"The loss is no number any more after step {step}.", "Lower the learning rate.")
            self._step, self._seconds = step + 1, before + time.monotonic() - started
            self.tell(phase="training", step=self._step, total=total, loss=self._loss)
            if self._step % self._settings.save_every == 0:
                self._save(model, optimizer)
        self._finish(model, total, examples, left_out, device)

    def _examples(self, tokenizer: Any) -> tuple[list[Tokens], Counter[str]]:
        examples, left_out = list[Tokens](), Counter[str]()
        with (self._folder / "rows.jsonl").open(encoding="utf-8") as rows, (self._folder / LEFT_OUT).open("w") as log:
            for number, line in enumerate(rows):
                row = json.loads(line)
                tokens = tokens_of(tokenizer, row["messages"], self._settings.max_tokens)
                if isinstance(tokens, str):
                    left_out[tokens] += 1
                    log.write(json.dumps({"id": row.get("id", str(number)), "why": tokens}) + "\n")
                else:
                    examples.append(tokens)
        if not examples:
            raise InputError(
                f"None of the {left_out.total():,} examples can be learned: {told(left_out)}.",
                "Raise the longest example that is taken, or check the file.",
            )
        if left_out:
            self.tell(phase="preparing", told=f"{left_out.total():,} examples are left out: {told(left_out)}.")
        return examples, left_out

    def _resume(self, model: Any, optimizer: Any, device: str) -> None:
        import torch  # noqa: PLC0415
        from peft import set_peft_model_state_dict  # noqa: PLC0415

        path = self._folder / CHECKPOINT
        if not path.exists():
            return
        saved = torch.load(path, map_location=device, weights_only=True)
        if saved["mark"] != self._mark:
            return
        set_peft_model_state_dict(model, saved["adapter"])
        optimizer.load_state_dict(saved["optimizer"])
        self._step, self._seconds, self._loss = saved["step"], saved["seconds"], saved["loss"]

    def _save(self, model: Any, optimizer: Any) -> None:
        import torch  # noqa: PLC0415
        from peft import get_peft_model_state_dict  # noqa: PLC0415

        kept = {
            "mark": self._mark,
            "step": self._step,
            "seconds": self._seconds,
            "loss": self._loss,
            "adapter": get_peft_model_state_dict(model),
            "optimizer": optimizer.state_dict(),
        }
        with atomic_writer(self._folder / CHECKPOINT) as out:
            torch.save(kept, out)

    def _finish(self, model: Any, steps: int, examples: list[Tokens], left_out: Counter[str], device: str) -> None:
        self.tell(phase="saving", step=steps, total=steps)
        model.save_pretrained(self._folder)
        if not self._settings.base:
            config = model.config
            write_gguf(self._folder, heads=config.num_attention_heads, key_heads=config.num_key_value_heads)
        facts = {
            "examples": len(examples),
            "left_out": dict(left_out),
            "steps": steps,
            "response_tokens": sum(len(example.response) for example in examples),
            "final_loss": self._loss,
            "seconds": round(self._seconds, 1),
            "device": device,
        }
        # Last, and with the fingerprint: what tells a finished folder from one under way.
        with atomic_writer(self._folder / FACTS) as out:
            out.write(json.dumps({"mark": self._mark, **facts}).encode())
        (self._folder / CHECKPOINT).unlink(missing_ok=True)
        self.tell(done=True)


WHY: Final = {
    "blank": "the response is empty",
    "control": "a text holds one of the model's control tokens",
    "template": "the model's chat template refuses the turns or changes the response",
    "not_text": "a text holds half a character",
    "too_long": "longer than the tokens that are taken",
}


def told(left_out: Counter[str]) -> str:
    """Why how many examples are left out, for a person."""
    return ", ".join(f"{number:,} {WHY[why]}" for why, number in left_out.most_common())


def main() -> None:
    """Run the job that standard input names."""
    asked = json.loads(sys.stdin.readline())
    # Before torch is imported: threads that spin while they wait for each other starve on a busy machine.
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    os.environ["GOMP_SPINCOUNT"] = "0"
    out = sys.stdout
    sys.stdout = sys.stderr  # libraries print what is no progress of ours
    job = _Job(Path(asked["folder"]), TrainSettings(**asked["settings"]), asked["mark"], out)

    def wait() -> None:
        sys.stdin.read()
        job.stop()

    threading.Thread(target=wait, daemon=True).start()
    try:
        job.run()
    except ClearError as error:
        job.tell(error=error.message, hint=error.hint)
    except (OSError, ValueError) as error:
        # What transformers raises for a checkpoint that is not there or not one.
        first_line = str(error).partition("\n")[0]
        job.tell(error=f"{type(error).__name__}: {first_line[:300]}", hint="")
    os._exit(0)  # the thread that waits on standard input would keep the process


if __name__ == "__main__":
    main()
