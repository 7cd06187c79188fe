"""Small historical files in the format of the readers, by formula, to be changed and written."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection
from pathlib import Path

FIRST, LAST = 1996, 2012
STATES = ("KZ", "KG")
PARTNERS = {"RUS": 4.0, "CHN": 1.0, "EU27": 2.0, "JPN": 0.5}
"""Partner and its trade in the first year, USD m for each USD m of the state's scale."""
SCALES = {"KAZ": 1000.0, "KGZ": 100.0, "ARM": 50.0}
WORLD_TO_PARTNERS = 1.25
GROWTH = {"RUS": 1.02, "CHN": 1.2, "EU27": 1.05, "JPN": 1.0}
GDP = {"KAZ": 20e9, "KGZ": 2e9, "RUS": 400e9, "CHN": 900e9, "EU27": 9e12, "WLD": 31e12}
"""Output of the first year, USD."""

TRADE, OUTPUT, MEMBERSHIPS = "trade", "gdp_population", "memberships"
TOLD = ("KAZ", "KGZ", "ARM")

Table = list[dict[str, str]]


class Files:
    """The three files as lists of rows of text."""

    def __init__(self, first: int = FIRST, last: int = LAST) -> None:
        years = range(first, last + 1)
        self.tables: dict[str, Table] = {
            TRADE: [
                row for year in years for reporter in TOLD for row in _trade(reporter, year, first)
            ],
            OUTPUT: [
                {
                    "iso3": iso3,
                    "year": str(year),
                    "population": "1000000",
                    "gdp_current_usd": f"{start * 1.05 ** (year - first):.1f}",
                    "gdp_const2015_usd_chained": f"{start * 1.5 * 1.02 ** (year - first):.1f}",
                }
                for iso3, start in GDP.items()
                for year in range(first - 1, last + 1)
            ],
            MEMBERSHIPS: [
                membership("KAZ", "CIS", "1991-12-21"),
                membership("KGZ", "CIS", "1991-12-21"),
                membership("KAZ", "EU PCA", "1999-07-01", "2010-05-31"),
                membership("KAZ", "EU EPCA", "2003-05-01", "2010-03-01", "provisional"),
                membership("KAZ", "EU EPCA", "2010-03-01", status="in force"),
                membership("ARM", "WTO", "2003-02-05"),
                membership("CA5", "C5+1 (US)", "2009-11-01", status="participant"),
            ],
        }

    def line(self, table: str, **where: str) -> int:
        """Line of the row with these cells in the written file."""
        rows = self.tables[table]
        return 2 + next(n for n, row in enumerate(rows) if where.items() <= row.items())

    def row(self, table: str, **where: str) -> dict[str, str]:
        """The row itself, to be changed."""
        return self.tables[table][self.line(table, **where) - 2]

    def flow(self, year: int, partner: str, reporter: str = "KAZ") -> dict[str, str]:
        return self.row(TRADE, year=str(year), partner=partner, reporter_iso3=reporter)

    def at(self, year: int, partner: str, reporter: str = "KAZ") -> int:
        return self.line(TRADE, year=str(year), partner=partner, reporter_iso3=reporter)

    def put(self, year: int, partner: str, exports: float, imports: float) -> None:
        """Another trade of KAZ, with shares of the world's total as it stands."""
        flow = self.flow(year, partner)
        world = float(self.flow(year, "WORLD")["total_usd_m"])
        flow.update(amounts(exports, imports, world))

    def drop(self, table: str, **where: str) -> None:
        rows = self.tables[table]
        self.tables[table] = [row for row in rows if not where.items() <= row.items()]

    def text(self, table: str, columns: Collection[str] | None = None) -> str:
        """A file as it is written, its columns in an order of one's own."""
        stream = io.StringIO()
        names = columns or list(self.tables[table][0])
        writer: csv.DictWriter[str] = csv.DictWriter(stream, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.tables[table])
        return stream.getvalue()

    def write(self, folder: Path) -> Path:
        """Write all three."""
        for table in self.tables:
            (folder / f"{table}.csv").write_text(self.text(table), encoding="utf-8", newline="")
        return folder


def amounts(exports: float, imports: float, world: float) -> dict[str, str]:
    """Cells of two flows."""
    return {
        "exports_usd_m": f"{exports:.3f}",
        "imports_usd_m": f"{imports:.3f}",
        "total_usd_m": f"{exports + imports:.3f}",
        "share_of_total_pct": f"{100 * (exports + imports) / world:.3f}",
    }


def membership(
    state: str, organisation: str, start: str, end: str = "", status: str = "member"
) -> dict[str, str]:
    return {
        "state_iso3": state,
        "organisation": organisation,
        "status": status,
        "from_year": start[:4],
        "to_year": end[:4],
        "from_date": start,
        "to_date": end,
        "verification": "memory",
        "note": "",
    }


def _trade(reporter: str, year: int, first: int) -> Table:
    """Rows of one state and year; Kyrgyzstan reports itself, the others are seen by partners."""
    totals = {
        partner: SCALES[reporter] * start * GROWTH[partner] ** (year - first)
        for partner, start in PARTNERS.items()
    }
    totals["WORLD"] = WORLD_TO_PARTNERS * sum(totals.values())
    national = reporter == "KGZ"
    return [
        {
            "year": str(year),
            "reporter_iso3": reporter,
            "partner": partner,
            **amounts(0.4 * total, 0.6 * total, totals["WORLD"]),
            "source_exports": "formula",
            "source_imports": "formula",
            "quality": "A" if national else "B",
            "basis": "total" if partner == "WORLD" else "national" if national else "mirror",
        }
        for partner, total in totals.items()
    ]


BOOKS = {
    1992: ("E", "mirror"),
    1993: ("E", "mirror"),
    2013: ("D", "interpolated"),
    2014: ("D-", "interpolated"),
    2015: ("C", "factbook_mirror"),
    2016: ("C", "factbook_mirror"),
    2017: ("C-", "mirror_news"),
    2018: ("A", "national"),
    2023: ("D", "interpolated"),
}
"""Quality and basis of Kazakh trade with the powers where not B and mirror; E is Kyrgyz too."""


def to_2023() -> Files:
    """Files from 1992 to 2023 with every basis and quality; a - at its end lacks the exports."""
    files = Files(1992, 2023)
    for year, (quality, basis) in BOOKS.items():
        world = float(files.flow(year, "WORLD")["total_usd_m"])
        for partner in ("RUS", "CHN", "EU27"):
            flow = files.flow(year, partner)
            if quality.endswith("-"):
                imports = float(flow["imports_usd_m"])
                flow.update({**amounts(0, imports, world), "exports_usd_m": ""})
            flow.update(quality=quality, basis=basis)
            if quality == "E":
                files.flow(year, partner, "KGZ")["quality"] = quality
    return files
