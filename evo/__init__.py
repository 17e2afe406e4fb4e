"""The search engine: ask for candidates, tell their scores, select. It knows no network and no cluster.

Read `evolution` first (ask and tell), then `nsga2` (rank, crowding, selection), `rungs` (who is trained longer),
`population` (who breeds) and `breeding` (children). `expert_space` says what a genome of networks may be.
Exported: `Evolution`, what it gives and takes, and `ExpertSpace`.
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
