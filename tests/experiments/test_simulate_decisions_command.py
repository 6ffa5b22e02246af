from io import StringIO

from django.core.management import call_command


def test_the_command_prints_a_table_of_every_family_gain_and_attack() -> None:
    out = StringIO()

    call_command("simulate_decisions", ledgers=1, attempts=1, tries=50, runs=1, seed=5, stdout=out)

    rows = [line for line in out.getvalue().splitlines() if " of " in line and " to " in line]
    assert len(rows) == 8 + 4 + 6
    assert any("log-loss, 60 clusters | " in row for row in rows)
    assert any("5704 rows, attempt 20" in row and "planned 0.8" in row for row in rows)
