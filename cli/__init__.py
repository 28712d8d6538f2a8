"""The `sinct` command, installed as `sinct_cli`: parse, call sinct, draw progress, turn errors into exits."""
