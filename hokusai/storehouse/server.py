"""The store process: whoever holds a signed link may send one part or fetch one blob.

granian --interface=asgi --factory hokusai.storehouse.server:from_environment

STORE_ROOT, STORE_URL_SECRET, STORE_ORIGINS (browsers' origins that may use links, by commas).
"""

import base64
import os
import time
from pathlib import Path

from anyio import to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from hokusai.storehouse import signing
from hokusai.storehouse.layout import DIGEST, MAX_PARTS, UPLOAD_ID, blob_path, parts_folder
from hokusai.storehouse.receiving import PartCutShort, PartTooLarge, receive_part

READ_HEADERS = ["ETag", "X-Content-SHA256", "Repr-Digest", "Content-Range", "Accept-Ranges"]
MIN_SECRET = 32
CODES = {
    400: "invalid_input",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "part_too_large",
    507: "store_full",
}


def from_environment() -> Starlette:
    """The application of this process's environment. Raises KeyError naming what is missing."""
    origins = [name for name in os.environ.get("STORE_ORIGINS", "").split(",") if name]
    return create_app(
        Path(os.environ["STORE_ROOT"]), os.environ["STORE_URL_SECRET"], origins=origins
    )


def create_app(root: Path, secret: str, *, origins: list[str]) -> Starlette:
    """The application over one local store. Raises ValueError for a secret easily guessed."""
    if len(secret) < MIN_SECRET:
        raise ValueError(f"STORE_URL_SECRET needs at least {MIN_SECRET} characters.")
    app = Starlette(
        routes=[
            Route("/parts/{upload_id}/{number:int}", put_part, methods=["PUT"]),
            Route("/blobs/{digest}", get_blob, methods=["GET"]),
        ],
        middleware=[
            Middleware(
                CORSMiddleware,
                allow_origins=origins,
                allow_methods=["GET", "PUT"],
                allow_headers=["Content-Type", "Range"],
                expose_headers=READ_HEADERS,
            )
        ],
        exception_handlers={HTTPException: _told},
    )
    app.state.root, app.state.secret = root, secret
    return app


async def put_part(request: Request) -> Response:
    """Keep the body as one part of an upload; answers with its ETag."""
    _permit(request, "PUT")
    upload_id, number = request.path_params["upload_id"], request.path_params["number"]
    if not UPLOAD_ID.fullmatch(upload_id) or not 1 <= number <= MAX_PARTS:
        raise HTTPException(404, "There is no such upload.")
    folder = parts_folder(request.app.state.root, upload_id)
    max_bytes = int(request.query_params["max"])
    announced = _announced(request)
    if announced is not None and announced > max_bytes:
        raise HTTPException(413, f"A part holds at most {max_bytes} bytes.")
    etag = await _receive(request, folder, number, max_bytes=max_bytes, announced=announced)
    return Response(status_code=200, headers={"ETag": f'"{etag}"'})


async def get_blob(request: Request) -> Response:
    """A blob as a download; its digest is in the headers, for whoever checks."""
    _permit(request, "GET")
    digest = request.path_params["digest"]
    path = blob_path(request.app.state.root, digest)
    if not DIGEST.fullmatch(digest) or not await to_thread.run_sync(path.is_file):
        raise HTTPException(404, "The store holds nothing under this digest.")
    encoded = base64.b64encode(bytes.fromhex(digest)).decode("ascii")
    return FileResponse(
        path,
        media_type="application/octet-stream",
        filename=request.query_params.get("filename") or digest,
        headers={
            "ETag": f'"{digest}"',
            "X-Content-SHA256": digest,
            "Repr-Digest": f"sha-256=:{encoded}:",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox",
            "Cache-Control": "private, no-transform",
        },
    )


def _permit(request: Request, method: str) -> None:
    query = dict(request.query_params)
    if len(query) != len(request.query_params.multi_items()):
        raise HTTPException(403, "The link names something twice.")
    try:
        signing.check(request.app.state.secret, method, request.url.path, query, now_s=time.time())
    except signing.LinkRefused as error:
        raise HTTPException(403, str(error)) from error


def _announced(request: Request) -> int | None:
    text = request.headers.get("Content-Length", "")
    return int(text) if text.isascii() and text.isdigit() else None


async def _receive(
    request: Request, folder: Path, number: int, *, max_bytes: int, announced: int | None
) -> str:
    try:
        return await receive_part(
            request.stream(), folder, number, max_bytes=max_bytes, announced=announced
        )
    except FileNotFoundError as error:
        raise HTTPException(404, "There is no such upload.") from error
    except PartTooLarge as error:
        raise HTTPException(413, str(error)) from error
    except (PartCutShort, ClientDisconnect) as error:
        raise HTTPException(400, "The part did not arrive whole; send it again.") from error
    except OSError as error:
        raise HTTPException(507, f"The store cannot write: {error.strerror}.") from error


def _told(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 500)
    body = {"code": CODES.get(status, "error"), "message": getattr(error, "detail", "")}
    return JSONResponse(body, status_code=status)
