"""CSR: linear layers with sparse matrices, which skip the zeros of a pruned network."""

import warnings
from typing import TypeGuard

import torch
from torch import Tensor, nn

from paretoprune.export.inference import evaluated

# In LeNet-300-100 on a CPU, CSR and dense are equally fast at a tenth of the weights for one
# sample, and at a fifth for 64 samples. In small layers, one sample takes longer with CSR.
MOST_SHARE, LEAST_WEIGHTS = 0.1, 50_000
NUMBERS = (torch.float32, torch.float64)  # CPUs multiply CSR matrices of these types only


class SparseLinear(nn.Module):
    """A `Linear` layer in evaluation mode whose weights are a CSR matrix."""

    weight: Tensor  # [out, in]
    bias: Tensor  # [out]

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.in_features, self.out_features = layer.in_features, layer.out_features
        zeros = layer.weight.new_zeros(layer.out_features)
        self.register_buffer("weight", csr(layer.weight.detach()))
        self.register_buffer("bias", zeros if layer.bias is None else layer.bias.detach())

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer: [*, in] -> [*, out]."""
        rows = x.reshape(-1, self.in_features)
        if len(rows) == 1:  # a vector is twice as fast as a matrix of one column
            y = torch.addmv(self.bias, self.weight, rows[0])
        else:
            y = torch.addmm(self.bias.unsqueeze(1), self.weight, rows.T).T
        return y.reshape(*x.shape[:-1], self.out_features)


def with_csr(network: nn.Module) -> nn.Module | None:
    """Copy a network with CSR matrices in those `Linear` layers that may become faster.

    Whether they do has to be measured. The result is `None` if no layer qualifies.

    Raises:
        CouldNotError: If the network cannot be copied.
    """
    copy = evaluated(network)
    if qualifies(copy):
        return SparseLinear(copy)
    found = [
        (parent, name, layer)
        for parent in copy.modules()
        if not isinstance(parent, nn.TransformerEncoderLayer)  # reads its layers' weights
        for name, layer in parent.named_children()
        if qualifies(layer)
    ]
    for parent, name, layer in found:
        setattr(parent, name, SparseLinear(layer))
    return copy if found else None


def qualifies(layer: nn.Module) -> TypeGuard[nn.Linear]:
    """Return whether a layer is a large `Linear` with few nonzero weights."""
    if type(layer) is not nn.Linear:  # a subclass may compute something else
        return False
    weights, left = layer.weight.numel(), int(layer.weight.count_nonzero())
    few = weights >= LEAST_WEIGHTS and left <= MOST_SHARE * weights
    return few and layer.weight.dtype in NUMBERS


def csr(weight: Tensor) -> Tensor:
    """Convert a matrix to CSR with indices of 32 bits, because MKL converts others at each call."""
    with warnings.catch_warnings(action="ignore"):  # "in beta state"
        matrix = weight.to_sparse_csr()
        rows, columns = matrix.crow_indices().int(), matrix.col_indices().int()
        return torch.sparse_csr_tensor(rows, columns, matrix.values(), weight.shape)
