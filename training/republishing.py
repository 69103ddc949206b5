"""Publishing of the same model over a collection that changed; nothing is trained."""

from collections.abc import Sequence
from pathlib import Path

from embeddings.arrays import Floats
from embeddings.release.publish import republish
from embeddings.release.reader import Release, open_release
from training.evaluation.comparison import best_trial
from training.workspace import Workspace


def publish_again(workspace: Workspace) -> Path:
    """Publish the model of the current release over the newest revision; return the folder."""
    settings, display = workspace.settings, workspace.display
    display.info("Publishing the same model over the newest revision")
    folder = republish(
        workspace.store,
        settings.releases_folder,
        lambda ids, predicted: _heat_maps(workspace, ids, predicted),
        track=display.track,
        index=settings,
        share=workspace.share,
    )
    release = open_release(folder)
    display.info(f"Published {release.manifest.fingerprint} in {folder}")
    display.info(_seen(release))
    return folder


def _seen(release: Release) -> str:
    images = release.images
    unseen = int(((images.splits == "train") & ~release.learned).sum())
    return (
        f"Training images that came after the training of this model: {unseen}; `belvedere train` "
        "trains on the newest revision."
    )


def _heat_maps(workspace: Workspace, ids: Sequence[str], predicted: Sequence[str]) -> Floats:
    # TensorFlow is imported only if there are new errors.
    import keras

    from training.export import explainer

    run = workspace.run(best_trial(workspace))
    assert run is not None, "the published model has a run"
    network = keras.saving.load_model(run.network)
    explain = explainer(network, workspace.store, workspace.dataset().classes)
    return explain(ids, predicted)
