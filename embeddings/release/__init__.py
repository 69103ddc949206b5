"""Release: immutable folder with a model, embeddings, a t-SNE map and evaluation reports."""
