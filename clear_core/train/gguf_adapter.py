"""A LoRA adapter as peft saves it -> the GGUF file that llama.cpp lays over its weights."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from clear_core.errors import InputError
from clear_core.llm.embedded_adapter import ADAPTER_FILE

TENSORS: Final = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
"""A llama layer's linear maps: peft's name -> llama.cpp's."""
NAME: Final = re.compile(r"base_model\.model\.model\.layers\.(\d+)\.(.+)\.lora_(A|B)\.weight")


def rotated(weights: NDArray[Any], heads: int) -> NDArray[Any]:
    """Rows of a query or key map in llama.cpp's order.

    Transformers turns the first half of a head's dimensions against the second, llama.cpp each even one against the
    next odd one: within each head, row i of the first half goes to 2i and row i of the second to 2i + 1.

    Args:
        weights: (heads * dimensions of a head, anything).
        heads: of this map; keys may have fewer than queries.
    """
    halves = weights.reshape(heads, 2, weights.shape[0] // heads // 2, *weights.shape[1:])
    return halves.swapaxes(1, 2).reshape(weights.shape)


def write_gguf(folder: Path, *, heads: int, key_heads: int) -> Path:
    """Write the adapter in `folder` as GGUF beside it, whole or not at all.

    Args:
        folder: holds adapter_config.json and adapter_model.safetensors.
        heads: the base model's attention heads.
        key_heads: of its keys and values.

    Returns:
        The file.

    Raises:
        InputError: when the adapter changes something that is no linear map of a llama layer.
    """
    import gguf  # noqa: PLC0415 - an extra
    from safetensors.numpy import load_file  # noqa: PLC0415

    alpha = float(json.loads((folder / "adapter_config.json").read_text("utf-8"))["lora_alpha"])
    out = folder / ADAPTER_FILE
    unfinished = out.with_suffix(".tmp")
    writer = gguf.GGUFWriter(unfinished, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    for name, weights in load_file(folder / "adapter_model.safetensors").items():
        layer, part, side = _placed(name)
        if side == "b" and part in {"attn_q", "attn_k"}:
            weights = rotated(weights, heads if part == "attn_q" else key_heads)  # noqa: PLW2901
        writer.add_tensor(f"blk.{layer}.{part}.weight.lora_{side}", np.ascontiguousarray(weights, np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    unfinished.replace(out)
    return out


def _placed(name: str) -> tuple[str, str, str]:
    found = NAME.fullmatch(name)
    if not found or found[2] not in TENSORS:
        raise InputError(f"The adapter changes {name}, which llama.cpp can't lay over its weights.")
    return found[1], TENSORS[found[2]], found[3].lower()
