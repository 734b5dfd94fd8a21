"""Rules of what the way back itself is made of, so that it can be differentiated again."""

from __future__ import annotations

from typing import Any

import numpy as np

from lazygraph.autodiff.cotangents import (
    Like,
    filled,
    fit,
    like,
    ones,
    owned,
    part,
    placed,
    seed,
    unbroadcast,
    zeros,
)
from lazygraph.autodiff.primitive import primitive
from lazygraph.autodiff.table import constant, define


@primitive
def rebroadcast(ct: Any, form: Like) -> Any:
    """Stretch `ct` to the shape of `form`, in its dtype."""
    wide = ct if np.shape(ct) == form.shape else np.broadcast_to(ct, form.shape)
    return unbroadcast(wide, form)


constant(like, ones, seed, zeros)
define([unbroadcast], "x form", x=lambda ct, like_x: rebroadcast(ct, like_x), form=None)
define([rebroadcast], "x form", x=lambda ct, like_x: unbroadcast(ct, like_x), form=None)
define([fit], "x form what", takes_lists=True, x=lambda ct: ct, form=None)
define([owned], "x form s0 s1 s2 s3 s4 s5 s6 s7", takes_lists=True, x=lambda ct: ct, form=None)
define([filled], "x form", takes_lists=True, x=lambda ct: ct, form=None)
define(
    [part],
    "whole way",
    takes_lists=True,
    whole=lambda ct, way, like_whole: placed(ct, way, like_whole),
)
define([placed], "x way form", takes_lists=True, x=lambda ct, way: part(ct, way), form=None)
