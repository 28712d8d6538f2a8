"""The machine that everything runs on: devices and memory, files, time, and child processes."""
