"""The `sinct` command, installed as `sinct_cli`: parses arguments, calls sinct, shows progress, reports errors."""
