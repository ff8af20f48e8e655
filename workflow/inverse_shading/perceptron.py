"""A perceptron with hidden layers on thumbnails, trained like the models."""

import itertools

import numpy as np
import torch
from torch import nn

from .dataset import ArrayRows, Labels
from .fitting import Examples, Fit, fit
from .objectives import regression


def fit_perceptron(
    thumbnails: np.ndarray, labels: Labels, config: dict, seed: int, device: torch.device
) -> tuple[np.ndarray, int, Fit]:
    """Train [dense, ReLU] for each hidden size, dense, sigmoid, on the mean squared error.

    Args:
        thumbnails: float32 (n, side, side, 3) in [0, 1].
        labels: of the same images.
        config: hidden_sizes, and a training section's keys (see `fitting.fit`).
        seed: of weights and batches.
        device: where to train.

    Returns:
        Predictions float32 (n, 10), the number of weights, how the training went.
    """
    train = labels.indices("train")
    inputs = thumbnails.reshape(len(thumbnails), -1)
    # Pixels about zero, each by the same amount: a dense layer learns faster from them.
    inputs = inputs - inputs[train].mean(axis=0)
    objective = regression.build({}, labels.targets.shape[1])
    torch.manual_seed(seed)
    sizes = [inputs.shape[1], *config["hidden_sizes"]]
    layers = [
        layer for pair in itertools.pairwise(sizes) for layer in (nn.Linear(*pair), nn.ReLU())
    ]
    network = nn.Sequential(*layers, nn.Linear(sizes[-1], objective.outputs))
    examples = Examples(ArrayRows(inputs), labels.targets, train, labels.indices("validation"))
    result = fit(network, objective, examples, config, seed, device)
    with torch.inference_mode():
        batches = [
            objective.decode(network(torch.from_numpy(rows).to(device)))["sigmoid"].cpu().numpy()
            for rows in np.array_split(inputs, -(-len(inputs) // result.batch_size))
        ]
    count = sum(weight.numel() for weight in network.parameters())
    return np.concatenate(batches), count, result
