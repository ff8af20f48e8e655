"""A model as numbers of a page: the page's answers are the command's."""

import numpy as np
import pytest
import torch
from torch import nn

from inverse_shading.network.heads import Head, build_head
from inverse_shading.network.measured_layers import GridPool
from inverse_shading.prediction.model_card import read_model_card
from inverse_shading.prediction.model_files import locate_files
from inverse_shading.prediction.page_network import _dense_layers, pack_network
from inverse_shading.prediction.trained_model import Predictor
from inverse_shading.runtime.errors import InputError
from tests.support.node import run_in_node
from tests.support.small_model import DEPTHS, PERCEPTRON, SmallModel

ANSWERS = """
const network = await page.readNetwork(data.network);
return data.images.map((image) => page.answer(network, image));
"""


@pytest.mark.parametrize(
    ("components", "objective"),
    [(8, "canonical_quantiles"), (0, "regression")],
    ids=["components", "all"],
)
def test_the_page_answers_what_the_command_does(tmp_path, components, objective):
    head = PERCEPTRON | {"components": components}
    model = SmallModel(tmp_path, head=head, objective=objective)
    card = read_model_card(model.folder)
    files = locate_files(model.folder, card)
    images = np.load(model.data.images[1])[:4]
    expected = Predictor(files, card, "cpu", card.threads).answer(images)[:, 0]
    data = {"network": pack_network(files, card), "images": images.reshape(4, -1).tolist()}
    found = np.array(run_in_node(["network.js"], ANSWERS, data))
    assert np.ptp(expected, axis=0).max() > 0.01
    assert np.abs(found - expected).max() < 2e-4


def test_a_model_that_is_no_perceptron_on_pixels_is_refused(tmp_path):
    model = SmallModel(tmp_path, objective="bins")
    card = read_model_card(model.folder)
    with pytest.raises(InputError, match=r"weights\.safetensors: found the model tested, which"):
        pack_network(locate_files(model.folder, card), card)


def test_layers_that_are_neither_dense_nor_measured_are_told():
    mlp = {"type": "mlp", "hidden_sizes": [4], "dropout": 0.5}
    assert _dense_layers(build_head(mlp, (6, 1, 1), 10)) is None
    pooled = Head({"output": nn.Linear(6, 10)}, (6,), pooling=GridPool(2, 2, 1))
    assert _dense_layers(pooled) is None


def test_an_average_image_stays_one_whatever_is_rounded():
    head = build_head(PERCEPTRON, (sum(PERCEPTRON["blocks"]), 1, 1), 10)
    values = sum(DEPTHS[depth] ** 2 * 3 for depth in DEPTHS)
    torch.manual_seed(0)
    head.components.mean.copy_(100 * torch.rand(values))
    head.components.basis.copy_(torch.randn(values, PERCEPTRON["components"]))
    layer, numbers = _dense_layers(head)[0]
    count = layer["outputs"]
    bias, scales = np.frombuffer(numbers[: 8 * count], "<f4").reshape(2, count).astype(np.float64)
    planes = np.frombuffer(numbers[8 * count :], np.uint8).reshape(3, -1).astype(np.int64)
    signed = planes[0] + 256 * planes[1] + 65536 * planes[2]
    whole = ((signed >> 1) ^ -(signed & 1)).reshape(count, -1)
    components = scales * (whole @ head.components.mean.numpy().astype(np.float64)) + bias
    assert np.abs(components).max() < 1e-3
