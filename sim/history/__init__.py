"""History: yearly trade, output and memberships of the states, read from files of a folder.

``codes`` holds the closed vocabularies and ``files`` reads rows up to a year; ``trade`` (from
``flows``), ``output`` and ``memberships`` each check and arrange one file; ``reader`` puts them
together to a ``History``.
"""

from sim.history.flows import ZERO_TRADE
from sim.history.history import History
from sim.history.memberships import Membership
from sim.history.reader import read_history

__all__ = ["ZERO_TRADE", "History", "Membership", "read_history"]
