"""Predictions for whole tables: planned in parts, done by workers, put together as Parquet."""
