"""One AdamW for all rows, against torch's for each."""

import torch
from torch import Tensor, nn

from haemsa.model.network.cohort import Cohort, Stack
from haemsa.model.network.cohort_network import CohortNetwork
from haemsa.model.network.weights import Weights, extract_from
from haemsa.model.training.optimizer import CohortAdamW
from tests.support.model.cohort_tools import row_weights
from tests.support.model.random_genomes import SCHEMA, random_rows

ROWS = random_rows(6, 3)
STEPS = 12


def targets_of(stacks: list[Stack]) -> list[Tensor]:
    """A fixed number for every weight that is real, and zero for padding, so that the loss is a sum over rows."""
    found = []
    for number, stack in enumerate(stacks):
        target = torch.zeros_like(stack.parameter)
        generator = torch.Generator().manual_seed(number)
        for slot in stack.slots:
            target[slot.place] = torch.randn(slot.shape, generator=generator).double()
        found.append(target)
    return found


def loss_of(parameters: list[Tensor], targets: list[Tensor], step: int) -> Tensor:
    """A square distance that grows and shrinks, so that clipping acts in some steps only."""
    pairs = zip(parameters, targets, strict=True)
    return (0.01 + (step % 4) ** 2) * torch.stack([(p - t).square().sum() for p, t in pairs]).sum()


def optimised() -> tuple[list[Weights], list[Weights], list[Weights], set[str]]:
    """Weights of all rows before and after some steps, their targets, and the names of those that decay."""
    cohort = Cohort(ROWS, SCHEMA)
    network = CohortNetwork(cohort).double()
    before, stacks = row_weights(network, len(ROWS)), list(network.stacks())
    targets = targets_of(stacks)
    genes = (cohort.gene(name) for name in ("learning_rate", "weight_decay", "clip"))
    optimizer = CohortAdamW(stacks, *genes)
    for step in range(STEPS):
        optimizer.step(loss_of([stack.parameter for stack in stacks], targets, step))
    wanted = extract_from(list(zip(stacks, targets, strict=True)), range(len(ROWS)))
    decaying = {slot.name for stack in stacks if stack.decays for slot in stack.slots}
    return before, row_weights(network, len(ROWS)), wanted, decaying


def test_each_row_moves_as_under_torchs_adamw_and_clipping_alone() -> None:
    before, after, wanted, decaying = optimised()
    for row, start, found, target in zip(ROWS, before, after, wanted, strict=True):
        genes = row.genome.training
        weights = {name: nn.Parameter(values.clone()) for name, values in start.items()}
        groups = [
            {
                "params": [value for name, value in weights.items() if name in decaying],
                "weight_decay": genes.weight_decay,
            },
            {"params": [value for name, value in weights.items() if name not in decaying], "weight_decay": 0.0},
        ]
        alone = torch.optim.AdamW(groups, lr=genes.learning_rate)
        norms = []
        for step in range(STEPS):
            alone.zero_grad()
            loss_of(list(weights.values()), list(target.values()), step).backward()
            norms.append(float(nn.utils.clip_grad_norm_(weights.values(), genes.clip)))
            alone.step()
        assert max(norms) > genes.clip
        for name, values in weights.items():
            torch.testing.assert_close(found[name], values.detach(), rtol=1e-6, atol=1e-7)


def test_matrices_decay_and_biases_gates_queries_and_stand_ins_do_not() -> None:
    *_, decaying = optimised()
    kinds = {name.split(".")[-1] for name in decaying}
    assert {"weight", "out"} <= kinds
    assert not kinds & {"bias", "stand_in", "query", "gate"}


def test_a_state_moved_to_another_optimiser_goes_on_alike() -> None:
    def run(moved: bool) -> Tensor:
        network = CohortNetwork(Cohort(ROWS, SCHEMA)).double()
        stacks = list(network.stacks())
        targets = targets_of(stacks)
        genes = [torch.full((len(ROWS),), value) for value in (1e-2, 1e-2, 1.0)]
        optimizer = CohortAdamW(stacks, *genes)
        for step in range(8):
            if moved and step == 4:
                state, steps = [array.clone() for array in optimizer.state()], optimizer.steps
                optimizer = CohortAdamW(stacks, *genes)
                optimizer.set_steps(steps)
                for array, values in zip(optimizer.state(), state, strict=True):
                    array.copy_(values)
            optimizer.step(loss_of([stack.parameter for stack in stacks], targets, step))
        return optimizer.values.clone()

    torch.testing.assert_close(run(moved=True), run(moved=False), rtol=0, atol=0)


def test_parameters_are_views_of_the_flat_values() -> None:
    network = CohortNetwork(Cohort(ROWS, SCHEMA))
    stacks = list(network.stacks())
    ones = torch.ones(len(ROWS))
    optimizer = CohortAdamW(stacks, ones, ones, ones)
    optimizer.values.fill_(0.5)
    assert all(bool((stack.parameter == 0.5).all()) for stack in stacks)


def test_a_gradient_that_is_not_finite_stays_in_its_row() -> None:
    def run(poisoned: bool) -> list[Weights]:
        network = CohortNetwork(Cohort(ROWS, SCHEMA)).double()
        stacks = list(network.stacks())
        optimizer = CohortAdamW(stacks, *(torch.full((len(ROWS),), value) for value in (1e-2, 1e-2, 1.0)))
        for step in range(3):
            loss = loss_of([stack.parameter for stack in stacks], targets_of(stacks), step)
            if poisoned:  # every place of the last row, holes included
                layout = optimizer.layout
                last = torch.zeros_like(optimizer.values)
                for part, of_row in zip(layout.parts(last), layout.by_row(torch.eye(len(ROWS))[-1]), strict=True):
                    part.add_(of_row)
                for span in layout.spans:
                    mine = torch.where(span.view(last) > 0, span.stack.parameter, 0.0)
                    loss = loss + (mine * torch.where(span.view(last) > 0, torch.nan, 0.0)).sum()
            optimizer.step(loss)
        return row_weights(network, len(ROWS))

    calm, hurt = run(False), run(True)
    assert all(bool(values.isnan().all()) for values in hurt[-1].values())
    for found, expected in zip(hurt[:-1], calm[:-1], strict=True):
        assert all(torch.equal(found[name], expected[name]) for name in expected)
