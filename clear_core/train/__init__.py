"""The fine-tuning step: OpenAI's API or a local LoRA, behind one port. Nothing here imports torch before it trains."""
