"""Addition of local images to the collection of a running service."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from embeddings.cpu import usable_processors
from embeddings.ingest.classes import NEW_CLASS_OPTION, UnknownClass, refuse_new_classes
from embeddings.ingest.outcomes import distinct_ids
from service.client import Client
from service.client.items import Item
from service.schemas import ItemOutcome
from training.collection import conclude, open_paths
from training.console import Display
from training.data.files import DataSource
from training.data.ingest import FileOutcome, Report
from training.data.inspection import Listing, Options, list_images
from training.errors import DataError
from training.ingest_report import show_outcomes, write_outcomes
from training.settings import TrainingSettings


def add_to(
    client: Client,
    settings: TrainingSettings,
    paths: Sequence[Path],
    options: Options,
    display: Display,
) -> None:
    """Send the images of folders and zips one after the other, then all single files.

    Raises `DataError` if nothing could be done, and `ServiceError`, after which the outcomes so far
    are in the home.
    """
    adding = _RemoteAdd(client, settings.home, options, display)
    problems: list[DataError] = []
    try:
        for opened in open_paths(settings, paths, adding.classes):
            try:
                with opened as source:
                    display.info(f"Adding {source.key}")
                    adding.run(source)
            except DataError as error:
                problems.append(error)
    finally:
        write_outcomes(adding.outcomes, settings.home)
    conclude(adding.outcomes, problems, display)


@dataclass(frozen=True)
class _RemoteAdd:
    """Addition of data sets to one service, with its messages on a console."""

    client: Client
    home: Path
    options: Options
    display: Display
    outcomes: list[FileOutcome] = field(default_factory=list)
    """Outcomes of all files so far."""
    ids: set[str] = field(default_factory=set)
    """Ids of all images so far, which must not replace each other."""

    def classes(self) -> Collection[str]:
        """Return the classes of the collection, of which the model may know a part."""
        newest = self.client.versions(limit=1).versions
        return sorted({name for version in newest for name in version.classes})

    def run(self, source: DataSource) -> None:
        """Send the images of one data set and report the outcomes."""
        listing = list_images(source, self.options, usable_processors())
        if not self.options.new_class:
            _refuse_new_classes(listing, self.classes())
        sending = _Sending(listing, self._identifiers(listing))
        usable = len(sending.identifiers)
        try:
            self.client.add_many(
                self.display.track(sending.items(), "Sending images", usable),
                restore=self.options.restore,
                new_class=self.options.new_class,
                report=sending.receive,
            )
        finally:
            self.outcomes.extend(sending.outcomes())
        layout = listing.layout.describe(listing.labels) if listing.labels else ""
        report = Report(layout, list(sending.outcomes()))
        show_outcomes(report, source.key, self.home, self.display)

    def _identifiers(self, listing: Listing) -> dict[int, str]:
        """Return the ids of the usable files by number."""
        usable = [number for number, reason in enumerate(listing.reasons) if not reason]
        paths = [listing.files[number].path for number in usable]
        wanted = ((listing.layout.identifier(path), path.suffix) for path in paths)
        identifiers = dict(zip(usable, distinct_ids(wanted, self.ids), strict=True))
        self.ids.update(identifiers.values())
        return identifiers


def _refuse_new_classes(listing: Listing, classes: Collection[str]) -> None:
    """Raise `DataError` if a usable file has a label that is not among the classes."""
    usable = zip(listing.places, listing.reasons, strict=True)
    labels = [place.label for place, reason in usable if not reason]
    try:
        refuse_new_classes(labels, classes, f"Nothing was sent. {NEW_CLASS_OPTION}")
    except UnknownClass as error:
        raise DataError(str(error)) from error


@dataclass(frozen=True)
class _Sending:
    """Files of one data set on their way to a service."""

    listing: Listing
    identifiers: dict[int, str]
    """Ids of the usable files by number."""
    sent: list[int] = field(default_factory=list)
    received: list[ItemOutcome] = field(default_factory=list)
    """Outcomes of the first files in `sent`."""
    unreadable: dict[int, str] = field(default_factory=dict)

    def items(self) -> Iterator[Item]:
        """Yield the usable files; one that cannot be read is left out."""
        for number, identifier in self.identifiers.items():
            try:
                content = self.listing.files[number].read()
            except Exception as error:  # a damaged archive member raises exceptions of many types
                self.unreadable[number] = f"unreadable: {error or type(error).__name__}"
                continue
            self.sent.append(number)
            yield identifier, content, self.listing.places[number].label

    def receive(self, outcomes: Sequence[ItemOutcome]) -> None:
        """Keep the outcomes of the next files."""
        self.received.extend(outcomes)

    def outcomes(self) -> Iterator[FileOutcome]:
        """Yield the outcome of each file that has one, in the order of the files."""
        # The last files have none if the service failed.
        received = dict(zip(self.sent, self.received, strict=False))
        for number, (file, reason) in enumerate(
            zip(self.listing.files, self.listing.reasons, strict=True)
        ):
            if reason := reason or self.unreadable.get(number, ""):
                yield FileOutcome(file.name, "rejected", "", reason)
            elif number in received:
                found = received[number]
                yield FileOutcome(file.name, found.outcome, found.id, found.detail)
