"""Generated scenes: procedurally painted images, a data set that needs no download."""
