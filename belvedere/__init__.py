"""From a folder of labelled images to compared models and a service."""
