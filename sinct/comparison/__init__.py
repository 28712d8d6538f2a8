"""Methods side by side on the same pictures: `compare` runs and measures them, and writes the report.

Each method works in a process of its own (`worker`), and what has an outcome is not done again (`outcomes`).
"""
