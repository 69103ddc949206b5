"""How a call is tried from a shell."""

from service.reference.structure import Operation

_JPEG = "image/jpeg"
_FORM_FIELD = "file=@photograph.jpg"


def curl(operation: Operation, address: str) -> str:
    """A command that sends the example of a call to the service at this address."""
    words = ["curl"]
    if operation.body is not None:
        words += ["-F", _FORM_FIELD]
    words.append(f"'{address}{operation.example}'")
    if _JPEG in operation.answer.media_types:
        words += ["-o", f"{operation.name}.jpg"]
    return " ".join(words)
