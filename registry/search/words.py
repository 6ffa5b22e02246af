"""Words that somebody typed, as queries of PostgreSQL's full text search; each may be a prefix."""

from dataclasses import dataclass

MAX_WORDS = 8
# Model ids are indexed with these as spaces.
_APART = str.maketrans(".-", "  ")


@dataclass(frozen=True, slots=True)
class WordQueries:
    """All words as they were typed; all of them as model ids are indexed; any of them."""

    whole: str
    parts: str
    any_word: str


def word_queries(text: str) -> WordQueries:
    """Queries for `to_tsquery`; words beyond eight are not asked for."""
    whole = [_prefix(word) for word in text.split()[:MAX_WORDS]]
    parts = [_prefix(word) for word in text.translate(_APART).split()[:MAX_WORDS]]
    return WordQueries(" & ".join(whole), " & ".join(parts), " | ".join([*whole, *parts]))


def _prefix(word: str) -> str:
    quoted = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{quoted}':*"
