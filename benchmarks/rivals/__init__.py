"""The services that the measurements are compared with, each a program of its own."""
