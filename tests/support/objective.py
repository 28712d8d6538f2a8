"""What the paper's objective reports."""

LOSSES = {
    "adversarial_d",
    "r1",
    "adversarial_g",
    "nce",
    "identity",
    "matching",
    "patches",
    "anchor",
}
"""Names of its terms."""
