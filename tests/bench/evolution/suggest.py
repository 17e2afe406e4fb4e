"""The space of genomes for Optuna: every gene is a `suggest_*` of a trial. And the way back.

Ordered choices (widths, epochs, ...) are suggested by their place, so that a sampler knows which are neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from optuna.trial import BaseTrial

from haemsa.evo.expert_space.bounds import LOGARITHMIC, TRAINING, Bounds
from haemsa.evo.expert_space.domain import BOUND_OF, Domain
from haemsa.evo.expert_space.legal import assemble, idle_genes, legal_expert
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import (
    GLOBAL,
    EncoderKind,
    EncoderSpec,
    ExpertSpec,
    GateKind,
    GateSpec,
    LevelSpec,
    NetworkSpec,
)
from haemsa.model.spec.training import TrainingGenes


def suggest_genome(trial: BaseTrial, domain: Domain, *, whole: bool) -> Genome:
    """A legal genome from a trial's suggestions.

    `whole`: all genes are suggested in every trial, also those of absent levels and experts. This is for samplers that
    only vary what all trials have (Optuna's NSGA-II draws the rest at random). Otherwise only genes with an effect are.
    """
    return _Suggestion(trial, domain, whole).genome()


class _Suggestion:
    """Asks one trial for genes, by name and bound."""

    def __init__(self, trial: BaseTrial, domain: Domain, whole: bool) -> None:
        self.trial, self.domain, self.bounds, self.whole = trial, domain, domain.bounds, whole

    def genome(self) -> Genome:
        names = self.domain.modalities
        used = [name for name in names if self._flag(f"{name}.use")] or list(names)
        encoders = {name: self._encoder(name) for name in (names if self.whole else used)}
        width = self._choice("width", "widths")
        count = self.trial.suggest_int("levels", 0, self.bounds.max_levels)
        tokens = (*(names if self.whole else used), GLOBAL)
        levels = [self._level(f"{i}", tokens) for i in range(self.bounds.max_levels if self.whole else count)]
        training = self._training()
        return assemble(self.domain, width, [encoders[name] for name in used], levels[:count], training)

    def _training(self) -> TrainingGenes:
        genes: dict[str, Any] = {name: self._real(name, name) for name in TRAINING}
        for gene, bound in BOUND_OF.items():
            genes[gene] = self.trial.suggest_categorical(gene, getattr(self.bounds, bound))
        genes["task_weights"] = [(task, self._real(f"{task}.weight", "task_weight")) for task in self.domain.weighted]
        return TrainingGenes(epochs=self._choice("epochs", "epochs"), **genes)

    def _encoder(self, name: str) -> EncoderSpec:
        if not self.domain.pools(name):
            return EncoderSpec(name)
        kind = self._kind(f"{name}.kind", EncoderKind)
        heads = self._choice(f"{name}.heads", "heads") if self.whole or kind == "attention" else 1
        kernel = self._choice(f"{name}.kernel", "kernels") if self.whole or kind == "convolution" else 3
        return EncoderSpec(name, kind, heads, kernel)

    def _level(self, place: str, tokens: Sequence[str]) -> LevelSpec:
        count = self.trial.suggest_int(f"{place}.experts", 1, self.bounds.max_experts)
        transfer = self._flag(f"{place}.transfer")
        gate = self._gate(place)
        suggested = self.bounds.max_experts if self.whole else count
        experts = [self._expert(f"{place}.{j}", tokens) for j in range(suggested)]
        return LevelSpec(tuple(experts[:count]), gate, transfer)

    def _gate(self, place: str) -> GateSpec:
        kind = self._kind(f"{place}.gate", GateKind)
        temperature = self._real(f"{place}.temperature", "temperature")
        if not self.whole and kind != "top_k":
            return GateSpec(kind, temperature=temperature)
        return GateSpec(kind, self._choice(f"{place}.k", "gate_k"), temperature, self._real(f"{place}.noise", "noise"))

    def _expert(self, place: str, tokens: Sequence[str]) -> ExpertSpec:
        sees = tuple(token for token in tokens if self._flag(f"{place}.sees.{token}")) or (GLOBAL,)
        kind = self.trial.suggest_categorical(f"{place}.kind", self.domain.expert_kinds)
        depth = self.trial.suggest_int(f"{place}.depth", 1, self.bounds.max_depth)
        return legal_expert(self.domain, sees, kind, depth, self._choice(f"{place}.width", "expert_widths"))

    def _choice(self, name: str, bound: str) -> int:
        choices = getattr(self.bounds, bound)
        return choices[self.trial.suggest_int(name, 0, len(choices) - 1)]

    def _real(self, name: str, bound: str) -> float:
        low, high = getattr(self.bounds, bound)
        return self.trial.suggest_float(name, low, high, log=bound in LOGARITHMIC)

    def _kind(self, name: str, kinds: Any) -> Any:
        return self.trial.suggest_categorical(name, get_args(kinds))

    def _flag(self, name: str) -> bool:
        return self.trial.suggest_categorical(name, (False, True))


def parameters(domain: Domain, genome: Genome) -> dict[str, Any]:
    """The suggestions that make a legal genome, for `enqueue_trial`. The sampler chooses genes without effect."""
    network, bounds = genome.network, domain.bounds
    suggestions: dict[str, Any] = {f"{name}.use": name in network.modalities for name in domain.modalities}
    suggestions |= {"width": bounds.widths.index(network.width), "levels": len(network.levels)}
    for encoder in network.encoders:
        suggestions |= _encoder_parameters(domain, encoder)
    for i, level in enumerate(network.levels):
        suggestions |= _level_parameters(bounds, f"{i}", level, network)
    idle, training = idle_genes(domain, network), genome.training
    suggestions["epochs"] = bounds.epochs.index(training.epochs)
    suggestions |= {f"{task}.weight": training.task_weight(task) for task in domain.weighted}
    return suggestions | {name: getattr(training, name) for name in (*TRAINING, *BOUND_OF) if name not in idle}


def _encoder_parameters(domain: Domain, encoder: EncoderSpec) -> dict[str, Any]:
    if not domain.pools(encoder.modality):
        return {}
    suggestions: dict[str, Any] = {"kind": encoder.kind}
    if encoder.kind == "attention":
        suggestions["heads"] = domain.bounds.heads.index(encoder.heads)
    if encoder.kind == "convolution":
        suggestions["kernel"] = domain.bounds.kernels.index(encoder.kernel)
    return {f"{encoder.modality}.{name}": value for name, value in suggestions.items()}


def _level_parameters(bounds: Bounds, place: str, level: LevelSpec, network: NetworkSpec) -> dict[str, Any]:
    gate, lone = level.gate, len(level.experts) == 1
    suggestions: dict[str, Any] = {"experts": len(level.experts), "transfer": level.transfer, "gate": gate.kind}
    if gate.kind == "sigmoid" or not lone:
        suggestions["temperature"] = gate.temperature
    if gate.kind == "top_k":
        suggestions |= {"k": bounds.gate_k.index(gate.k), "noise": gate.noise}
    for j, expert in enumerate(level.experts):
        suggestions |= {f"{j}.sees.{token}": token in expert.sees for token in (*network.modalities, GLOBAL)}
        suggestions |= {f"{j}.kind": expert.kind, f"{j}.depth": expert.depth}
        suggestions[f"{j}.width"] = bounds.expert_widths.index(expert.width)
    return {f"{place}.{name}": value for name, value in suggestions.items()}
