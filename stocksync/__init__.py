"""Keep the stock of one merchant right in all of their online stores."""

from importlib.metadata import version

__version__ = version("stocksync")
