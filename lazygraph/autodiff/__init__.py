"""A graph -> the graph of its derivatives: backward propagation is one more graph.

The way through::

    goal --walk--> per task: engines (user's rule | parts | table | autograd) --> more tasks

`gradients` is what users call; `walk` goes back through the tasks; `local` is one task on the
way; `engines` find its derivative; `table` and `rules/` hold those that are known, `users` those
that are given, `traced` those that autograd finds, in its registry or by watching a function run;
`watching` does that, `boxes` is what a watched function gets for its arrays, `watched_numpy`
(with `watched_entries`, `watched_more`) lets it call plain numpy, `structures` takes containers
apart, `explaining` says why it went wrong; `expansion` takes apart what the way back made,
so that it is differentiated again; `cotangents` and `primitive` are what rules are written with;
`remat` computes again what is not kept.
"""

from lazygraph.autodiff import rules
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
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "logsumexp",
    "rules",
    "stop_gradient",
    "value_and_grad",
    "vjp",
]
