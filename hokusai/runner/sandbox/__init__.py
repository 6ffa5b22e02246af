"""The floor under every child: what it may not reach, whatever code it runs."""
