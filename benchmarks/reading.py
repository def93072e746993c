"""How long reading and exporting takes at size, and how much memory: JSONL, a JSON array, CSV, Parquet, gzip.

    python benchmarks/reading.py --rows 1000000

Makes its own files in a temporary folder (about 600 MB each at a million rows). Every measurement is a process of its
own. Time is CPU time as a ratio to `json.loads` on every line of the same rows, in the same run; `growth` is time per
row at the full size over time per row at a quarter of it, so 1 means linear.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import multiprocessing
import random
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import click

from clear_core.io import Source, detect, read_examples, write_curated

BATCH = 10_000


class Nowhere(io.RawIOBase):
    """A sink that forgets."""

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, data: object, /) -> int:
        """Take everything."""
        return len(memoryview(data))  # type: ignore[arg-type]


def _rows(count: int) -> Iterator[dict[str, str]]:
    """Rows of about 600 bytes, a tenth of them not in ASCII."""
    chance = random.Random(0)  # noqa: S311
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 9))) for _ in range(5000)]
    for number in range(count):
        accent = " – größer" if number % 10 == 0 else ""
        yield {
            "id": f"row-{number}",
            "instruction": " ".join(chance.choices(words, k=25)) + accent,
            "input": "",
            "output": " ".join(chance.choices(words, k=55)),
        }


def _write_jsonl(path: Path, count: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in _rows(count))


def _write_json(path: Path, count: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        for number, row in enumerate(_rows(count)):
            file.write((",\n" if number else "[\n") + json.dumps(row, ensure_ascii=False))
        file.write("\n]\n")


def _write_csv(path: Path, count: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, ["id", "instruction", "input", "output"])
        table.writeheader()
        table.writerows(_rows(count))


def _write_parquet(path: Path, count: int) -> None:
    import pyarrow as pa  # noqa: PLC0415 - its 60 MiB would count in every measurement
    import pyarrow.parquet as pq  # noqa: PLC0415

    writer = None
    rows = []
    for number, row in enumerate(_rows(count), 1):
        rows.append(row)
        if len(rows) == BATCH * 10 or number == count:
            table = pa.Table.from_pylist(rows)
            writer = writer or pq.ParquetWriter(path, table.schema)
            writer.write_table(table)
            rows = []
    if writer:
        writer.close()


def _write_gzip(path: Path, count: int) -> None:
    plain = path.with_name("plain.jsonl")
    _write_jsonl(plain, count)
    with plain.open("rb") as source, gzip.open(path, "wb", compresslevel=1) as sink:
        shutil.copyfileobj(source, sink)
    plain.unlink()


FILES: dict[str, Callable[[Path, int], None]] = {
    "rows.jsonl": _write_jsonl,
    "rows.json": _write_json,
    "rows.csv": _write_csv,
    "rows.parquet": _write_parquet,
    "rows.jsonl.gz": _write_gzip,
}


def _yardstick(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for line in file if json.loads(line))


def _read(path: Path) -> int:
    source = Source.at(path)
    return sum(1 for _ in read_examples(source, detect(source).field_map))


def _export(path: Path) -> int:
    source = Source.at(path)
    sink: BinaryIO = Nowhere()  # type: ignore[assignment]
    return write_curated(source, detect(source).field_map, [], sink).written


def _peak_mib() -> float:
    """Peak memory of this process; on Linux since it began, not since its parent did."""
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _timed(job: Callable[[Path], int], path: Path) -> tuple[int, float, float]:
    begin = time.process_time()
    rows = job(path)
    return rows, time.process_time() - begin, _peak_mib()


def _measure(job: Callable[[Path], int], path: Path) -> tuple[int, float, float]:
    """Rows, CPU seconds and peak MiB of a job in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_timed, (job, path))


def _make(folder: Path, name: str, count: int) -> Path:
    """Make a file in a process of its own, so that its memory is not inherited."""
    path = folder / name
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        pool.apply(FILES[name], (path, count))
    return path


def _line(folder: Path, name: str, count: int, per_row: float) -> dict[str, object]:
    path = _make(folder, name, count // 4)
    small = _measure(_read, path)
    path = _make(folder, name, count)
    read, export = _measure(_read, path), _measure(_export, path)
    size = path.stat().st_size
    path.unlink()
    if (read[0], export[0]) != (count, count):
        raise click.ClickException(f"{name}: {read[0]} rows read and {export[0]} exported instead of {count}")
    return {
        "file": name,
        "rows": count,
        "mib": round(size / 2**20),
        "read_ratio": round(read[1] / count / per_row, 2),
        "read_growth": round(read[1] / count / (small[1] / (count // 4)), 2),
        "read_peak_mib": round(read[2]),
        "export_ratio": round(export[1] / count / per_row, 2),
        "export_peak_mib": round(export[2]),
    }


@click.command()
@click.option("--rows", default=100_000, show_default=True, type=click.IntRange(1_000))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def main(rows: int, *, as_json: bool) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = _make(folder, "rows.jsonl", rows)
        _, seconds, peak = _measure(_yardstick, path)
        path.unlink()
        first = {"file": "json.loads a line", "rows": rows, "us_per_row": round(seconds / rows * 1e6, 2)}
        click.echo(json.dumps(first) if as_json else f"{first['file']}: {first['us_per_row']} us a row, {peak:.0f} MiB")
        for file in FILES:
            line = _line(folder, file, rows, seconds / rows)
            click.echo(json.dumps(line) if as_json else "  ".join(f"{key} {value}" for key, value in line.items()))


if __name__ == "__main__":
    main()
