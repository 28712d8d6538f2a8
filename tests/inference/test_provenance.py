"""What a picture's metadata say of very many photos fits into every format."""

from sinct.inference.to_file import _listed


def test_few_hashes_are_listed_and_very_many_have_one():
    hashes = [f"{number:064x}" for number in range(1000)]
    assert _listed(hashes[:2]) == f"{hashes[0]}, {hashes[1]}"
    assert _listed(hashes).startswith("1000 pictures, whose list of hashes has the SHA-256 ")
    assert max(len(_listed(hashes[:count])) for count in range(1, 1001)) < 7000  # a JPEG holds 65,000
