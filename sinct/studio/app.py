"""The studio's addresses: its page, its files, and what the page can ask for."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, HTMLResponse, Response, StreamingResponse
from starlette.routing import Route

from sinct.errors import InputError, OutputError, SinctError, one_line
from sinct.pictures.formats import READ_SUFFIXES
from sinct.runtime.files import printable, unwritable
from sinct.studio.batch_page import BatchRoutes
from sinct.studio.bodies import Json, TooLarge, as_json, choices_in, json_body
from sinct.studio.few import AT_ONCE, Few
from sinct.studio.folder import picture_in
from sinct.studio.guard import Guard
from sinct.studio.news import news
from sinct.studio.processes import Busy
from sinct.studio.run import VIEWS, Wish
from sinct.studio.studio import Studio
from sinct.studio.wording import in_words

MOST_BYTES = 4_000_000_000
"""Largest file that is taken in."""

MOST_MASK = 100_000_000
"""Largest mask that is taken in; one of 4096 x 4096 px has fewer bytes."""

THUMBNAIL = 480
"""Longer side of thumbnails in pixels."""

FILES = {
    "studio.css": (("report.css", "studio.css"), "text/css"),
    "studio.js": (
        (
            "page.js", "viewer.js", "base.js", "thumbnails.js", "form.js", "several.js", "losses.js", "brush.js",
            "candidates.js", "download.js", "longer.js", "cards.js", "studio.js",
        ),
        "text/javascript",
    ),
    "batch.css": (("report.css", "studio.css", "batch.css"), "text/css"),
    "batch.js": (("page.js", "viewer.js", "base.js", "thumbnails.js", "batch.js"), "text/javascript"),
    "zoom.css": (("report.css", "studio.css", "zoom.css"), "text/css"),
    "zoom.js": (("page.js", "zoom.js"), "text/javascript"),
    "icon.svg": (("icon.svg",), "image/svg+xml"),
}  # fmt: skip
"""Files of the page: what they are made of, and their type."""

_ENVIRONMENT = Environment(
    loader=ChoiceLoader([PackageLoader("sinct.studio"), PackageLoader("sinct.report")]),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


Handler = Callable[[Request], Awaitable[Response]]


def make_app(
    studio: Studio,
    *,
    token: str,
    port: int,
    closing: Callable[[], bool] = lambda: False,
    most_bytes: int = MOST_BYTES,
) -> Guard:
    """The studio as an ASGI application.

    Args:
        studio: what does the work.
        token: secret of its address.
        port: port that it listens on.
        closing: whether the server is about to end, and with it what pages listen to.
        most_bytes: largest file that is taken in.
    """
    routes = Routes(studio, most_bytes, closing)
    app = Starlette(
        routes=[
            Route("/", routes.page),
            Route("/static/{name}", routes.static),
            Route("/api/overview", routes.overview),
            Route("/api/pictures", routes.upload, methods=["POST"]),
            Route("/api/pictures/{name}", routes.thumbnail),
            Route("/api/runs", routes.start, methods=["POST"]),
            Route("/api/runs/{name}", routes.run),
            Route("/api/runs/{name}/events", routes.events),
            Route("/api/runs/{name}/stop", routes.stop, methods=["POST"]),
            Route("/api/runs/{name}/resume", routes.resume, methods=["POST"]),
            Route("/api/runs/{name}/longer", routes.longer, methods=["POST"]),
            Route("/api/runs/{name}/choose", routes.choose, methods=["POST"]),
            Route("/api/runs/{name}/candidates/{number:int}", routes.candidate),
            Route("/api/runs/{name}/candidates/{number:int}/photo", routes.candidate_photo),
            Route("/api/runs/{name}/picture", routes.make_picture, methods=["POST"]),
            Route("/api/runs/{name}/mask", routes.mask, methods=["POST"]),
            Route("/api/runs/{name}/download", routes.download),
            Route("/api/runs/{name}/views/{view}", routes.view),
            *routes.batch.routes(),
        ],
        exception_handlers={SinctError: _refused, OSError: _denied},
    )
    return Guard(app, token, port)


async def _refused(request: Request, error: Exception) -> Response:
    """An error that a person can act on, as its one line."""
    kinds = {Busy: 409, TooLarge: 413, OutputError: 507}
    code = next((code for kind, code in kinds.items() if isinstance(error, kind)), 422)
    return Json({"error": in_words(str(error))}, code)


async def _denied(request: Request, error: Exception) -> Response:
    """A fault of the disk, likewise."""
    assert isinstance(error, OSError)
    where = f"{printable(Path(error.filename).name)}: " if error.filename else ""
    return Json({"error": f"{where}{error.strerror or one_line(error)}; check the folder and the disk"}, 507)


class Routes:
    """Answers the requests that the guard lets in.

    Args:
        studio: what does the work.
        most_bytes: largest file that is taken in.
        closing: whether the server is about to end.
    """

    def __init__(self, studio: Studio, most_bytes: int, closing: Callable[[], bool]) -> None:
        self._studio, self._most_bytes, self._closing = studio, most_bytes, closing
        self._few = Few(AT_ONCE)
        self.batch = BatchRoutes(studio, _ENVIRONMENT, closing)

    async def page(self, request: Request) -> Response:
        """The page; with `page=batch` that of the folder's batch, since the token opens no other address."""
        if request.query_params.get("page") == "batch":
            return await self.batch.page(request)
        page = _ENVIRONMENT.get_template("studio.html")
        return HTMLResponse(
            page.render(
                folder=printable(self._studio.folder.name),
                most_bytes=self._most_bytes,
                accept=",".join(READ_SUFFIXES),
                **await run_in_threadpool(self.batch.links),
            )
        )

    async def static(self, request: Request) -> Response:
        """A file of the page."""
        if (name := request.path_params["name"]) not in FILES:
            return _missing()
        sources, kind = FILES[name]
        return Response(_joined(sources), media_type=kind)

    async def overview(self, request: Request) -> Response:
        """Pictures, runs and presets."""
        return Json(await run_in_threadpool(self._studio.overview))

    async def thumbnail(self, request: Request) -> Response:
        """A small version of a picture in the folder."""
        path = picture_in(self._studio.folder, request.path_params["name"])
        data = await self._few(_thumbnail, path, path.stat().st_mtime_ns)
        return Response(data, media_type="image/png")

    async def upload(self, request: Request) -> Response:
        """Take in a picture, whose bytes are the body of the request."""
        temporary = await run_in_threadpool(self._studio.temporary)
        try:
            await self._receive(request, temporary, self._most_bytes)
            name = await run_in_threadpool(
                self._studio.take_in, temporary, request.query_params.get("name", "")
            )
        except ClientDisconnect:
            return Response(status_code=400)  # which nobody reads
        finally:
            with suppress(OSError):
                temporary.unlink()  # it is not there if it was taken in
        return Json({"name": name}, 201)

    async def mask(self, request: Request) -> Response:
        """Take in the mask drawn on the page, a PNG; an empty body removes it."""
        name = request.path_params["name"]
        temporary = await run_in_threadpool(self._studio.temporary)
        try:
            await self._receive(request, temporary, min(MOST_MASK, self._most_bytes))
            version = await run_in_threadpool(self._studio.take_mask, name, temporary)
        except ClientDisconnect:
            return Response(status_code=400)
        finally:
            with suppress(OSError):
                temporary.unlink()
        return Json({"version": version}, 201)

    async def _receive(self, request: Request, path: Path, most: int) -> None:
        """Write the body of a request to a file as it comes, up to so many bytes."""
        too_large = TooLarge(
            f"the file is larger than the {most / 1e9:.3g} GB that are taken; copy it into the folder"
        )
        if int(request.headers.get("content-length", 0)) > most:
            raise too_large
        came = 0
        try:
            with path.open("wb") as file:
                async for chunk in request.stream():
                    came += len(chunk)
                    if came > most:
                        raise too_large
                    await run_in_threadpool(file.write, chunk)
        except OSError as error:
            raise unwritable(path, error) from None

    async def start(self, request: Request) -> Response:
        """Begin a training."""
        asked = await json_body(request, painting=str, photos=list, preset=str)
        if not all(isinstance(name, str) for name in asked["photos"]):
            raise InputError("photos must be names of files")
        name = await run_in_threadpool(
            self._studio.start, asked["painting"], asked["photos"], asked["preset"], choices_in(asked)
        )
        return Json({"name": name}, 201)

    async def run(self, request: Request) -> Response:
        """Everything about a run."""
        return Json(await run_in_threadpool(self._studio.describe, request.path_params["name"]))

    async def events(self, request: Request) -> Response:
        """The same whenever it has changed, as server-sent events; at last, if it is gone, why."""
        name = request.path_params["name"]
        await run_in_threadpool(self._studio.run, name)  # refuses a run that there is not
        return StreamingResponse(self._changes(name), media_type="text/event-stream")

    def _changes(self, name: str) -> AsyncIterator[str]:
        last = ""

        def told(now: str) -> str:
            nonlocal last
            same, last = now == last, now
            return "" if same else f"data: {now}\n\n"

        def gone(error: Exception) -> str:
            return f"event: gone\ndata: {as_json(in_words(str(error)))}\n\n"

        def look() -> str:
            return as_json(self._studio.describe(name))

        return news(look, told, gone, there=lambda: self._studio.has(name), closing=self._closing)

    async def stop(self, request: Request) -> Response:
        """Ask a training to end."""
        await run_in_threadpool(self._studio.stop, request.path_params["name"])
        return Json({}, 202)

    async def resume(self, request: Request) -> Response:
        """Continue a training."""
        await run_in_threadpool(self._studio.resume, request.path_params["name"])
        return Json({}, 202)

    async def longer(self, request: Request) -> Response:
        """Continue a training beyond its length."""
        asked = await json_body(request, steps=int)
        if asked["steps"] < 1:
            raise InputError("give 1 step or more")
        await run_in_threadpool(self._studio.resume, request.path_params["name"], asked["steps"])
        return Json({}, 202)

    async def choose(self, request: Request) -> Response:
        """Go on with a candidate."""
        asked = await json_body(request, number=int)
        await run_in_threadpool(self._studio.choose, request.path_params["name"], asked["number"])
        return Json({}, 202)

    async def candidate(self, request: Request) -> Response:
        """The painting as a candidate translates it."""
        name, number = request.path_params["name"], request.path_params["number"]
        return await _picture(self._studio.candidate, name, number)

    async def candidate_photo(self, request: Request) -> Response:
        """The first photo of a candidate."""
        name, number = request.path_params["name"], request.path_params["number"]
        return await _picture(self._studio.candidate_photo, name, number)

    async def make_picture(self, request: Request) -> Response:
        """Begin to make a picture for download."""
        asked = await json_body(request, suffix=str, strength=(int, float), masked=bool)
        keep = asked.get("keep", [])
        if not isinstance(keep, list) or not all(isinstance(part, str) for part in keep):
            raise InputError("keep must be names of parts")
        wish = Wish(asked["suffix"], asked["strength"], asked["masked"], tuple(keep))
        await run_in_threadpool(self._studio.make_picture, request.path_params["name"], wish)
        return Json({}, 202)

    async def download(self, request: Request) -> Response:
        """The picture that was made."""
        path = self._studio.run(request.path_params["name"]).download()
        return FileResponse(path, media_type="application/octet-stream", filename=path.name)

    async def view(self, request: Request) -> Response:
        """A picture as the page shows it."""
        name, view = request.path_params["name"], request.path_params["view"]
        if view not in VIEWS:
            return _missing()
        if view == "result" and (parts := request.query_params.get("keep")):
            data = await run_in_threadpool(self._studio.kept, name, parts)
            return _missing() if data is None else Response(data, media_type="image/png")
        return await _picture(self._studio.view, name, view)


async def _picture(find: Callable[..., Path | None], *asked: Any) -> Response:
    """A PNG that `find` finds. It is read at once, since it may be replaced, or be gone, at any moment."""

    def read() -> bytes | None:
        path = find(*asked)
        try:
            return None if path is None else path.read_bytes()
        except FileNotFoundError:
            return None

    data = await run_in_threadpool(read)
    return _missing() if data is None else Response(data, media_type="image/png")


def _missing() -> Response:
    return Json({"error": "there is nothing at this address"}, 404)


@lru_cache
def _joined(names: tuple[str, ...]) -> str:
    assert _ENVIRONMENT.loader is not None
    return "\n".join(_ENVIRONMENT.loader.get_source(_ENVIRONMENT, name)[0] for name in names)


@lru_cache(maxsize=300)
def _thumbnail(path: os.PathLike[str], changed: int) -> bytes:
    """A small PNG of a picture, which is made anew when its file has changed."""
    from PIL import Image

    from sinct.pictures.glance import read_small

    pixels = read_small(Path(path), THUMBNAIL).add(1).mul(127.5).round().byte().permute(1, 2, 0)
    file = BytesIO()
    Image.fromarray(pixels.contiguous().numpy()).save(file, "PNG")
    return file.getvalue()
