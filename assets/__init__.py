"""The demo pair of pictures, and the scripts that made it; installed as `sinct_assets`."""
