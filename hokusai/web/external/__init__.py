"""Tokens of another service: asked for there (RFC 7662), kept for a minute, never trusted blindly.

What is kept is who a token stands for; whether that may do what is asked is decided anew for each
request. While the service does not answer, whoever was valid before may read and predict for some
minutes, and nobody writes.
"""
