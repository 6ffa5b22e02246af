"""The filter, read by a small interpreter of its own, says what it should."""

import errno

import pytest

from hokusai.runner.sandbox import seccomp
from hokusai.runner.sandbox.seccomp import (
    ALLOW,
    ANY_BIT,
    AT_LEAST,
    AUDIT_ARCH,
    CLONE,
    CLONE3,
    CLONE_THREAD,
    COLUMN,
    EQUAL,
    ERRNO,
    FIRST_ARGUMENT_AT,
    KILL_PROCESS,
    LOAD,
    NUMBER_AT,
    OWN_PID_ONLY,
    PRLIMIT64,
    REFUSED,
    RETURN,
    X32_BIT,
)

PID = 77
MACHINES = sorted(COLUMN)
EPERM = ERRNO | errno.EPERM


def verdict(machine: str, number: int, argument: int = 0, arch: int | None = None) -> int:
    """What the kernel would return for a call."""
    data = {NUMBER_AT: number, FIRST_ARGUMENT_AT: argument}
    lines, at, loaded = seccomp.program(machine, PID), 0, 0
    while True:
        code, when_true, when_false, operand = lines[at]
        at += 1
        if code == RETURN:
            return operand
        if code == LOAD:
            loaded = data.get(operand, AUDIT_ARCH[machine] if arch is None else arch)
            continue
        tests = {
            EQUAL: loaded == operand,
            AT_LEAST: loaded >= operand,
            ANY_BIT: bool(loaded & operand),
        }
        at += when_true if tests[code] else when_false


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", sorted(REFUSED))
def test_every_listed_call_is_refused(machine: str, name: str) -> None:
    number = REFUSED[name][COLUMN[machine]]
    assert number is None or verdict(machine, number) == EPERM


@pytest.mark.parametrize(("machine", "number"), [("x86_64", 0), ("x86_64", 1), ("aarch64", 63)])
def test_reading_and_writing_are_allowed(machine: str, number: int) -> None:
    assert verdict(machine, number) == ALLOW


@pytest.mark.parametrize("machine", MACHINES)
def test_threads_may_be_made_and_processes_not(machine: str) -> None:
    number = CLONE[COLUMN[machine]]
    assert verdict(machine, number, CLONE_THREAD | 0x3D0F00) == ALLOW
    assert verdict(machine, number, 17) == EPERM
    assert verdict(machine, CLONE3[COLUMN[machine]]) == ERRNO | errno.ENOSYS


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", sorted(OWN_PID_ONLY))
def test_signals_reach_the_process_itself_only(machine: str, name: str) -> None:
    number = OWN_PID_ONLY[name][COLUMN[machine]]
    assert verdict(machine, number, PID) == ALLOW
    for other in (0, 1, PID + 1, 0xFFFFFFFF):
        assert verdict(machine, number, other) == EPERM


@pytest.mark.parametrize("machine", MACHINES)
def test_limits_of_others_stay_as_they_are(machine: str) -> None:
    number = PRLIMIT64[COLUMN[machine]]
    assert [verdict(machine, number, pid) for pid in (0, PID, PID + 1)] == [ALLOW, ALLOW, EPERM]


def test_another_architecture_ends_the_process() -> None:
    assert verdict("x86_64", 0, arch=0x40000003) == KILL_PROCESS


def test_the_x32_twins_are_refused() -> None:
    assert verdict("x86_64", X32_BIT | 41) == EPERM
