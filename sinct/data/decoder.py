"""A process that reads and scales pictures for a training: `python -m sinct.data.decoder`.

Each line on its standard input is a request in JSON: a picture's path and the settings. The answer is a line of JSON
with the picture's shape, followed by its bytes; or with the fault. It ends when its standard input closes, as it also
does when the training's process dies.
"""

import json
import os
import sys

import torch

from sinct.data.scaled import FolderSettings, read_scaled
from sinct.errors import InputError


def main() -> None:
    """Answer requests until there are no more."""
    torch.set_num_threads(1)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print is no answer
    for line in sys.stdin.buffer:
        request = json.loads(line)
        pixels = b""
        try:
            scaled = read_scaled(request["path"], FolderSettings.from_dict(request["settings"]))
            answer: dict[str, object] = {"shape": scaled.shape}
            pixels = scaled.tobytes()
        except InputError as error:
            answer = {"fault": str(error)}
        answers.write(json.dumps(answer).encode() + b"\n" + pixels)
        answers.flush()


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:  # nobody listens any more
        os._exit(0)
