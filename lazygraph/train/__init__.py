"""A training step -> trained parameters: optimizers, learning rates, and the loop around them.

`transforms` change gradients one after the other, `schedules` say how far a step goes, and
`optimizers` chain them: they take parameters, gradients and a state, and give parameters and a
state; `batches` deals out data; `fitting` is the loop, `history` what it tells; `checkpoints`
keeps it from losing what it has done, `settings` from going on as another run. No framework: what
is differentiated is any lazy graph.
"""

from lazygraph.train.batches import Minibatches
from lazygraph.train.checkpoints import load
from lazygraph.train.fitting import fit
from lazygraph.train.history import Epoch, Fit
from lazygraph.train.optimizers import Optimizer, adam, adamw, chain, momentum, sgd
from lazygraph.train.schedules import Cosine, Decay, Warmup
from lazygraph.train.transforms import ClipNorm, ClipValue, WeightDecay

__all__ = [
    "ClipNorm",
    "ClipValue",
    "Cosine",
    "Decay",
    "Epoch",
    "Fit",
    "Minibatches",
    "Optimizer",
    "Warmup",
    "WeightDecay",
    "adam",
    "adamw",
    "chain",
    "fit",
    "load",
    "momentum",
    "sgd",
]
