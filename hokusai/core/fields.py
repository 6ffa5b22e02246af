from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Func

from hokusai.core.ids import id_factory

# Length of a sha256 in hexadecimal.
DIGEST = 64
SLUG_PATTERN = r"[a-z0-9][a-z0-9-]{0,62}"

slug_validator = RegexValidator(
    rf"^{SLUG_PATTERN}\Z",
    "Use lower-case letters, digits and hyphens, at most 63, starting with a letter or digit.",
)


def public_id_field(prefix: str) -> "models.CharField[str, str]":
    """The id that leaves the house; the bigint key never does."""
    return models.CharField(
        max_length=48,
        unique=True,
        editable=False,
        default=id_factory(prefix),
        help_text="public id",
    )


def slug_field(*, unique: bool = False) -> "models.CharField[str, str]":
    """A name that is legal in a URL and in MLflow."""
    return models.CharField(
        max_length=63,
        unique=unique,
        validators=[slug_validator],
        help_text="lower-case letters, digits, hyphens",
    )


class CurrentTransaction(Func):
    """The number of the transaction that writes; unlike an identity, it says what is committed.

    Below `pg_snapshot_xmin(pg_current_snapshot())` no transaction writes any more.
    """

    template = "pg_current_xact_id()::text::bigint"
    arity = 0
    output_field = models.BigIntegerField()


def known_values(
    field: str, choices: type[models.TextChoices], name: str
) -> models.CheckConstraint:
    """Keeps a state column to the states that the code knows."""
    return models.CheckConstraint(condition=models.Q(**{f"{field}__in": choices.values}), name=name)
