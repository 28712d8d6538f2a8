"""The demo pair, and the scripts that made it; installed as `sinct_assets`."""
