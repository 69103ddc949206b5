"""Deletion of old versions of the tables of the feature store."""

from collections.abc import Collection

from embeddings.store.tables import open_table, table_uri, translate_errors


def delete_old_versions(uri: str, images: Collection[int], features: Collection[int]) -> None:
    """Delete unfinished writes and all versions except the newest and the given ones.

    `images` and `features` are the versions to keep of each table. The caller must hold the lock.
    Raises `StoreDamaged`.
    """
    for name, kept in (("images", images), ("features", features)):
        path = table_uri(uri, name)
        dataset = open_table(path)
        if dataset is None:
            continue
        with translate_errors(path):
            found = {int(each["version"]) for each in dataset.versions()}
            unused = sorted(found - set(kept) - {int(dataset.version)})
            dataset.cleanup_old_versions(
                # Lance rejects an empty list.
                versions=unused or None,
                retain_versions=None if unused else len(found),
                delete_unverified=True,
                error_if_tagged_old_versions=False,
            )
