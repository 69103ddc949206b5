"""Runs of state machines of Hypothesis: derandomized in the suite, long ones from a seed."""

import sys
from collections.abc import Mapping

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test


def run_machine(
    machine: type[RuleBasedStateMachine], examples: int, steps: int, number: int | None
) -> None:
    """Run machines with so many steps each; without a seed, always the same ones."""
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        derandomize=number is None,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    seeded = machine if number is None else seed(number)(machine)
    run_state_machine_as_test(seeded, settings=chosen)


def run_from_command_line(machine: type[RuleBasedStateMachine], counts: Mapping[str, int]) -> None:
    """Run machines with the examples, steps and seed of the command line; print the counts."""
    run_machine(machine, *map(int, sys.argv[1:4]))
    sys.stdout.write("".join(f"{counts[name]:7,} {name}\n" for name in sorted(counts)))
    sys.stdout.write(f"{sum(counts.values()):7,} in all\n")
