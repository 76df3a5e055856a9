"""Compiled loops on plain arrays: no checks, no strings; the callers check."""
