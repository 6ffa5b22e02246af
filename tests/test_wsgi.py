import subprocess
import sys

ASK = "import sys, hokusai.wsgi; print('contributions.pages' in sys.modules)"


def test_routes_are_imported_before_the_first_request() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", ASK], capture_output=True, text=True, check=True, timeout=60
    )
    assert answer.stdout.split()[-1] == "True"
