"""Objectives of one's own: functions that score a genome by its predictions for held-out samples.

Read `objective` first: what such a function gets, and what may go wrong in it. `reference` finds the function that
"min:mymodule:cost" means, `shipping` sends it to workers on other machines, and `first_failures` ends a search in which
it never works.
"""

from haemsa.cluster.workers.own_objectives.objective import OwnFunctions, OwnObjective, OwnObjectiveError

__all__ = ["OwnFunctions", "OwnObjective", "OwnObjectiveError"]
