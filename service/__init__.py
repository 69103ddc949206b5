"""HTTP service that answers requests from a published release."""
