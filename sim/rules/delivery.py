"""Contracts, their delivery, and the capital that grows from it (E17-E19)."""

from __future__ import annotations

import numpy as np

from sim.axes import DOMAIN, STATE, Domain, FloatArray, sum_over


def sign(pick: FloatArray, amount: FloatArray) -> FloatArray:
    """E17: money signed, y g, (state, power, domain, replicate), USD bn."""
    return pick * amount


def unspent(available: FloatArray, signed: FloatArray) -> FloatArray:
    """E17: what no state took of a power's money, Un = Av - sum of signed, (1, power, 1, ·)."""
    left = available - sum_over(sum_over(signed, DOMAIN), STATE)
    return np.maximum(left, 0.0, out=left)  # rounding


def processed(backlog: FloatArray, share: FloatArray) -> FloatArray:
    """E18: commitments that come due in this step, proc = phi_d B, USD bn."""
    return share * backlog


def outcome(uniform: FloatArray, probability: FloatArray) -> FloatArray:
    """E18: whether what comes due is delivered, Z = 1[u < pi]."""
    return (uniform < probability).astype(np.float64)


def under_sanctions(
    probability: FloatArray, effect: FloatArray, pressure: FloatArray
) -> FloatArray:
    """E18: clip(pi (1 - delta^pi (X - X0)), 0, 1). Null: effect 0."""
    return np.clip(probability * (1 - effect * pressure), 0.0, 1.0)


def next_backlog(backlog: FloatArray, due: FloatArray, signed: FloatArray) -> FloatArray:
    """E18: B' = B - proc + signed, USD bn."""
    left = backlog - due
    left += signed
    return left


def next_capital(capital: FloatArray, retained: FloatArray, delivered: FloatArray) -> FloatArray:
    """E19: K' = K (1 - delta_d)^years + Rd, (state, power, domain, replicate), USD bn."""
    found = capital * retained
    found += delivered
    return found


def next_investment(stock: FloatArray, retained: FloatArray, delivered: FloatArray) -> FloatArray:
    """E19: F' = F (1 - delta)^years + deliveries outside security, (state, power, 1, ·), USD bn."""
    before = sum_over(delivered[:, :, : Domain.SECURITY], DOMAIN)
    after = sum_over(delivered[:, :, Domain.SECURITY + 1 :], DOMAIN)
    return stock * retained + (before + after)
