"""JSON log: one object a line, on standard error."""

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Id of the current request."""

_FACTS = "facts"


class _OneObject(logging.Formatter):
    """Formatter of a record as a JSON object: time, level, message, request id, extra fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        if identifier := request_id.get():
            fields["request"] = identifier
        fields |= getattr(record, _FACTS, {})
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False, default=str)


def extra(**fields: object) -> dict[str, Any]:
    """Return further fields of a log line, for its argument `extra`."""
    return {_FACTS: fields}


def json_handler(stream: TextIO) -> logging.Handler:
    """Return a handler that writes one object a line to this stream."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_OneObject())
    return handler


def log_as_json() -> None:
    """Write the log of this process to standard error, from level `INFO`."""
    logging.basicConfig(level=logging.INFO, handlers=[json_handler(sys.stderr)], force=True)
