"""Uploads in parts by signed links: the bytes go from the client to the store, past the web."""
