"""A graph -> the graph of its derivatives: backward propagation is one more graph.

The way through::

    loss --backward_pass--> per task: engines (user's rule | table | parts | tracer) --> more tasks

`gradients` is what users call; `backward_pass` goes back through the tasks, `vjp_context` is one
task on the way; `engines` find its derivative; `table` and `rules/` hold those that are known,
`users` those that are given. Of any other function `black_box` is the task that runs it once more
by `pull_back`: `tracer` and `traced_array` stand for its numbers, `numpy_text` runs what numpy has
written in Python, `autograd_rows` are more rules where autograd is installed, `explaining` says
why it went wrong. `expansion` takes apart what the way back made, so that it is differentiated
again; `cotangents` and `primitive` are what rules are written with; `partial_sums` adds up,
`remat` computes again what is not kept.
"""

from lazygraph.autodiff import engines, own_texts, rules
from lazygraph.autodiff.by_name import Backward, backward
from lazygraph.autodiff.checking import check_grads
from lazygraph.autodiff.gradients import grad, hvp, jvp, stop_gradient, value_and_grad, vjp
from lazygraph.autodiff.jacobians import hessian, jacobian
from lazygraph.autodiff.rules.exponentials import logsumexp
from lazygraph.autodiff.users import defvjp

__all__ = [
    "Backward",
    "backward",
    "check_grads",
    "defvjp",
    "engines",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "logsumexp",
    "own_texts",
    "rules",
    "stop_gradient",
    "value_and_grad",
    "vjp",
]
