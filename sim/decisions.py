"""The decision log: each option that a state had, what spoke for it, and which it picked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from sim.axes import DOMAINS, FloatArray
from sim.parameters import Parameters
from sim.processes import Terms
from sim.record import Record
from sim.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

NONE: Final = "none"
"""The option of picking nobody."""
TERMS: Final = Terms._fields
"""Names of the terms of utility, in the order in which they are added up."""
UNITS: Final[Mapping[str, str]] = {
    "amount": "USD bn",
    "value": "percent of GDP",
    "conditions": "share",
    "credibility": "share",
    **dict.fromkeys(TERMS, "log-odds"),
    "utility": "log-odds",
    "score": "1",
    "probability": "share",
    "noise": "1",
    "signed": "USD bn",
}
"""Unit of each column of numbers of the log."""


def decisions(
    record: Record, parameters: Parameters, scenario: Scenario, period: str
) -> pd.DataFrame:
    """Decisions of one half-year of one replicate, one row an option.

    Parameters
    ----------
    record, parameters : of one replicate.
    period : label of the half-year.

    Returns
    -------
    Columns ``period, state, domain, option``; what was offered (``posted``, ``amount``, ``value``,
    ``conditions``, ``credibility``); the terms, which add up to ``utility``; ``score`` (utility
    times precision), ``probability``, ``noise`` added to the score, ``picked`` and ``signed``.
    "None" offers nothing: its columns of offers and terms are NaN. Units are in ``UNITS``.
    """
    import pandas as pd

    columns = _columns(record, parameters)
    states, options, domains = columns["probability"].shape
    labels = np.indices((states, domains, options)).reshape(3, -1)
    table: dict[str, Any] = {
        "period": period,
        "state": np.array(scenario.state_codes)[labels[0]],
        "domain": np.array(DOMAINS)[labels[1]],
        "option": np.array([NONE, *scenario.power_codes])[labels[2]],
    }
    for name, array in columns.items():
        table[name] = array.transpose(0, 2, 1).ravel()
    return pd.DataFrame(table)


def _columns(record: Record, parameters: Parameters) -> dict[str, Any]:
    """Everything of the log as (state, option, domain)."""
    offers, appraised, contracts = record.offers, record.appraisal, record.contracts
    shape = appraised.utility.shape
    outside = np.broadcast_to(parameters.outside_option, (shape[0], 1, shape[2], 1))
    nobody = 1.0 - contracts.pick.sum(axis=1, keepdims=True)

    def wide(array: NDArray[Any], first: FloatArray | float = np.nan) -> FloatArray:
        """With "none" first."""
        head = np.broadcast_to(first, (shape[0], 1, shape[2], 1))
        return np.concatenate([head, np.broadcast_to(array, shape)], axis=1)[..., 0]

    return {
        "posted": wide(offers.posted, 1.0).astype(bool),
        "amount": wide(offers.amount),
        "value": wide(offers.value),
        "conditions": wide(offers.conditions),
        "credibility": wide(offers.credibility),
        **{name: wide(term) for name, term in zip(TERMS, appraised.terms, strict=True)},
        "utility": wide(appraised.utility, outside),
        "score": appraised.score[..., 0],
        "probability": appraised.probability[..., 0],
        "noise": contracts.noise[..., 0],
        "picked": wide(contracts.pick, nobody),
        "signed": wide(contracts.signed, 0.0),
    }
