from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from experiments.algorithms.feedback_attack import Attack, play_attack
from experiments.algorithms.power import power_at
from experiments.algorithms.simulation import (
    ALPHA,
    ATTEMPTS,
    Rate,
    all_families,
    find_gains,
    play_ledgers,
)
from experiments.algorithms.spending import alpha_for_attempt

# Attempt, rows, gain, margin; the first two are what the planner asks for at a power of 80 %.
PLANNED = (
    (1, 2239, 0.03, 0.01),
    (20, 5704, 0.03, 0.01),
    (1, 800, 0.03, 0.01),
    (1, 800, 0.05, 0.01),
)
DISAGREEMENT = 0.1
TRIES_BEFORE = (20, 100, 1_000)


class Command(BaseCommand):
    """Plays out families of attempts; needs no database and writes nothing."""

    help = "How often simulated ledgers accept worthless candidates and find real gains."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--ledgers", type=int, default=2_000)
        parser.add_argument("--attempts", type=int, default=ATTEMPTS)
        parser.add_argument("--tries", type=int, default=2_000, help="real gains, each")
        parser.add_argument("--runs", type=int, default=1_000, help="feedback attacks, each")
        parser.add_argument("--seed", type=int, default=20261120)

    def handle(self, *args: Any, **options: Any) -> None:
        self._false_accepts(options["ledgers"], options["attempts"], options["seed"])
        self._real_gains(options["tries"], options["seed"])
        self._attacks(options["runs"], options["seed"])

    def _false_accepts(self, ledgers: int, attempts: int, seed: int) -> None:
        self._head(f"false accepts per ledger of {attempts} attempts, alpha {ALPHA}", "ledgers")
        for family in all_families():
            self._row(family.name, play_ledgers(family, ledgers, attempts, seed))

    def _real_gains(self, tries: int, seed: int) -> None:
        self._head(f"real gains found, disagreement {100 * DISAGREEMENT:g} %", "tries")
        for attempt, n, gain, margin in PLANNED:
            alpha = alpha_for_attempt(ALPHA, attempt)
            planned = power_at(n, gain, DISAGREEMENT, alpha, margin)
            name = f"{n} rows, attempt {attempt}, gain {100 * gain:g} pp; planned {planned:.3f}"
            found = find_gains(
                n=n,
                gain=gain,
                disagreement=DISAGREEMENT,
                margin=margin,
                attempt=attempt,
                tries=tries,
                seed=seed,
            )
            self._row(name, found)

    def _attacks(self, runs: int, seed: int) -> None:
        self._head("feedback attack, 800 rows, scores rounded to whole points", "runs")
        for tries in TRIES_BEFORE:
            fallen = play_attack(Attack(tries=tries), runs, seed)
            self._row(f"{tries} tries: passes screening", fallen.screening)
            self._row(f"{tries} tries: payable", fallen.payable)

    def _head(self, title: str, counted: str) -> None:
        self.stdout.write(f"\n| {title} | {counted} | share | 95 % interval |\n|---|---|---|---|")

    def _row(self, name: str, rate: Rate) -> None:
        low, high = rate.interval
        counts = f"{rate.happened} of {rate.of}"
        self.stdout.write(f"| {name} | {counts} | {rate.share:.4f} | {low:.4f} to {high:.4f} |")
        self.stdout.flush()
