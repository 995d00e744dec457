"""The knee as the point where what is lost and what is gained are even, of all that there is."""

import numpy as np
import pandas as pd

from paretoprune.analysis.knee.axes import WHOLE_OF, Terms, distinct, word_of
from paretoprune.analysis.knee.result import Verdict, too_few

DEVIATION = 0.1  # in log loss: points farther off the curve count less than quadratically
STEEPEST = 30.0  # power of the fitted curve: steeper ones are cliffs


def balance(front: pd.DataFrame, terms: Terms) -> Verdict:
    """Take the point beyond which a share of the loss buys less than the same share of weights.

    A loss may grow from the least one to the constant prediction's, and a size shrink from the
    whole network's to one (l1: by as many times as there are weights). In the logarithms this makes
    a price: at it, an equal share of either is even. The point lies where a curve
    `L = least + (size / scale) ** -power`, fitted to the front, has this slope; the network nearest
    to it is chosen. It is `chord` (Das, 1999) with the box of the problem in place of the front's
    own, on a curve in place of single points, so that neither ends nor noise move it
    (docs/decisions/0008). An extreme may be chosen.
    """
    front = distinct(front, terms)
    few = too_few(front)
    if few:
        return few
    losses, sizes = np.log(10) * front[list(terms.axes)].to_numpy(float).T  # [N] each
    room = np.log(terms.constant_loss) - losses.min()
    if room <= 0:
        return Verdict(None, "no network is better than the constant prediction")
    whole = WHOLE_OF.get(terms.axes[1], "prunable_weights")
    price = room / np.log(front[whole].max())
    size = size_at(price, losses, sizes)
    best = int(abs(sizes - np.clip(size, sizes.min(), sizes.max())).argmin())
    even = f"{1 / price:.2g} % of the {word_of(terms.axes[1])} for 1 % of the loss, the even price"
    reason = f"smaller networks save less than {even}"
    if size < sizes.min():
        reason = f"the smallest network still saves {even}: the front may go on"
    return Verdict(int(front.index[best]), reason)


def size_at(price: float, losses: np.ndarray, sizes: np.ndarray) -> float:
    """The logarithm of the size at which the fitted curve has the slope `-price`.

    `losses` and `sizes` [N] are logarithms; infinite where no point of the curve has that slope.
    """
    from scipy.optimize import least_squares  # slow: a third of a second

    least, middle = losses.min(), sizes.mean()

    def off(curve: np.ndarray) -> np.ndarray:
        floor, height, log_power = curve
        fall = height - np.exp(log_power) * (sizes - middle)
        return np.asarray(np.logaddexp(floor, fall) + least - losses)

    found = least_squares(
        off,
        x0=(-0.3, 0.0, 0.0),
        bounds=((-5.0, -50.0, -5.0), (5.0, 50.0, np.log(STEEPEST))),
        loss="soft_l1",
        f_scale=DEVIATION,
    )
    floor, height, power = found.x[0], found.x[1], float(np.exp(found.x[2]))
    if power <= price:
        return -np.inf
    # power * fall / (least + fall) = price, with fall = exp(height - power * (size - middle))
    fall = floor + np.log(price / (power - price))
    return float(middle + (height - fall) / power)
