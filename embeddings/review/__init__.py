"""Review of stored images: doubtful labels, images worth a label, duplicates."""
