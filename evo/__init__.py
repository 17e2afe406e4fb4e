"""The search engine: ask for candidates, tell their scores, select. It knows no network and no cluster.

Read `evolution` first (ask and tell). Then read `pace` (when things happen), `operators` (DEAP's toolbox: who breeds,
what children are made of, who survives), `population` and `breeding` (which call them), `rungs` and `climbing` (who is
trained longer), `archive` (scores and the front), `nsga2` (ranks of thousands), `logbook`, `history` and `checkpoint`
(saved searches). The room `learning` chooses among children by a model of scores. The room `expert_space` says what a
genome of networks may be.
Exported: `Evolution`, what it takes and gives, `toolbox`, `repaired` and `ExpertSpace`.
"""

from haemsa.evo.candidate import Candidate, Evaluated, Failed, Failure, Score
from haemsa.evo.evolution import Evolution
from haemsa.evo.expert_space.bounds import Bounds
from haemsa.evo.expert_space.space import ExpertSpace
from haemsa.evo.operators.individual import Fitness, Individual
from haemsa.evo.operators.toolbox import repaired, toolbox
from haemsa.evo.space import Space, SpaceExhausted

__all__ = [
    "Bounds",
    "Candidate",
    "Evaluated",
    "Evolution",
    "ExpertSpace",
    "Failed",
    "Failure",
    "Fitness",
    "Individual",
    "Score",
    "Space",
    "SpaceExhausted",
    "repaired",
    "toolbox",
]
