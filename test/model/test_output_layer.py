"""The output layer that reads its weights once for a few rows: the same numbers for any count of rows."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="models need the extra [model]")

from types import SimpleNamespace  # noqa: E402

from spatial_llava_ros.model.output_layer import read_output_layer_once  # noqa: E402


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 9])
def test_rows_are_those_of_the_layer_itself(bias, rows):
    torch.manual_seed(rows)
    head = torch.nn.Linear(24, 300, bias=bias)
    hidden = torch.randn(1, rows, 24)
    wanted = head(hidden)
    read_output_layer_once(SimpleNamespace(get_output_embeddings=lambda: head))
    got = head(hidden)
    assert got.shape == wanted.shape and torch.allclose(got, wanted, atol=1e-5)


def test_wide_half_precision_and_missing_layers_are_left_alone():
    for head in (torch.nn.Linear(64, 32), torch.nn.Linear(24, 300).half(), torch.nn.Embedding(3, 4), None):
        read_output_layer_once(SimpleNamespace(get_output_embeddings=lambda head=head: head))
        assert head is None or "forward" not in vars(head)
