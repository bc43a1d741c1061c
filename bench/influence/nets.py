"""Small networks in PyTorch, and the methods of kronfluence on them: the peers' side of the comparisons."""

import copy
import logging
import pathlib
import tempfile
import warnings

import common  # settles the threads before PyTorch is loaded
import numpy as np
import torch
from kronfluence import Analyzer, FactorArguments, ScoreArguments, Task, prepare_model
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
logging.disable(logging.WARNING)
warnings.filterwarnings("ignore", category=FutureWarning)

CHECKPOINTS = 7


def network(widths, dtype=torch.float32):
    layers = []
    for a, b in zip(widths[:-1], widths[1:]):
        layers += [nn.Linear(a, b), nn.ReLU()]
    return nn.Sequential(*layers[:-1]).to(dtype)


def tensors(x, y, dtype=torch.float32):
    return torch.tensor(x, dtype=dtype), torch.tensor(y)


def losses(z, y):
    if z.shape[1] == 1:
        return functional.binary_cross_entropy_with_logits(z[:, 0], y.to(z.dtype), reduction="none")
    return functional.cross_entropy(z, y, reduction="none")


def train(x, y, widths, seed, epochs, decay, rate=0.05, batch=64):
    """SGD with Nesterov's momentum and a cosine schedule; the network, and the mean loss of each row over checkpoints."""
    torch.manual_seed(seed)
    model = network(widths)
    data = tensors(x, y)
    rule = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9, nesterov=True, weight_decay=decay)
    steps = epochs * -(-len(y) // batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(rule, steps)
    kept, mean = set(np.linspace(1, epochs, CHECKPOINTS).round().astype(int)), 0.0
    for epoch in range(1, epochs + 1):
        for ids in torch.randperm(len(y)).split(batch):
            rule.zero_grad()
            losses(model(data[0][ids]), data[1][ids]).mean().backward()
            rule.step()
            schedule.step()
        if epoch in kept:
            with torch.no_grad():
                mean = mean + losses(model(data[0]), data[1]).numpy() / len(kept)
    return model, mean


def from_weights(layers, dtype=torch.float32):
    """A network with weights (outputs, inputs + 1), the bias last."""
    model = network([layers[0].shape[1] - 1, *(layer.shape[0] for layer in layers)], dtype)
    with torch.no_grad():
        for linear, layer in zip([m for m in model if isinstance(m, nn.Linear)], layers):
            linear.weight.copy_(torch.tensor(layer[:, :-1]))
            linear.bias.copy_(torch.tensor(layer[:, -1]))
    return model


def weights(model):
    linear = [m for m in model if isinstance(m, nn.Linear)]
    return [
        torch.cat([m.weight, m.bias[:, None]], 1).detach().to(torch.float64).numpy() for m in linear
    ]


class Classification(Task):
    """Summed losses, for labels as given or drawn from the model."""

    def compute_train_loss(self, batch, model, sample=False):
        x, y = batch
        z = model(x)
        if sample:
            with torch.no_grad():
                y = torch.bernoulli(z[:, 0].sigmoid()) if z.shape[1] == 1 else torch.multinomial(z.softmax(1), 1)[:, 0]
        return losses(z, y).sum()

    def compute_measurement(self, batch, model):
        return self.compute_train_loss(batch, model)


def kronfluence(model, train_data, held, strategy, damping=(1e-8,), dtype=None, seed=0, batch=256):
    """Scores of the training rows against the summed validation loss, positive = helpful, for each damping."""
    torch.manual_seed(seed)
    model = prepare_model(copy.deepcopy(model), Classification())
    training, validation = (TensorDataset(*data) for data in (train_data, held))
    kinds = {}
    if dtype:
        kinds = {"per_sample_gradient_dtype": dtype, "score_dtype": dtype, "precondition_dtype": dtype}
    with tempfile.TemporaryDirectory() as folder:
        analyzer = Analyzer("a", model, Classification(), cpu=True, output_dir=folder, disable_tqdm=True,
                            disable_model_save=True)  # fmt: skip
        analyzer.fit_all_factors("f", training, per_device_batch_size=batch, factor_args=FactorArguments(strategy))
        found = []
        for k, value in enumerate(damping):
            arguments = ScoreArguments(damping_factor=value, aggregate_query_gradients=True, **kinds)
            analyzer.compute_pairwise_scores(
                f"s{k}", "f", validation, training, per_device_query_batch_size=batch, per_device_train_batch_size=batch,
                score_args=arguments,
            )  # fmt: skip
            scores = analyzer.load_pairwise_scores(f"s{k}")
            found.append(scores["all_modules"].to(torch.float64).numpy().ravel())
    return found


def loader(data, batch):
    return DataLoader(TensorDataset(*data), batch_size=batch)


def save(path, model, classes, penalty):
    """For `unhat --model-file`."""
    layers = weights(model)
    hidden = ",".join(str(layer.shape[0]) for layer in layers[:-1])
    kind = f"mlp:{hidden}" if hidden else ("logistic" if layers[0].shape[0] == 1 else "softmax")
    common.write_model(pathlib.Path(path), kind, layers, classes, penalty)
