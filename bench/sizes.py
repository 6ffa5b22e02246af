"""How much both sides hold."""

VERSIONS = 1000
TAGS = 5
