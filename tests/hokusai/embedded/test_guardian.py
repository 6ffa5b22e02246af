import io
import subprocess

from hokusai.embedded.guardian import Guardian, watch
from hokusai.embedded.processes import Group, birth_mark


def test_only_groups_that_were_not_forgotten_are_left() -> None:
    orders = io.StringIO("add 10 15 boot:1\nadd 20 2 Fri Nov 20 2026\nforget 10\n")
    assert watch(orders) == {20: Group(20, "Fri Nov 20 2026", 2)}


def test_closing_ends_what_was_not_forgotten() -> None:
    process = subprocess.Popen(["sleep", "300"], start_new_session=True)
    guardian = Guardian()
    guardian.add(Group(process.pid, birth_mark(process.pid) or ""))
    guardian.close()
    assert process.wait(timeout=60) == -15
