"""The model of a local LoRA: loaded, given its adapter, and taught one batch at a time."""

from __future__ import annotations

from typing import Any, Final

from clear_core.errors import InputError
from clear_core.llm.embedded_server import weights_path
from clear_core.train.lora_data import NO_TARGET, Tokens, padded, pieces

MOST_TOKENS: Final = {"cpu": 1024, "cuda": 16_384}
"""Tokens that are learned at once; a small model's activations take some 2.5 MB for each."""
WARM_UP: Final = 0.05
"""Share of the steps in which the learning rate rises to its height; it then falls to 0 in a straight line."""


def base_model(name: str) -> tuple[Any, Any]:
    """The base model and its tokenizer, from the embedded weights or from a checkpoint's name or folder.

    Raises:
        InputError: when there are no weights, or no chat template.
        OSError: when there is no such checkpoint.
        ValueError: when the checkpoint is of no kind that can be loaded.
    """
    import torch  # noqa: PLC0415
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig  # noqa: PLC0415

    if name:
        model = AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(name)
    else:
        path = weights_path()
        if path is None:
            raise InputError("The embedded model's weights are not installed.", "Run `make setup`.")
        place: dict[str, Any] = {"pretrained_model_name_or_path": path.parent, "gguf_file": path.name}
        model = AutoModelForCausalLM.from_pretrained(
            **place, dtype=torch.float32, quantization_config=GgufConfig(dequantize=True)
        )
        tokenizer = AutoTokenizer.from_pretrained(**place)
    if not tokenizer.chat_template:
        raise InputError(f"{name} has no chat template.", "Choose a base model that was made for chat.")
    return model, tokenizer


def with_lora(model: Any, rank: int) -> Any:
    """The model with fresh LoRA matrices on all its linear maps but the output's; they alone are learned."""
    from peft import LoraConfig, get_peft_model  # noqa: PLC0415

    return get_peft_model(
        model, LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM")
    )


def rate(step: int, total: int, height: float) -> float:
    """The learning rate of a step, from 0: it rises to its height and falls in straight lines."""
    rising = max(1, round(WARM_UP * total))
    return height * min((step + 1) / rising, (total - step) / max(1, total - rising))


def learn_step(model: Any, optimizer: Any, learned: list[Any], batch: list[Tokens], pad: int) -> float:
    """One step; gives the mean loss of the batch's response tokens, in nats."""
    import torch  # noqa: PLC0415

    optimizer.zero_grad()
    tokens, loss = sum(len(example.response) for example in batch), 0.0
    for piece in pieces(batch, MOST_TOKENS[model.device.type]):
        part = _loss(model, piece, pad) / tokens
        part.backward()
        loss += float(part)
    torch.nn.utils.clip_grad_norm_(learned, 1.0)
    optimizer.step()
    return loss


def _loss(model: Any, examples: list[Tokens], pad: int) -> Any:
    """The summed loss of the examples' response tokens."""
    import torch  # noqa: PLC0415

    ids, there, targets = (torch.tensor(rows, device=model.device) for rows in padded(examples, pad))
    width = targets.shape[1]
    outputs = model(
        input_ids=ids,
        attention_mask=there,
        position_ids=(there.cumsum(1) - 1).clamp(min=0),
        logits_to_keep=width + 1,  # each position tells the next token
        use_cache=False,
    )
    logits = outputs.logits[:, -width - 1 : -1].float().flatten(0, 1)
    return torch.nn.functional.cross_entropy(logits, targets.flatten(), ignore_index=NO_TARGET, reduction="sum")
