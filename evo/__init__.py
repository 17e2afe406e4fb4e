"""The search: NSGA-II by ask and tell over genomes and scores. It never trains, logs or sees a cluster."""

from evo.bounds import Bounds
from evo.candidate import Candidate, Evaluated, Failed, Failure, Score
from evo.evolution import Evolution
from evo.expert_space import ExpertSpace
from evo.space import Space, SpaceExhausted

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
