"""Runs model versions in isolated children. Plain Python: knows neither Django nor any app."""
