"""Parameters and FLOPs by hand; that torch counts the same is one of the invariants."""

from haemsa.model.cost import cost
from haemsa.model.schema import Schema, TaskInfo
from haemsa.model.spec.network import EncoderSpec, ExpertSpec, NetworkSpec
from tests.support.model.cohort_tools import genome, level

SCHEMA = Schema({"text": (10, 6)}, {"sentiment": TaskInfo("regression")})
HEAD = 4 + 2 + 4 + 1  # gate and its bias for two tokens, weight and bias at a width of four
OTHER = 4 + 4 + 1  # an encoder's bias, stand-in and share
HEAD_PRODUCTS = 2 * 4 + 4  # the gate over two tokens, and one output


def counted(encoder: EncoderSpec) -> dict[str, float]:
    return cost(NetworkSpec(4, (encoder,)), SCHEMA)


def test_a_mean_encoder_projects_once() -> None:
    assert counted(EncoderSpec("text")) == {"params": 6 * 4 + OTHER + HEAD, "flops": 2 * (6 * 4 + HEAD_PRODUCTS)}


def test_attention_scores_and_pools_every_step() -> None:
    assert counted(EncoderSpec("text", "attention", heads=2)) == {
        "params": 6 * 4 + OTHER + 6 * 2 + HEAD,
        "flops": 2 * (2 * 10 * 6 * 2 + 6 * 4 + HEAD_PRODUCTS),
    }


def test_convolution_projects_and_convolves_every_step() -> None:
    assert counted(EncoderSpec("text", "convolution", kernel=3)) == {
        "params": 6 * 4 + OTHER + 3 * 4 + HEAD,
        "flops": 2 * (10 * 6 * 4 + 10 * 4 * 3 + HEAD_PRODUCTS),
    }


def counted_expert(expert: ExpertSpec) -> tuple[float, float]:
    """Parameters, and products of a prediction, that an expert and its gates add to a mean encoder."""
    base = counted(EncoderSpec("text"))
    found = cost(genome(level(expert), modalities=["text"]).network, SCHEMA)
    gates = 2 * (4 + 1), 2 * 2 * 4
    return found["params"] - base["params"] - gates[0], (found["flops"] - base["flops"]) / 2 - gates[1]


def test_cross_attention_scores_and_pools_every_step_with_one_query() -> None:
    params = 2 * 4 * 5 + 5 + 2 * 6 * 5 + 5 + 5 * 5 + 5 + 5 * 4 + 4
    products = 2 * 4 * 5 + 2 * 6 * 5 + 2 * 10 * 6 + 5 * 5 + 5 * 4
    assert counted_expert(ExpertSpec(("text", "global"), "cross_attention", 2, 5)) == (params, products)


def test_a_tensor_expert_reads_all_products_of_its_units() -> None:
    params = 2 * (4 * 3 + 3) + 16 * 4 + 4
    assert counted_expert(ExpertSpec(("text", "global"), "tensor", 1, 3)) == (params, 2 * 4 * 3 + 16 * 4)


def test_a_level_has_gates_for_every_token_and_experts() -> None:
    network = genome(level(ExpertSpec(("text", "global"), "gated", 2, 5)), modalities=["text"]).network
    base = counted(EncoderSpec("text"))
    expert = 2 * 4 * 10 + 10 + 5 * 5 + 5 + 5 * 4 + 4
    gates = 2 * (4 + 1)
    products = 2 * 4 * 10 + 5 * 5 + 5 * 4 + 2 * 2 * 4  # two tokens, each with a logit and a mixture
    assert cost(network, SCHEMA) == {"params": base["params"] + expert + gates, "flops": base["flops"] + 2 * products}
