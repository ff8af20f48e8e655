"""What a search tries next, and which trial it gives up: by Optuna, from finished trials alone.

Nothing is kept in memory from one trial to the next. So a search that was killed and resumed makes the
same trials as one that wasn't, and one with more trials begins as one with fewer.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import TrialState, create_trial
from scipy.stats.qmc import Halton

from inverse_shading.training.trials import COMPLETE, DIVERGED, Trial

# Of a number that is tried: what the file that holds the best should say in full.
SIGNIFICANT_DIGITS = 4


def propose(
    space: Mapping[str, Mapping], finished: Sequence[Trial], startup_trials: int, seed: int
) -> dict:
    """The values that the next trial tries.

    The first `startup_trials` are spread evenly over the space, by a scrambled Halton sequence: few
    independent draws are often all on one side. From then on the tree-structured Parzen estimator of
    Bergstra et al. (2011, "Algorithms for Hyper-Parameter Optimization") draws, each key for itself.
    Trials that were cut short count as worse than all that weren't, those that diverged as the worst.

    Args:
        space: by key: low, high, scale (linear or log), kind (number or integer); or choices.
        finished: trials, in their order.
        startup_trials: see above.
        seed: root of the draws; from it and its number each trial has a generator of its own.

    Returns:
        A value by key; numbers that are not integers of four significant digits.
    """
    if len(finished) < startup_trials:
        sequence = Halton(len(space), rng=np.random.default_rng(seed)).fast_forward(len(finished))
        shares = dict(zip(sorted(space), sequence.random(1)[0], strict=True))
        return {key: _value(space[key], _at(space[key], share)) for key, share in shares.items()}
    number = int(np.random.SeedSequence([seed, len(finished)]).generate_state(1)[0])
    sampler = optuna.samplers.TPESampler(
        n_startup_trials=startup_trials, seed=number, multivariate=False, constant_liar=False
    )
    study = _study(space, finished, sampler=sampler)
    drawn = study.ask(_distributions(space)).params
    return {key: _value(space[key], drawn[key]) for key in sorted(space)}


def is_behind(
    space: Mapping[str, Mapping],
    finished: Sequence[Trial],
    values: Mapping,
    errors: Sequence[float],
    startup_trials: int,
    warmup_epochs: int,
) -> bool:
    """Whether a trial is worse than the median: the lowest of its errors so far is above the median of
    the errors that complete trials had after the same epoch.

    Args:
        space, finished: as for `propose`.
        values: what the trial tries.
        errors: its validation MSE after each epoch so far.
        startup_trials: complete trials that it takes.
        warmup_epochs: epochs in which the answer is always no.
    """
    pruner = optuna.pruners.MedianPruner(
        n_startup_trials=startup_trials, n_warmup_steps=warmup_epochs + 1
    )
    study = _study(space, finished)
    return pruner.prune(study, _frozen(space, TrialState.RUNNING, values, errors))


def _study(space: Mapping[str, Mapping], finished: Sequence[Trial], **parts) -> optuna.Study:
    """A study in memory of the finished trials."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="minimize", **parts)
    for trial in finished:
        state = TrialState.COMPLETE if trial.state == COMPLETE else TrialState.PRUNED
        # Without any epoch Optuna takes a trial for worse than one that was cut short in the first.
        errors = [] if trial.state == DIVERGED else trial.errors
        study.add_trial(_frozen(space, state, trial.values, errors))
    return study


def _frozen(
    space: Mapping[str, Mapping], state: TrialState, values: Mapping, errors: Sequence[float]
) -> optuna.trial.FrozenTrial:
    return create_trial(
        state=state,
        value=min(errors) if state == TrialState.COMPLETE else None,
        params={key: _drawn(space[key], values[key]) for key in sorted(space)},
        distributions=_distributions(space),
        intermediate_values=dict(enumerate(errors, start=1)),
    )


def _distributions(space: Mapping[str, Mapping]) -> dict[str, BaseDistribution]:
    """In the keys' alphabetical order, in which they are drawn."""
    return {key: _distribution(space[key]) for key in sorted(space)}


def _distribution(part: Mapping) -> BaseDistribution:
    if "choices" in part:
        # By their places: Optuna knows no lists.
        return CategoricalDistribution(range(len(part["choices"])))
    kind = IntDistribution if part.get("kind") == "integer" else FloatDistribution
    return kind(part["low"], part["high"], log=part.get("scale") == "log")


def _at(part: Mapping, share: float) -> float:
    """What lies at a share, from 0 to below 1, of the way through a key's space."""
    if "choices" in part:
        return int(share * len(part["choices"]))
    low, high = part["low"], part["high"]
    if part.get("kind") == "integer":
        # As much room for the first and the last as for any other.
        low, high = low - 0.5, high + 0.5
    log = part.get("scale") == "log"
    return low * (high / low) ** share if log else low + (high - low) * share


def _value(part: Mapping, drawn: float):
    """What is tried, from what was drawn."""
    if "choices" in part:
        return part["choices"][drawn]
    if part.get("kind") == "integer":
        return min(max(math.floor(drawn + 0.5), part["low"]), part["high"])
    rounded = float(f"{drawn:.{SIGNIFICANT_DIGITS}g}")
    return min(max(rounded, float(part["low"])), float(part["high"]))


def _drawn(part: Mapping, value):
    """What Optuna would have drawn for a value, the reverse of `_value`."""
    return part["choices"].index(value) if "choices" in part else value
