"""The output layer on a CPU: half of a small model's work, for a vocabulary has 30 000 to 150 000 rows of weights.

A question needs two or three rows of logits. On x86 MKL multiplies so few rows with a tall matrix one after the other
and reads the matrix for each; with the factors turned round it reads it once (measured with 151 936 x 896 in 32 bits:
two rows 70 and 25 ms, three 105 and 32, five 75 and 36, eight 80 and 84).
"""

from __future__ import annotations

from functools import partial
from typing import Any

_FEW = range(2, 5)  # rows for which turning round pays
_TALL = 4  # outputs per input from which on


def read_output_layer_once(model: Any) -> None:
    """Make a transformers model's unquantised output layer read its weights once for a few rows; same products."""
    import torch

    head = model.get_output_embeddings()
    if type(head) is not torch.nn.Linear or not torch.backends.mkl.is_available():
        return
    weight = head.weight
    if weight.device.type == "cpu" and weight.dtype == torch.float32 and len(weight) >= _TALL * weight.shape[1]:
        head.forward = partial(_forward, head)


def _forward(head: Any, hidden: Any) -> Any:
    """(…, k, V) from (…, k, width)."""
    rows = hidden.reshape(-1, hidden.shape[-1])
    if len(rows) not in _FEW:
        return type(head).forward(head, hidden)
    logits = (head.weight @ rows.T).T
    logits = logits if head.bias is None else logits + head.bias
    return logits.reshape(*hidden.shape[:-1], -1)
