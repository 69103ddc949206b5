"""Generated scenes: procedurally painted images, a data set that needs no download."""

from training.scenes.catalogue import LABELS, PAINTER_VERSION, Scene, paint, paint_all

__all__ = ["LABELS", "PAINTER_VERSION", "Scene", "paint", "paint_all"]
