"""The referee of a game of tic-tac-toe. The hub makes one for each room."""

from __future__ import annotations

from typing import Any

from piehub import HostApp

LINES = [
    *[(row, row + 1, row + 2) for row in (0, 3, 6)],
    *[(column, column + 3, column + 6) for column in (0, 1, 2)],
    *[(0, 4, 8), (2, 4, 6)],
]
REFUSED = {"doNotEcho": True}


class Referee(HostApp):
    """Lets a move through only if it is one, and in its place the room gets the new board."""

    version = "1.0.0"

    def __init__(self) -> None:
        self.players: list[str] = []  # client ids: X, who begins, and O
        self.here: list[str] = []
        self.cells = [""] * 9  # row by row

    def handle_message(self, message: dict[str, Any]) -> dict[str, Any] | None:
        match message:
            case {"type": "ClientPresenceChanged", "clients": clients}:
                self.here = clients
                if not self.players and len(clients) == 2:
                    self.players = clients
                # Who came back after a lost connection needs the board; the other, to know of it.
                self.send_data(self.board(), skip_handler=True)
                return None
            case {"type": "Data", "fromClient": player, "payload": {"cell": int(cell)}}:
                if refusal := self.refusal(player, cell):
                    self.send_data({"refused": refusal, "player": player}, skip_handler=True)
                    return REFUSED
                self.cells[cell] = self.mark()
                return {**message, "payload": self.board()}
        return REFUSED  # whatever else it is, it is no move

    def refusal(self, player: str, cell: int) -> str | None:
        """Why a move is none, or None."""
        if player not in self.players:
            return "You only watch."
        if self.winner() or all(self.cells):
            return "The game is over."
        if player != self.players["XO".index(self.mark())]:
            return "It is not your turn."
        if cell not in range(9) or self.cells[cell]:
            return "Choose a free cell."
        return None

    def mark(self) -> str:
        """Whose turn it is."""
        return "XO"[sum(map(bool, self.cells)) % 2]

    def line(self) -> tuple[int, ...]:
        """The three cells that win the game, if there are."""
        marks = [("".join(self.cells[cell] for cell in line), line) for line in LINES]
        return next((line for three, line in marks if three in ("XXX", "OOO")), ())

    def winner(self) -> str:
        return self.cells[self.line()[0]] if self.line() else ""

    def board(self) -> dict[str, Any]:
        """All that a page has to show."""
        return {
            "cells": self.cells,
            "players": self.players,
            "here": self.here,
            "turn": self.mark(),
            "winner": self.winner(),
            "line": self.line(),
        }
