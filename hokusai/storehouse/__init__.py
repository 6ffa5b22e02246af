"""The store process: signed links to a local content store, for machines without S3. Plain Python:
knows neither Django nor any app."""
