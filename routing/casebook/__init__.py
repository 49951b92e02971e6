"""The casebook (案卷): the closed loop of a city's regulation as a pure state machine."""

from routing.casebook.book import Casebook, Outcome
from routing.casebook.intake import ALONE, Surroundings
from routing.casebook.shelf import Shelf

__all__ = ["ALONE", "Casebook", "Outcome", "Shelf", "Surroundings"]
