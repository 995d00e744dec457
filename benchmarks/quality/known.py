"""What is known of small networks on MNIST: published points, and the marks that we mean to reach.

Many of the published points were chosen on test data, or are the best of several seeds.
"""

from dataclasses import dataclass

AUTHORS = {  # nonzero dense weights of LeNet-5 -> test accuracy (arXiv 2008.13590, figure 4)
    7110: 0.9896,
    3730: 0.9869,
    2630: 0.9849,
    1880: 0.9845,
    1710: 0.9834,
    1280: 0.9823,
    500: 0.9720,
    320: 0.9571,
}
Points = tuple[tuple[float, float], ...]  # (nonzeros, test error)


@dataclass(frozen=True)
class Case:
    """A network on MNIST: words of `sweep`, marks to reach and to hope for, what is published."""

    title: str
    options: tuple[str, ...]
    marks: Points
    goals: Points
    published: dict[str, Points]


def shares(weights: int, *points: tuple[float, float]) -> Points:
    """Percent of nonzeros and of errors -> nonzeros and error."""
    return tuple((weights * share / 100, error / 100) for share, error in points)


MLP, CAFFE = 266_200, 430_500  # prunable weights, of all layers
FIGURE_4 = tuple((float(n), 1 - value) for n, value in AUTHORS.items())
REINERS = {"Reiners et al.": FIGURE_4}
CASES = {
    "lenet5": Case(
        title="LeNet-5, 10 epochs",
        options=("--dataset", "mnist", "--model", "lenet5"),
        marks=((2000, 0.010), (800, 0.013), (520, 0.017), (400, 0.024)),
        goals=((1000, 0.010), (400, 0.013), (260, 0.017), (200, 0.024)),
        published=REINERS,
    ),
    "lenet5-short": Case(
        title="LeNet-5, 3 epochs",
        options=("--dataset", "mnist", "--model", "lenet5", "--epochs", "3"),
        marks=FIGURE_4,
        goals=(),
        published=REINERS,
    ),
    "mlp": Case(
        title="LeNet-300-100",
        options=(
            *("--dataset", "mnist", "--model", "mlp", "--prunable", "all"),
            *("--epochs", "60", "--max-runs", "12"),
        ),
        marks=shares(MLP, (5, 1.85), (2, 1.95), (1, 2.3)),
        goals=shares(MLP, (5, 1.5), (2, 1.85), (1, 2.1)),
        published={
            "Han": shares(MLP, (8, 1.59)),
            "SNIP": shares(MLP, (5, 1.6), (2, 2.4)),
            "Sparse Momentum": shares(MLP, (5, 1.53), (2, 1.99), (1, 2.36)),
            "DNS": shares(MLP, (1.8, 1.99)),
            "Sparse VD": shares(MLP, (1.47, 1.92)),
            "SWS": shares(MLP, (4.3, 1.94)),
            "DST": shares(MLP, (2.48, 2.31)),
        },
    ),
    "lenet5-caffe": Case(
        title="LeNet-5-Caffe",
        options=(
            *("--dataset", "mnist", "--model", "lenet5-caffe", "--prunable", "all"),
            *("--max-runs", "10", "--round", "4"),
        ),
        marks=shares(CAFFE, (1.5, 0.80), (0.7, 0.90), (0.3, 1.10)),
        goals=shares(CAFFE, (0.36, 0.74)),
        published={
            "Han": shares(CAFFE, (8, 0.77)),
            "SNIP": shares(CAFFE, (2, 0.8), (1, 1.1)),
            "DST": shares(CAFFE, (1.64, 0.89)),
            "ADMM": shares(CAFFE, (1.4, 0.8)),
            "Sparse Momentum": shares(CAFFE, (2, 0.76), (1, 0.83), (0.5, 1.14)),
            "DNS": shares(CAFFE, (0.9, 0.91)),
            "SWS": shares(CAFFE, (0.5, 0.97)),
            "BC-GHS": shares(CAFFE, (0.64, 1.0)),
            "Sparse VD": shares(CAFFE, (0.36, 0.75)),
        },
    ),
}
