"""Events that a topic took, who subscribes, and how each delivery stands."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from local.services.clock import Clock
from local.services.database import Database


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event that is due at a subscriber. ``attempts`` were made so far."""

    seq: int
    url: str
    topic: str
    event: dict[str, Any]
    attempts: list[dict[str, Any]]
    first_sim: float


class TopicStore:
    """All of it in the database, so that accepted means delivered after a crash too."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def accept(self, topic: str, events: list[dict[str, Any]]) -> None:
        """Store events, and one delivery for each present subscriber, in one transaction."""
        sim = self._clock.sim()
        with self._database.transaction():
            for event in events:
                seq = self._database.write(
                    "INSERT INTO events (topic, received_at, body) VALUES (?, ?, ?)",
                    topic,
                    self._clock.now(),
                    json.dumps(event, ensure_ascii=False),
                )
                for url in self.subscribers():
                    self._database.write(
                        "INSERT INTO deliveries VALUES (?, ?, 'pending', ?, ?, '[]')",
                        seq,
                        url,
                        sim,
                        sim,
                    )

    def subscribers(self) -> list[str]:
        """Their urls."""
        return [row["url"] for row in self._database.rows("SELECT url FROM subscriptions")]

    def add_subscriber(self, url: str) -> None:
        """From now on events go to ``url`` too."""
        self._database.write("INSERT OR IGNORE INTO subscriptions VALUES (?)", url)

    def remove_subscriber(self, url: str) -> None:
        """Nothing more is sent to ``url``."""
        with self._database.transaction():
            self._database.write("DELETE FROM subscriptions WHERE url = ?", url)
            self._database.write(
                "UPDATE deliveries SET state = 'dropped' WHERE url = ? AND state = 'pending'", url
            )

    def due(self, urls: Collection[str]) -> list[Delivery]:
        """The deliveries to ``urls`` whose time has come, oldest first."""
        rows = self._database.rows(
            "SELECT d.*, e.topic, e.body FROM deliveries d JOIN events e ON e.seq = d.event_seq "
            "WHERE d.state = 'pending' AND d.due_sim <= ? "
            "AND d.url IN (SELECT value FROM json_each(?)) ORDER BY d.due_sim, e.seq LIMIT 200",
            self._clock.sim(),
            json.dumps(list(urls)),
        )
        return [
            Delivery(
                seq=row["event_seq"],
                url=row["url"],
                topic=row["topic"],
                event=json.loads(row["body"]),
                attempts=json.loads(row["attempts"]),
                first_sim=row["first_sim"],
            )
            for row in rows
        ]

    def next_due(
        self, urls: Collection[str], on_the_way: Collection[tuple[int, str]]
    ) -> float | None:
        """The simulated time of the next delivery to one of ``urls``, but for those under way."""
        rows = self._database.rows(
            "SELECT event_seq, url, due_sim FROM deliveries WHERE state = 'pending' "
            "AND url IN (SELECT value FROM json_each(?)) ORDER BY due_sim LIMIT ?",
            json.dumps(list(urls)),
            len(on_the_way) + 1,
        )
        times = (row["due_sim"] for row in rows if (row["event_seq"], row["url"]) not in on_the_way)
        return next(times, None)

    def record(self, delivery: Delivery, outcome: str, state: str, due_sim: float) -> None:
        """An attempt was made: ``state`` is ``delivered``, ``pending`` or ``given-up``."""
        attempts = [*delivery.attempts, {"at": self._clock.now(), "outcome": outcome}]
        self._database.write(
            "UPDATE deliveries SET state = ?, due_sim = ?, attempts = ? "
            "WHERE event_seq = ? AND url = ?",
            state,
            due_sim,
            json.dumps(attempts),
            delivery.seq,
            delivery.url,
        )

    def report(self) -> list[dict[str, Any]]:
        """Every event that was accepted, in order, with its deliveries."""
        deliveries: dict[int, list[dict[str, Any]]] = {}
        for row in self._database.rows("SELECT * FROM deliveries"):
            deliveries.setdefault(row["event_seq"], []).append(
                {
                    "subscriber": row["url"],
                    "state": row["state"],
                    "attempts": json.loads(row["attempts"]),
                }
            )
        return [
            {
                "received_at": row["received_at"],
                "topic": row["topic"],
                "event": json.loads(row["body"]),
                "deliveries": deliveries.get(row["seq"], []),
            }
            for row in self._database.rows("SELECT * FROM events ORDER BY seq")
        ]
