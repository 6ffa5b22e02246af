"""How much both sides hold, and how the rows of both are tagged."""

MODELS = 2_000
PER_MODEL = 50
VERSIONS = MODELS * PER_MODEL
TAGS = 5
# Versions of a team: searching for a team, a framework and a task finds a fifth of them.
PER_TEAM = 1_000
FRAMEWORKS = 5
TASKS = 10
REGIONS = 10
# Of each model, the version that is in production; the one after it is the latest.
IN_PRODUCTION = PER_MODEL - 1
# The table of a batch, and how many processes each side has for it.
BATCH_ROWS = 1_000_000
BATCH_COLUMNS = 30
BATCH_PROCESSES = 2

# Key and SQL of each tag's value, of the version with the running number `i`, from 0.
TAG_SQL = {
    "team": f"'team-' || i / {PER_TEAM}",
    "task": f"'task-' || i / {PER_TEAM} % {TASKS}",
    "framework": f"'framework-' || i % {FRAMEWORKS}",
    "region": f"'region-' || i / {FRAMEWORKS} % {REGIONS}",
    "note": "'note ' || i",
}


def tag_rows() -> str:
    """SQL of key and value, to be joined LATERAL with a table that has `i`; for placeholders."""
    pairs = ", ".join(f"('{key}', {value})" for key, value in TAG_SQL.items())
    return f"VALUES {pairs}".replace("%", "%%")


def searched(number: int, versions: int = VERSIONS) -> list[tuple[str, str]]:
    """Three tags that 200 versions carry together; another team and framework for each number."""
    team = number % max(1, versions // PER_TEAM)
    return [
        ("team", f"team-{team}"),
        ("framework", f"framework-{number % FRAMEWORKS}"),
        ("task", f"task-{team % TASKS}"),
    ]
