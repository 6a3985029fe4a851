"""Log lines: one per change, for people on a terminal and as JSON everywhere else."""

import logging
import os
import sys
from collections.abc import Mapping
from typing import Any, Final, Literal

import structlog

from stocksync.errors import ConfigurationError

Form = Literal["console", "json"]
FORM_VARIABLE: Final = "STOCKSYNC_LOG_FORMAT"
#: They tell what went wrong as errors do; what they do all day is not news.
_NOISY: Final = ("apscheduler", "httpx", "httpcore", "uvicorn", "uvicorn.error", "uvicorn.access")
#: Where a trace stands: the one text of several lines.
_TRACE: Final = "exception"


def configure(form: Form | None = None) -> None:
    """Send log lines to standard error: JSON unless that is a terminal.

    STOCKSYNC_LOG_FORMAT (`json` or `console`) says otherwise. What libraries log takes the same
    way, so that every line is of one form.

    Raises:
        ConfigurationError: The variable holds another word.
    """
    chosen = form or form_wished(os.environ) or ("console" if sys.stderr.isatty() else "json")
    ends: list[structlog.typing.Processor] = (
        # Plain traces: rich ones show local variables, and those may hold a secret.
        [
            _harmless,
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
        ]
        if chosen == "console"
        else [structlog.processors.JSONRenderer(ensure_ascii=True)]
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            *ends,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    if not any(isinstance(handler, _Bridge) for handler in root.handlers):
        root.addHandler(_Bridge())
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(logging.ERROR)


def form_wished(environment: Mapping[str, str]) -> Form | None:
    """Return the form that the environment asks for; None when it says nothing."""
    wished = environment.get(FORM_VARIABLE, "").strip()
    if wished == "json":
        return "json"
    if wished == "console":
        return "console"
    if wished:
        raise ConfigurationError([f"{FORM_VARIABLE} is json or console, not {wished!r}"])
    return None


class _Bridge(logging.Handler):
    """Pass what libraries log on to our own log, with the name of the library."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().log(
            record.levelno,
            record.getMessage(),
            logger=record.name,
            exc_info=record.exc_info or None,
        )


def _harmless(_log: Any, _method: str, event: structlog.typing.EventDict) -> dict[str, Any]:
    """Escape what could move a cursor or begin a line: stores write into our log (K19, K25)."""
    return {
        key: value if key == _TRACE or not isinstance(value, str) else _one_line(value)
        for key, value in event.items()
    }


def _one_line(text: str) -> str:
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )
