"""A training step -> trained parameters: optimizers as plain functions, and the loop around them.

`optimizers` take parameters, gradients and a state, and give parameters and a state; `batches`
deals out data; `fitting` is the loop; `checkpoints` keeps it from losing what it has done;
`trees` walks nested parameters. No framework: what is differentiated is any lazy graph.
"""

from lazygraph.train.batches import Minibatches
from lazygraph.train.fitting import Epoch, Fit, fit
from lazygraph.train.optimizers import adam, momentum, sgd

__all__ = ["Epoch", "Fit", "Minibatches", "adam", "fit", "momentum", "sgd"]
