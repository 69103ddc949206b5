"""Generated scenes: a procedural painter standing in for photographs that cannot be fetched."""

from training.scenes.catalogue import LABELS, PAINTER_VERSION, Scene, paint, paint_all

__all__ = ["LABELS", "PAINTER_VERSION", "Scene", "paint", "paint_all"]
