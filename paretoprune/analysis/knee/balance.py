"""Balance rule: the fitted front has slope -1 on logarithmic axes scaled to the problem's range."""

import numpy as np
import pandas as pd

from paretoprune.analysis.knee.axes import AxesSpec, distinct, word_of
from paretoprune.analysis.knee.result import KneeResult, too_few
from paretoprune.study.columns import COLUMNS

DEVIATION = 0.1  # in log loss: larger residuals count less than quadratically
STEEPEST = 30.0  # largest power of the fitted curve: steeper ones are cliffs


def balance(front: pd.DataFrame, spec: AxesSpec) -> KneeResult:
    """Choose the point beyond which a share of the loss buys less than the same share of the size.

    The problem sets the range of each axis. A loss can grow from the least one to that of the
    constant prediction. A size can shrink from the whole network's to one; an l1 norm can shrink
    by a factor of the number of prunable weights. The ratio of the two logarithmic ranges is the
    even price: at this price equal shares of both ranges are worth the same. A curve
    `L = least + (size / scale) ** -power` is fitted to the front, and the network nearest to the
    point where its logarithmic slope is minus the even price is chosen.

    This is `chord` (Das, 1999) with the box of the problem in place of the front's, and with a
    curve in place of single points, so that neither the extremes nor noise move the knee
    (docs/decisions/0008). The rule may choose an extreme.
    """
    points = distinct(front, spec)
    few = too_few(points)
    if few:
        return few
    losses, sizes = np.log(10) * points.to_numpy(float).T  # [N] each
    room = np.log(spec.constant_loss) - losses.min()
    if room <= 0:
        return KneeResult(None, "no network is better than the constant prediction")
    whole = COLUMNS[spec.axes[1]].dense
    price = room / np.log(front.loc[points.index, whole].max())
    size = size_at(price, losses, sizes)
    best = int(abs(sizes - np.clip(size, sizes.min(), sizes.max())).argmin())
    even = f"{1 / price:.2g} % of the {word_of(spec.axes[1])} for 1 % of the loss, the even price"
    reason = f"smaller networks save less than {even}"
    if size < sizes.min():
        reason = f"the smallest network still saves {even}: the front may go on"
    return KneeResult(int(points.index[best]), reason)


def size_at(price: float, losses: np.ndarray, sizes: np.ndarray) -> float:
    """Return the logarithm of the size at which the fitted curve has the slope `-price`.

    `losses` and `sizes` [N] are natural logarithms. The result is minus infinity if the curve is
    nowhere that steep.
    """
    from scipy.optimize import least_squares  # here, as it takes 0.3 s to import

    least, middle = losses.min(), sizes.mean()

    def residuals(curve: np.ndarray) -> np.ndarray:
        floor, height, log_power = curve
        fall = height - np.exp(log_power) * (sizes - middle)
        return np.asarray(np.logaddexp(floor, fall) + least - losses)

    fit = least_squares(
        residuals,
        x0=(-0.3, 0.0, 0.0),
        bounds=((-5.0, -50.0, -5.0), (5.0, 50.0, np.log(STEEPEST))),
        loss="soft_l1",
        f_scale=DEVIATION,
    )
    floor, height, power = fit.x[0], fit.x[1], float(np.exp(fit.x[2]))
    if power <= price:
        return -np.inf
    # power * fall / (least + fall) = price, with fall = exp(height - power * (size - middle))
    fall = floor + np.log(price / (power - price))
    return float(middle + (height - fall) / power)
