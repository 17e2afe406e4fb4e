"""The search engine: ask for candidates, tell their scores, select. It knows no network and no cluster.

Read `evolution` first (ask and tell). Then read `pace` (when things happen), `nsga2` (rank, crowding, selection,
survival), `population` (who breeds), `breeding` (children), `rungs` and `climbing` (who is trained longer), `archive`
(scores and the front) and `checkpoint` (saved searches). The room `expert_space` says what a genome of networks may be.
Exported: `Evolution`, what it takes and gives, and `ExpertSpace`.
"""

from haemsa.evo.candidate import Candidate, Evaluated, Failed, Failure, Score
from haemsa.evo.evolution import Evolution
from haemsa.evo.expert_space.bounds import Bounds
from haemsa.evo.expert_space.space import ExpertSpace
from haemsa.evo.space import Space, SpaceExhausted

__all__ = [
    "Bounds",
    "Candidate",
    "Evaluated",
    "Evolution",
    "ExpertSpace",
    "Failed",
    "Failure",
    "Score",
    "Space",
    "SpaceExhausted",
]
