"""Version of the painters, without the painters, which take long to import."""

PAINTER_VERSION = 1
"""Version of the painters; increase it if the same arguments give different scenes."""
