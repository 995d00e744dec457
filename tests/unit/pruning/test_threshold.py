"""Pruning at a threshold, also of whole rows."""

import torch

from paretoprune.pruning.threshold import prune


def test_whole_rows_are_pruned_where_it_is_grouped():
    weights = torch.tensor([[[0.5, 0.0, 0.0, 0.0], [0.2, 0.2, -0.2, 0.2]]])
    alone = weights.clone()
    prune([alone], [(slice(0, 1), 0.3)])
    assert alone.tolist() == [[[0.5, 0, 0, 0], [0, 0, 0, 0]]]
    prune([weights], [(slice(0, 1), 0.3)], is_grouped=True)
    assert not weights.any(), "the first row's root mean square is 0.25"
    assert not torch.signbit(weights).any()


def test_itp_prunes_up_to_each_networks_threshold():
    weights = torch.tensor([[0.5, -0.1, 0.1, 0.11], [0.5, -0.1, 0.1, 0.11]])
    prune([weights], [(slice(0, 1), 0.1), (slice(1, 2), 0.0)])
    expected = torch.tensor([[0.5, 0.0, 0.0, 0.11], [0.5, -0.1, 0.1, 0.11]])
    assert torch.equal(weights, expected)
