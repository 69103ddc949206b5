"""Time and memory of ingest and publishing for collections of growing size."""
