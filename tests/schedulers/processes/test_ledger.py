"""Who looks at which block, against a model that knows it all; no process is started."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from lazygraph.schedulers.processes.ledger import Block, Ledger
from lazygraph.schedulers.processes.space import Handle

_SIZE = 100


def handle(number: int) -> Handle:
    """One of three owners': of the parent, and of two workers."""
    return Handle(((number % 3) << 40) + number * 4096, _SIZE)


class Sharing(RuleBasedStateMachine):
    """Blocks are free exactly once: when nobody, here or in a worker, looks at them."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger()
        self.held: dict[Handle, Block] = {}  # by this process
        self.looking: dict[Handle, set[int]] = {}  # workers, of all blocks in use
        self.told: dict[int, list[Handle]] = {1: [], 2: []}  # to be acknowledged
        self.n_made = 0
        self.free: list[Handle] = []

    def _freed(self, handles: list[Handle]) -> None:
        for each in handles:
            assert each not in self.held
            assert not self.looking.pop(each)  # fails for one that was freed before, too
            self.free.append(each)

    @rule(is_new=st.booleans())
    def adopt(self, is_new: bool) -> None:
        """A new block, or one at a place that was free."""
        if not is_new and self.free:
            place = self.free.pop()
        else:
            place, self.n_made = handle(self.n_made), self.n_made + 1
        (block,) = self.ledger.adopt([place, place]).values()
        self.held[place], self.looking[place] = block, set()

    @precondition(lambda self: self.held)
    @rule(data=st.data(), worker=st.sampled_from([1, 2]))
    def lend(self, data: Any, worker: int) -> None:
        place = data.draw(st.sampled_from(sorted(self.held)))
        self.ledger.lend([place], worker)
        self.looking[place].add(worker)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def let_go(self, data: Any) -> None:
        del self.held[data.draw(st.sampled_from(sorted(self.held)))]
        assert self.ledger.has_released

    @rule()
    def drop(self) -> None:
        free, told = self.ledger.drop()
        self._freed(free)
        for worker, handles in told.items():
            assert all(worker in self.looking[place] for place in handles)
            self.told[worker] += handles

    @rule(worker=st.sampled_from([1, 2]), count=st.integers(0, 3))
    def acknowledge(self, worker: int, count: int) -> None:
        """Some of what it was told of, and a block that nobody knows."""
        gone, self.told[worker] = self.told[worker][:count], self.told[worker][count:]
        for place in gone:
            self.looking[place].discard(worker)
        self._freed(self.ledger.acknowledge(worker, [*gone, handle(10_000)]))

    @rule(worker=st.sampled_from([1, 2]))
    def die(self, worker: int) -> None:
        self.told[worker] = []
        for borrowers in self.looking.values():
            borrowers.discard(worker)
        self._freed(self.ledger.borrower_died(worker))
        assert set(self.ledger.in_use(worker)) == {h for h in self.looking if h.owner == worker}

    @invariant()
    def every_byte_is_counted(self) -> None:
        assert self.ledger.nbytes == _SIZE * len(self.looking)

    def teardown(self) -> None:
        later: list[Handle] = []
        assert sorted(self.ledger.close(later.append)) == sorted(self.held)
        held = sorted(self.held)
        self.held.clear()
        assert sorted(later) == held


TestSharing = Sharing.TestCase


def test_a_block_tells_of_its_end_once_and_never_raises() -> None:
    released: list[Handle] = []
    block = Block(Handle(0, 1), released.append)
    also = block
    del block
    assert not released
    del also
    assert released == [Handle(0, 1)]
    half_made = Block.__new__(Block)
    del half_made  # an exception here would be a warning, and so an error


def test_a_block_that_was_never_adopted_cannot_be_lent() -> None:
    with pytest.raises(KeyError):
        Ledger().lend([handle(0)], 1)
