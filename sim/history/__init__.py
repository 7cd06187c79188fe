"""History: yearly trade, output and memberships of the states, read from files of a folder.

``codes`` holds the closed vocabularies and ``files`` reads rows up to a year; ``trade`` (from
``flows``), ``output`` and ``memberships`` each check and arrange one file; ``reader`` puts them
together to a ``History``. ``decisions`` reads the table of dated decisions that comes with the
program, or one like it.
"""

from sim.history.decisions import Decision, read_decisions
from sim.history.flows import ZERO_TRADE
from sim.history.history import History
from sim.history.memberships import Membership
from sim.history.reader import read_history

__all__ = ["ZERO_TRADE", "Decision", "History", "Membership", "read_decisions", "read_history"]
