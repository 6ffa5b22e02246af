"""Starts what a machine lacks: PostgreSQL, Redis and MLflow, from pip alone, and supervises
Hokusai's processes.

For one machine only. Plain Python: knows neither Django nor any app, so that it can start before
either. Everything it writes is below one folder; nothing outside that folder changes mode or owner.
"""
