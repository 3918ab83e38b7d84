"""Multimodal language models as grounders. Nothing here imports torch or transformers until a model is loaded."""
