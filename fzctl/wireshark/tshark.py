"""tshark's reading of a capture, through pyshark."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fzctl.errors import CaptureError, ToolError

PROTOCOL = "fzp2p"
# Before what tshark itself said, in pyshark's own words of several lines.
_LAST = "Last error line:"


def read_with_tshark(
    path: str, *, dissector: str, keylog: str | None = None
) -> Iterator[tuple[int, Mapping[str, Sequence[str]]]]:
    """Frame and shown fields of each message that tshark finds with our dissector.

    ``dissector`` is the path of the Lua, ``keylog`` that of a key log. Raises ToolError without
    tshark or where it cannot be started, CaptureError where tshark gives up.
    """
    tshark = shutil.which("tshark")
    if tshark is None:
        raise ToolError("compare needs tshark: apt install tshark")
    import pyshark  # takes a third of a second and starts an event loop
    from pyshark.capture.capture import TSharkCrashException

    options: dict[str, Any] = {
        "display_filter": PROTOCOL,
        # In two passes a question knows its answer.
        "custom_parameters": ["-X", f"lua_script:{dissector}", "-n", "-2"],
        "tshark_path": tshark,
        "keep_packets": False,
    }
    if keylog is not None:
        options["override_prefs"] = {"wg.keylog_file": keylog}
    try:
        with pyshark.FileCapture(path, **options) as capture:
            _let_end_by_itself(capture)
            for packet in capture:
                for layer in packet.get_multiple_layers(PROTOCOL):
                    yield int(packet.number), _shown(layer)
    except (OSError, subprocess.SubprocessError) as error:
        raise ToolError(f"tshark cannot be started: {getattr(error, 'strerror', None) or error}") from None
    except TSharkCrashException as error:
        last = str(error).partition(_LAST)[2].partition("\n")[0].strip()
        raise CaptureError(path, f"tshark gave up: {last or error}") from None


def _let_end_by_itself(capture: Any) -> None:
    """At the end of its output tshark's own exit code and last words are waited for.

    pyshark kills it there: a tshark that fails at its end then counts as one that did not, and one that had
    ended just then as one that failed, for ``Popen.kill`` takes the exit code away from asyncio's watcher
    (``SafeChildWatcher._do_waitpid`` says 255).
    """
    import asyncio  # what pyshark takes long to load

    from pyshark.capture.capture import TSharkCrashException

    clean_up = capture._cleanup_subprocess

    async def end(process: Any) -> None:
        if capture._eof_reached:
            code = await process.wait()
            await asyncio.gather(*capture._stderr_handling_tasks)
            if code < 0:  # pyshark takes that for its own kill
                raise TSharkCrashException(f"{signal.Signals(-code).name} ended it")
        await clean_up(process)

    capture._cleanup_subprocess = end


def _shown(layer: Any) -> dict[str, list[str]]:
    return {
        name: [str(field.show) for field in container.all_fields]
        for name, container in layer._all_fields.items()  # by full name; pyshark's own way cuts it
    }
