"""The kinds of steps, and that nobody forgets one."""

from __future__ import annotations

import typing

import pytest

from certs import force, rotation, steps
from tests.certs.world import DAY, World


def test_every_kind_is_listed() -> None:
    """`reconcile.due` takes the kinds of `ALL`: one that is missing there would never be taken."""
    assert set(steps.ALL) == set(typing.get_args(steps.Step))


@pytest.mark.parametrize("kind", steps.ALL)
def test_each_tells_what_it_did(kind: type[steps.Step]) -> None:
    """In the log, in words of its own."""
    assert len([one for one in steps.ALL if one.done == kind.done]) == 1


def test_every_step_tells_why() -> None:
    """Those of a whole life, due and forced."""
    world = World()
    taken = world.settle_down()
    for _ in range(400):
        world.now += DAY
        taken += world.settle_down()
        world.now += world.wishes.settle
    forced = force.change(world.now, world.wishes, world.state)

    assert {type(step) for step in taken} == set(steps.ALL)
    assert all(step.reason for step in taken)
    assert not isinstance(forced, force.Refusal)
    assert rotation.serves(world.now, world.state)
