"""Release: an immutable folder with a model, an index of embeddings and the evidence for both."""
