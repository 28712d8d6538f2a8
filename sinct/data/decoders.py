"""Reads pictures ahead of a training in processes of their own, and keeps what fits into memory.

`torch.utils.data` is not used: its processes import the caller's main module again, which fails in scripts without a
guard, and have nothing in common that a cache within a budget could be kept in. Here only the training's process
keeps pictures; the others read, scale and forget.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np

from sinct.data.scaled import FolderSettings, Pixels, read_scaled
from sinct.errors import InputError, SinctError, one_line
from sinct.runtime.files import printable
from sinct.runtime.processes import NEW_GROUP


class LostDecoder(SinctError):
    """A process that reads pictures has ended by itself."""


class Decoder:
    """One such process, seen by its parent. It dies with the parent, whatever ends that."""

    def __init__(self) -> None:
        self._messages = tempfile.TemporaryFile()  # noqa: SIM115, `close` closes it
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "sinct.data.decoder"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._messages,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
                start_new_session=True,  # Ctrl-C reaches only the parent
                creationflags=NEW_GROUP,  # the same on Windows
            )
        except OSError:
            self._messages.close()
            raise
        self.pid = self._process.pid

    def read(self, path: Path, settings: FolderSettings) -> Pixels:
        """Let the process read and scale a picture, see `read_scaled`.

        Raises:
            InputError: the picture cannot be read.
            LostDecoder: the process has ended; the message names the picture.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        named = settings.to_dict()  # a training's own settings have more than these
        ours = {name: named[name] for name in FolderSettings.names()}
        request = {"path": os.path.abspath(path), "settings": ours}
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
            answer = json.loads(self._process.stdout.readline())
            if "fault" in answer:
                raise InputError(answer["fault"])
            shape = tuple(answer["shape"])
            data = self._process.stdout.read(int(np.prod(shape)))
            return np.frombuffer(data, np.uint8).reshape(shape)
        except (OSError, ValueError):  # a closed pipe, or an answer cut short
            raise LostDecoder(f"{printable(path)} could not be read: {self._reason()}") from None

    def kill(self) -> None:
        """End the process at once, also while another thread waits for it."""
        self._process.kill()

    def close(self) -> None:
        """End the process and free what belongs to it."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._messages):
            with suppress(OSError):  # a request may be left unsent
                if stream is not None:
                    stream.close()

    def _reason(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        code = self._process.returncode
        if code == -9:
            return "its process was killed, probably because memory ran out; use fewer `decoders` or a smaller cache"
        self._messages.seek(0)
        lines = self._messages.read().decode(errors="replace").splitlines() or [""]
        return f"its process ended with code {code} ({one_line(lines[-1])}); `decoders=0` reads without processes"


class ScaledPictures:
    """The scaled pictures of some files, by number.

    Which of them are kept, or read ahead, changes only the time that they take.

    Args:
        paths: the files.
        settings: how they are scaled; also `decoders` and `cache_bytes`.
    """

    def __init__(self, paths: Iterable[Path], settings: FolderSettings) -> None:
        self.paths, self.settings = tuple(paths), settings
        self.cached_bytes = 0
        self._cache: dict[int, Pixels] = {}
        self._ahead: dict[int, Future[Pixels]] = {}
        self._own = threading.local()
        self._decoders: list[Decoder] = []
        self._closed = False
        self._threads = (
            ThreadPoolExecutor(settings.decoders, thread_name_prefix="sinct-decoder")
            if settings.decoders
            else None
        )

    def ask(self, numbers: Iterable[int]) -> None:
        """Have pictures read ahead, in this order, and forget what was asked before.

        Raises:
            ValueError: it is closed.
        """
        if self._closed:
            raise ValueError("the sampler is closed")
        if self._threads is None:
            return
        wanted = [number for number in dict.fromkeys(numbers) if number not in self._cache]
        for number in self._ahead.keys() - set(wanted):
            self._ahead.pop(number).cancel()
        for number in wanted:
            if number not in self._ahead:
                self._ahead[number] = self._threads.submit(self._decode, number)

    def scale_as(self, settings: FolderSettings) -> None:
        """Scale otherwise from now on; nothing is kept of what was scaled before."""
        if settings == self.settings:
            return
        for future in self._ahead.values():
            future.cancel()
        self._ahead.clear()
        self._cache.clear()
        self.cached_bytes = 0
        self.settings = settings

    def get(self, number: int) -> Pixels:
        """Return a scaled picture, (H, W, 3).

        Raises:
            InputError: it cannot be read.
            LostDecoder: the process that should read it has ended.
        """
        if number in self._cache:
            return self._cache[number]
        future = self._ahead.pop(number, None)
        pixels = read_scaled(self.paths[number], self.settings) if future is None else future.result()
        if self.cached_bytes + pixels.nbytes <= self.settings.cache_bytes:
            self._cache[number] = pixels
            self.cached_bytes += pixels.nbytes
        return pixels

    def close(self) -> None:
        """End the processes and free the memory; does nothing the second time."""
        self._closed = True
        for future in self._ahead.values():
            future.cancel()
        if self._threads is not None:
            for decoder in tuple(self._decoders):
                decoder.kill()
            self._threads.shutdown()
            for decoder in self._decoders:
                decoder.close()
        self._decoders.clear()
        self._ahead.clear()
        self._cache.clear()
        self.cached_bytes = 0

    def _decode(self, number: int) -> Pixels:
        """Read a picture through the process that belongs to this thread."""
        decoder: Decoder | None = getattr(self._own, "decoder", None)
        if decoder is None:
            try:
                decoder = self._own.decoder = Decoder()
            except OSError as error:
                raise LostDecoder(
                    f"no process can be started to read pictures ({one_line(error)}); `decoders=0` needs none"
                ) from None
            self._decoders.append(decoder)
            if self._closed:
                decoder.kill()
        return decoder.read(self.paths[number], self.settings)
